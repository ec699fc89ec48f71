package melanomaedge.engine

import melanomaedge.core.Bundle
import melanomaedge.core.Finding
import melanomaedge.core.GoldenVector
import melanomaedge.core.Pixels
import melanomaedge.core.Quality
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import java.io.Closeable
import kotlin.math.abs

/** Decode the bytes of a photo's file, as the app or service that uses the engine does. */
fun interface PhotoDecoder {
    fun decode(file: ByteArray): Shot
}

/**
 * Prove at start-up that this engine, on this machine, gives the bundle's own answers to the bundle's own photos.
 *
 * It finds a model that computes other numbers here, classes in another order, another pixel recipe and another
 * threshold, whatever the reason.
 */
class SelfCheck(private val bundle: Bundle, private val engine: LesionEngine) {
    /**
     * Run all golden vectors.
     *
     * @param decoder when given, photos are decoded too, and their pixels, quality and decisions compared.
     * @throws Refused with [Reason.GOLDEN_MISS] when anything comes out otherwise, or the engine fails.
     */
    fun run(decoder: PhotoDecoder? = null) {
        for (vector in bundle.golden.vectors) {
            val expected = bundle.pixels(vector)
            checkAnswer(vector, infer(vector, expected))
            if (decoder != null) checkPhoto(vector, expected, decoder)
        }
    }

    private fun checkAnswer(vector: GoldenVector, answer: Answer) {
        val expected = vector.answers[engine.runtime] ?: miss(vector, "the bundle has no answers of ${engine.runtime}")
        val found = answer.probabilities
        if (found.size != expected.size) miss(vector, "${found.size} probabilities instead of ${expected.size}")
        for (at in found.indices) {
            val far = abs(found[at].toDouble() - expected[at])
            if (!(far <= bundle.golden.tolerance)) miss(vector, "a probability differs by $far")
        }
        checkDecision(vector, answer, Quality.findings(vector.quality, bundle.safeguards.quality))
    }

    private fun checkDecision(vector: GoldenVector, answer: Answer, findings: List<Finding>) {
        val found = bundle.decide(findings, answer.probabilities, answer.embedding)
        val score = found.score ?: miss(vector, "no score")
        if (bundle.contract.refers(score) != vector.refers) miss(vector, "the decision is not ${vector.decision}")
        if (found.state != vector.state) miss(vector, "the state is ${found.state.code}, not ${vector.state.code}")
    }

    private fun checkPhoto(vector: GoldenVector, expected: ByteArray, decoder: PhotoDecoder) {
        val shot = try {
            decoder.decode(bundle.photo(vector))
        } catch (error: Exception) {
            miss(vector, "the photo cannot be decoded", error)
        }
        val quality = Quality.measure(shot.picture, shot.orientation)
        val pixels = Pixels.square(shot.picture, shot.orientation, bundle.golden.inputSize)
        (shot.picture as? Closeable)?.close()
        val far = meanDifference(pixels, expected)
        if (far > if (vector.format == EXACT) 0.0 else JPEG_TOLERANCE) miss(vector, "pixels differ by $far on average")
        if (vector.format == EXACT && quality != vector.quality) miss(vector, "the quality is $quality")
        checkDecision(vector, infer(vector, pixels), Quality.findings(quality, bundle.safeguards.quality))
    }

    private fun infer(vector: GoldenVector, pixels: ByteArray): Answer = try {
        engine.infer(pixels)
    } catch (error: RuntimeException) {
        miss(vector, "the engine fails", error)
    }

    private fun meanDifference(one: ByteArray, other: ByteArray): Double {
        val sum = one.indices.sumOf { abs((one[it].toInt() and 0xFF) - (other[it].toInt() and 0xFF)).toLong() }
        return sum.toDouble() / one.size
    }

    private fun miss(vector: GoldenVector, what: String, cause: Throwable? = null): Nothing {
        val where = "golden vector ${vector.id} on ${engine.runtime}, delegate ${engine.delegate}"
        throw Refused(Reason.GOLDEN_MISS, "$where: $what", cause)
    }

    private companion object {
        const val EXACT = "png"

        /** Decoders of JPEG may round otherwise; steps of a byte, on average. */
        const val JPEG_TOLERANCE = 1.0
    }
}
