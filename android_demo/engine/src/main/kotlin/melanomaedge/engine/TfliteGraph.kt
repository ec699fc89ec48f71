package melanomaedge.engine

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.FloatPointer
import org.bytedeco.javacpp.Pointer
import org.bytedeco.tensorflowlite.BuiltinOpResolver
import org.bytedeco.tensorflowlite.BuiltinOpResolverWithoutDefaultDelegates
import org.bytedeco.tensorflowlite.FlatBufferModel
import org.bytedeco.tensorflowlite.Interpreter
import org.bytedeco.tensorflowlite.InterpreterBuilder
import org.bytedeco.tensorflowlite.StringIntMap
import org.bytedeco.tensorflowlite.TfLiteTensor
import org.bytedeco.tensorflowlite.TfLiteVerifier
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorCopyFromBuffer
import org.bytedeco.tensorflowlite.global.tensorflowlite.TfLiteTensorCopyToBuffer
import org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteBuiltinDelegate
import org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteFloat32
import org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteOk
import org.bytedeco.tensorflowlite.global.tensorflowlite.kTfLiteUInt8
import java.io.Closeable

/**
 * Hold a TFLite model in native memory, ready to run, with what it says about itself.
 *
 * @throws Refused when the bytes are no such model, the library lacks one of its operations, or there is no library for
 *     this machine.
 */
internal class TfliteGraph(model: ByteArray, kernels: Kernels) : Closeable {
    private val owned = ArrayList<Pointer>()
    private val interpreter: Interpreter
    private val inputPlaces: Map<String, Int>
    private val outputPlaces: Map<String, Int>

    /** How many of the model's operations a delegate has taken. */
    val delegated: Int

    /** The delegate that took operations and how many, or `none`. */
    val delegate: String

    init {
        try {
            interpreter = interpreter(model, kernels)
            inputPlaces = signature { interpreter.signature_inputs(it) }
            outputPlaces = signature { interpreter.signature_outputs(it) }
            val (theirs, own) = plan().partition(::isDelegate)
            val operations = interpreter.nodes_size().toInt() - theirs.size
            delegated = operations - own.size
            val names = theirs.map(::delegateName).distinct().joinToString(" and ")
            delegate = if (theirs.isEmpty()) NONE else "$names ($delegated of $operations operations)"
        } catch (error: LinkageError) {
            close()
            throw Refused(Reason.MODEL_UNUSABLE, "TensorFlow Lite is not there for this machine", error)
        } catch (error: Throwable) {
            close()
            throw error
        }
    }

    /** The tensors by the names of the model's signature. */
    val inputs: Map<String, TensorFacts> get() = inputPlaces.mapValues { facts(interpreter.tensor(it.value)) }
    val outputs: Map<String, TensorFacts> get() = outputPlaces.mapValues { facts(interpreter.tensor(it.value)) }

    /** Copy all of [from], whose capacity is counted in values of [valueBytes], into an input tensor. */
    fun write(name: String, from: Pointer, valueBytes: Int) {
        val tensor = interpreter.tensor(inputPlaces.getValue(name))
        expect(TfLiteTensorCopyFromBuffer(tensor, from, from.capacity() * valueBytes), "takes no input")
    }

    /** Fill [into] from an output tensor. */
    fun read(name: String, into: FloatPointer) {
        val tensor = interpreter.tensor(outputPlaces.getValue(name))
        expect(TfLiteTensorCopyToBuffer(tensor, into, into.capacity() * Float.SIZE_BYTES), "gives no output")
    }

    /** Compute the outputs from what was written. */
    fun invoke() = expect(interpreter.Invoke(), "failed")

    private fun expect(status: Int, what: String) {
        if (status != kTfLiteOk) throw EngineFailure("TensorFlow Lite $what (status $status)")
    }

    override fun close() {
        owned.asReversed().forEach { it.close() }
        owned.clear()
    }

    private fun interpreter(bytes: ByteArray, kernels: Kernels): Interpreter {
        val data = own(BytePointer(bytes.size.toLong())).put(bytes, 0, bytes.size)
        val reporter = FlatBufferModel.GetDefaultErrorReporter()
        val noVerifier: TfLiteVerifier? = null
        val model = FlatBufferModel.VerifyAndBuildFromBuffer(data, bytes.size.toLong(), noVerifier, reporter)
        if (model == null || model.isNull) refuse("the file is no TFLite model")
        val delegating = kernels == Kernels.XNNPACK
        val resolver = if (delegating) BuiltinOpResolver() else BuiltinOpResolverWithoutDefaultDelegates()
        own(model)
        own(resolver)
        val made = Interpreter(null as Pointer?)
        val built = InterpreterBuilder(model, resolver).use { it.apply(made, THREADS) }
        if (made.isNull) refuse("it has operations that the library lacks (status $built)")
        own(made)
        if (made.AllocateTensors() != kTfLiteOk) refuse("its tensors do not fit together")
        return made
    }

    private fun <P : Pointer> own(pointer: P): P = pointer.also { owned.add(it) }

    private fun signature(read: (String) -> StringIntMap): Map<String, Int> {
        val keys = interpreter.signature_keys()
        if (keys.size() != 1L) refuse("it has ${keys.size()} signatures instead of one")
        val found = read(keys.get(0).string)
        val places = LinkedHashMap<String, Int>()
        val at = found.begin()
        while (places.size < found.size()) {
            places[at.first()] = at.second()
            at.increment()
        }
        return places
    }

    private fun plan(): List<Int> {
        val nodes = interpreter.execution_plan()
        return List(nodes.limit().toInt()) { nodes.get(it.toLong()) }
    }

    private fun isDelegate(node: Int): Boolean =
        interpreter.node_and_registration(node).second().builtin_code() == kTfLiteBuiltinDelegate

    private fun delegateName(node: Int): String {
        val name = interpreter.node_and_registration(node).second().custom_name().string
        return if (name == XNNPACK_NODE) "XNNPACK" else name
    }

    private fun facts(tensor: TfLiteTensor): TensorFacts {
        val kind = when (tensor.type()) {
            kTfLiteFloat32 -> Kind.FLOAT32
            kTfLiteUInt8 -> Kind.UINT8
            else -> Kind.OTHER
        }
        val sizes = tensor.dims()
        val scaling = tensor.params()
        return TensorFacts(kind, List(sizes.size()) { sizes.data(it) }, scaling.scale(), scaling.zero_point())
    }

    private fun refuse(why: String): Nothing =
        throw Refused(Reason.MODEL_UNUSABLE, "TensorFlow Lite cannot run the model: $why")

    private companion object {
        const val THREADS = 1
        const val NONE = "none"
        const val XNNPACK_NODE = "TfLiteXNNPackDelegate"
    }
}
