package melanomaedge.engine.jvm

import ai.onnxruntime.NodeInfo
import ai.onnxruntime.OnnxJavaType
import ai.onnxruntime.OnnxTensor
import ai.onnxruntime.OrtEnvironment
import ai.onnxruntime.OrtException
import ai.onnxruntime.OrtLoggingLevel
import ai.onnxruntime.OrtSession
import ai.onnxruntime.TensorInfo
import melanomaedge.core.Bundle
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.engine.Answer
import melanomaedge.engine.CamMap
import melanomaedge.engine.EngineFailure
import melanomaedge.engine.Kind
import melanomaedge.engine.LesionEngine
import melanomaedge.engine.Names
import melanomaedge.engine.TensorFacts
import melanomaedge.engine.TensorPlan
import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * Run an ONNX file with onnxruntime on the processor, for services on a JVM.
 *
 * The settings are those under which the model was judged: int8 in integers throughout (`session.qdqisint8allowed`), as
 * ARM does by default; without it about one decision in two hundred differs on x86.
 */
class OrtEngine internal constructor(model: ByteArray, private val plan: TensorPlan) : LesionEngine {
    private val environment: OrtEnvironment = openEnvironment()
    private val session: OrtSession = openSession(environment, model)
    private val staged: ByteBuffer
    private val image: OnnxTensor
    private val shapes: Map<String, List<Int>>
    private var open = true

    init {
        try {
            val inputs = facts(session.inputInfo)
            val outputs = facts(session.outputInfo)
            plan.check(inputs, outputs)
            shapes = outputs.mapValues { it.value.shape }
            val floats = inputs.getValue(Names.IMAGE).kind == Kind.FLOAT32
            val bytes = plan.bytes * if (floats) Float.SIZE_BYTES else 1
            staged = ByteBuffer.allocateDirect(bytes).order(ByteOrder.nativeOrder())
            image = tensor(floats)
        } catch (error: Throwable) {
            session.close()
            throw error
        }
    }

    /**
     * Open the ONNX file of a verified bundle.
     *
     * @throws Refused when the bundle has none, onnxruntime is missing or cannot open it, or its tensors are not the
     *     contract's.
     */
    constructor(bundle: Bundle) : this(
        bundle.onnx ?: throw Refused(Reason.MODEL_UNUSABLE, "the bundle has no ONNX model"),
        TensorPlan.of(bundle, "onnx"),
    )

    override val runtime: String get() = "onnxruntime"
    override val delegate: String get() = "CPUExecutionProvider"
    override val outputs: Set<String> get() = shapes.keys

    @Synchronized
    override fun infer(pixels: ByteArray): Answer {
        require(pixels.size == plan.bytes) { "${pixels.size} bytes instead of ${plan.bytes}" }
        if (!open) throw EngineFailure("the engine is closed")
        stage(pixels)
        try {
            session.run(mapOf(Names.IMAGE to image)).use { found ->
                val read = { name: String -> floats(found.get(name).get() as OnnxTensor) }
                val map = shapes[Names.CAM]
                return Answer(
                    probabilities = read(Names.PROBABILITIES),
                    cam = map?.let { CamMap(it[1], it[2], it[3], read(Names.CAM)) },
                    embedding = shapes[Names.EMBEDDING]?.let { read(Names.EMBEDDING) },
                )
            }
        } catch (error: OrtException) {
            throw EngineFailure("onnxruntime failed", error)
        }
    }

    @Synchronized
    override fun close() {
        if (!open) return
        open = false
        image.close()
        session.close()
    }

    private fun stage(pixels: ByteArray) {
        staged.clear()
        if (staged.capacity() == pixels.size) {
            staged.put(pixels)
        } else {
            for (byte in pixels) staged.putFloat((byte.toInt() and 0xFF).toFloat())
        }
        staged.clear()
    }

    private fun tensor(floats: Boolean): OnnxTensor {
        val shape = longArrayOf(1, plan.inputSize.toLong(), plan.inputSize.toLong(), CHANNELS)
        return if (floats) {
            OnnxTensor.createTensor(environment, staged.asFloatBuffer(), shape)
        } else {
            OnnxTensor.createTensor(environment, staged, shape, OnnxJavaType.UINT8)
        }
    }

    private companion object {
        const val CHANNELS = 3L

        fun openEnvironment(): OrtEnvironment = try {
            OrtEnvironment.getEnvironment()
        } catch (error: LinkageError) {
            throw Refused(Reason.MODEL_UNUSABLE, "onnxruntime is not there for this machine", error)
        }

        fun openSession(environment: OrtEnvironment, model: ByteArray): OrtSession = try {
            OrtSession.SessionOptions().use { options ->
                options.setSessionLogLevel(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR)
                options.addConfigEntry("session.qdqisint8allowed", "1")
                environment.createSession(model, options)
            }
        } catch (error: OrtException) {
            throw Refused(Reason.MODEL_UNUSABLE, "onnxruntime cannot run the model: ${error.message}", error)
        }

        fun facts(found: Map<String, NodeInfo>): Map<String, TensorFacts> = found.mapValues { (_, node) ->
            val info = node.info as? TensorInfo
            val kind = when (info?.type) {
                OnnxJavaType.FLOAT -> Kind.FLOAT32
                OnnxJavaType.UINT8 -> Kind.UINT8
                else -> Kind.OTHER
            }
            TensorFacts(kind, info?.shape.orEmpty().map { it.toInt() })
        }

        private fun LongArray?.orEmpty(): LongArray = this ?: LongArray(0)

        fun floats(tensor: OnnxTensor): FloatArray {
            val buffer = tensor.floatBuffer
            return FloatArray(buffer.remaining()).also { buffer.get(it) }
        }
    }
}
