package melanomaedge.engine

import melanomaedge.core.Bundle
import melanomaedge.core.Decision
import melanomaedge.core.Finding
import melanomaedge.core.Pixels
import melanomaedge.core.Quality
import melanomaedge.core.QualityMeasures
import melanomaedge.core.Refused
import melanomaedge.core.State
import melanomaedge.core.UnfitPhoto
import java.io.Closeable

/**
 * Go the way of one photo: decode, measure its quality, make the pixels, ask the engine, decide.
 *
 * It fails closed: whatever is thrown on the way ends in [State.NOT_ASSESSABLE], and so does an answer that is no
 * probabilities. It owns the engine. It waits for as long as the engine takes; [EngineRoom] does not.
 */
class Assessor(private val bundle: Bundle, private val engine: LesionEngine) : Closeable {
    val runtime: String get() = engine.runtime
    val delegate: String get() = engine.delegate

    /** Assess one photo; never throws. */
    fun assess(source: PictureSource): Assessment {
        val run = Run()
        return try {
            run.through(source)
        } catch (error: Throwable) {
            if (error is InterruptedException) Thread.currentThread().interrupt()
            run.failed(error)
        }
    }

    override fun close() = engine.close()

    private inner class Run {
        private var timings = Timings()
        private var findings: List<Finding> = emptyList()
        private var quality: QualityMeasures? = null
        private var decoding = true

        fun through(source: PictureSource): Assessment {
            val shot = timed({ copy(decode = it) }) { source.open() }
            decoding = false
            val pixels = try {
                square(shot)
            } finally {
                (shot.picture as? Closeable)?.close()
            }
            val answer = timed({ copy(inference = it) }) { engine.infer(pixels) }
            return decided(pixels, answer, bundle.decide(findings, answer.probabilities, answer.embedding))
        }

        private fun square(shot: Shot): ByteArray {
            val measured = timed({ copy(quality = it) }) { Quality.measure(shot.picture, shot.orientation) }
            quality = measured
            findings = Quality.findings(measured, bundle.safeguards.quality)
            val size = bundle.contract.inputSize
            return timed({ copy(pixels = it) }) { Pixels.square(shot.picture, shot.orientation, size) }
        }

        private fun decided(pixels: ByteArray, answer: Answer, decision: Decision): Assessment {
            val good = decision.score != null
            return Assessment(
                state = decision.state,
                trouble = if (good) null else Trouble.BAD_ANSWER,
                detail = if (good) null else "no probabilities: ${answer.probabilities.joinToString()}",
                score = decision.score,
                probabilities = if (good) answer.probabilities else null,
                findings = decision.findings,
                quality = quality,
                cam = if (good) answer.cam else null,
                pixels = pixels,
                timings = timings,
                runtime = runtime,
                delegate = delegate,
            )
        }

        fun failed(error: Throwable): Assessment {
            val trouble = if (decoding && error !is OutOfMemoryError) Trouble.UNREADABLE else troubleOf(error)
            return Assessment(
                state = State.NOT_ASSESSABLE,
                trouble = trouble,
                detail = error.toString(),
                refused = error as? Refused,
                unfit = (error as? UnfitPhoto)?.unfit,
                findings = findings,
                quality = quality,
                timings = timings,
                runtime = runtime,
                delegate = delegate,
            )
        }

        private fun <T> timed(note: Timings.(Double) -> Timings, work: () -> T): T {
            val start = System.nanoTime()
            try {
                return work()
            } finally {
                timings = timings.note((System.nanoTime() - start) / NANOS_A_MILLI)
            }
        }
    }

    private companion object {
        const val NANOS_A_MILLI = 1e6
    }
}
