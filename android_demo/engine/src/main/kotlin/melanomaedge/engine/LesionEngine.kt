package melanomaedge.engine

import java.io.Closeable
import kotlin.math.exp

/**
 * Run one model: the bytes of an image in, probabilities out.
 *
 * An engine may be asked by several threads, which then wait for one another. After [close] it refuses to answer.
 */
interface LesionEngine : Closeable {
    /** The name under which golden vectors know this runtime's answers: `litert`, `litert-plain` or `onnxruntime`. */
    val runtime: String

    /** What computes, as found in the opened model and not as wished for. */
    val delegate: String

    /** The names of the model's outputs. */
    val outputs: Set<String>

    /**
     * Return the answer for one image.
     *
     * @param pixels N * N * 3 bytes, rows from the top, red, green, blue.
     * @throws IllegalArgumentException for another number of bytes.
     * @throws EngineFailure when the runtime fails, or the engine is closed.
     */
    fun infer(pixels: ByteArray): Answer
}

/** Hold the outputs for one image; [cam] and [embedding] are there where the model has them. */
class Answer(val probabilities: FloatArray, val cam: CamMap?, val embedding: FloatArray?)

/** Hold a class activation map: the logits `[height, width, classes]` of every place, in rows from the top. */
class CamMap(val height: Int, val width: Int, val classes: Int, val logits: FloatArray) {
    init {
        require(logits.size == height * width * classes) { "${logits.size} logits for $height x $width x $classes" }
    }

    /**
     * Return the target score `[height * width]` that the model would give if the image looked everywhere as it does
     * here. A picture for people, not a measurement.
     *
     * @param targets the places of the target classes in the order of the outputs.
     */
    fun scores(targets: IntArray): FloatArray = FloatArray(height * width) { place ->
        val start = place * classes
        val highest = (start until start + classes).maxOf { logits[it] }
        val powers = DoubleArray(classes) { exp((logits[start + it] - highest).toDouble()) }
        (targets.sumOf { powers[it] } / powers.sum()).toFloat()
    }
}

/** Say that a runtime failed while it computed; nothing is known of the image. */
class EngineFailure(message: String, cause: Throwable? = null) : RuntimeException(message, cause)

/** Name a model's tensors. */
internal object Names {
    const val IMAGE = "image"
    const val PROBABILITIES = "probabilities"
    const val CAM = "cam"
    const val EMBEDDING = "embedding"
}
