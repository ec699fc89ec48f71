package melanomaedge.engine

import melanomaedge.core.Bundle
import org.bytedeco.javacpp.BytePointer
import org.bytedeco.javacpp.FloatPointer

/** Choose the code that computes a TFLite model; [runtime] names it in golden vectors. */
enum class Kernels(val runtime: String) {
    /** XNNPACK, the default of TensorFlow Lite: the fastest on phones. */
    XNNPACK("litert"),

    /** The library's own kernels, for a phone on which XNNPACK computes other numbers. */
    PLAIN("litert-plain"),
}

/**
 * Run a TFLite file on the processor; the same source on a phone and on a JVM.
 *
 * Only a verified bundle's model is opened: of files that were changed, some pass the library's own checks and then end
 * the process. Buffers are made once and used again. [runtime] and [delegate] tell what was found in the opened graph:
 * where XNNPACK is missing, they say so.
 */
class TfliteEngine internal constructor(
    model: ByteArray,
    private val plan: TensorPlan,
    kernels: Kernels = Kernels.XNNPACK,
) : LesionEngine {
    private val graph = TfliteGraph(model, kernels)
    private val image: Input
    private val answers: Map<String, Output>
    private var open = true

    init {
        try {
            plan.check(graph.inputs, graph.outputs)
            image = Input(graph, plan)
            answers = graph.outputs.mapValues { (name, facts) -> Output(graph, name, facts.shape) }
        } catch (error: Throwable) {
            graph.close()
            throw error
        }
    }

    /**
     * Open the TFLite file of a verified bundle.
     *
     * @throws melanomaedge.core.Refused when the runtime cannot open it, or its tensors are not the contract's.
     */
    constructor(bundle: Bundle, kernels: Kernels = Kernels.XNNPACK) :
        this(bundle.tflite, TensorPlan.of(bundle, "tflite"), kernels)

    override val runtime: String = if (graph.delegated > 0) Kernels.XNNPACK.runtime else Kernels.PLAIN.runtime
    override val delegate: String = graph.delegate
    override val outputs: Set<String> get() = answers.keys

    @Synchronized
    override fun infer(pixels: ByteArray): Answer {
        require(pixels.size == plan.bytes) { "${pixels.size} bytes instead of ${plan.bytes}" }
        if (!open) throw EngineFailure("the engine is closed")
        image.write(pixels)
        graph.invoke()
        val map = answers[Names.CAM]
        return Answer(
            probabilities = answers.getValue(Names.PROBABILITIES).read(),
            cam = map?.let { CamMap(it.shape[1], it.shape[2], it.shape[3], it.read()) },
            embedding = answers[Names.EMBEDDING]?.read(),
        )
    }

    @Synchronized
    override fun close() {
        if (!open) return
        open = false
        image.close()
        answers.values.forEach { it.close() }
        graph.close()
    }
}

/** Buffers in native memory through which one image goes into the graph. */
private class Input(private val graph: TfliteGraph, plan: TensorPlan) {
    private val takesFloats = graph.inputs.getValue(Names.IMAGE).kind == Kind.FLOAT32
    private val floats = if (takesFloats) FloatPointer(plan.bytes.toLong()) else null
    private val view = floats?.asBuffer()
    private val bytes = if (!takesFloats) BytePointer(plan.bytes.toLong()) else null

    fun write(pixels: ByteArray) {
        if (view != null) for (at in pixels.indices) view.put(at, (pixels[at].toInt() and 0xFF).toFloat())
        floats?.let { graph.write(Names.IMAGE, it, Float.SIZE_BYTES) }
        bytes?.let { graph.write(Names.IMAGE, it.put(pixels, 0, pixels.size), Byte.SIZE_BYTES) }
    }

    fun close() {
        floats?.close()
        bytes?.close()
    }
}

private class Output(private val graph: TfliteGraph, private val name: String, val shape: List<Int>) {
    private val values = FloatPointer(shape.reduce(Int::times).toLong())

    fun read(): FloatArray {
        graph.read(name, values)
        return FloatArray(values.capacity().toInt()).also { values.get(it) }
    }

    fun close() = values.close()
}
