package melanomaedge.engine

import melanomaedge.core.Finding
import melanomaedge.core.Orientation
import melanomaedge.core.Picture
import melanomaedge.core.QualityMeasures
import melanomaedge.core.Refused
import melanomaedge.core.State
import melanomaedge.core.Unfit

/** Say why a photo could not be assessed, where the photo's quality is not the reason. [code] is stable. */
enum class Trouble(val code: String) {
    /** The picture could not be decoded. */
    UNREADABLE("unreadable"),
    OUT_OF_MEMORY("out-of-memory"),
    TIME_OUT("time-out"),

    /** An earlier photo never came back from the engine's thread, which can answer nothing any more. */
    STUCK("stuck"),
    CLOSED("closed"),

    /** The bundle is refused; [Assessment.refused] says why. */
    REFUSED("refused"),
    ENGINE_FAILED("engine-failed"),

    /** The engine answered with what is no probabilities. */
    BAD_ANSWER("bad-answer"),
}

/** Hold a decoded picture as its file stores it, and how it must be turned; it is closed after use if it can be. */
class Shot(val picture: Picture, val orientation: Orientation)

/** Decode a picture when it is its turn; what it throws ends in [State.NOT_ASSESSABLE]. */
fun interface PictureSource {
    fun open(): Shot
}

/** Hold the milliseconds that each stage took; null for a stage that was not reached. */
data class Timings(
    val decode: Double? = null,
    val quality: Double? = null,
    val pixels: Double? = null,
    val inference: Double? = null,
)

/**
 * Hold what is known of one photo.
 *
 * @property state a sign or none only when every stage went well.
 * @property trouble null unless something broke; [detail] then says in English what.
 * @property refused why the bundle is not used, with [Trouble.REFUSED].
 * @property unfit what is wrong with the file, where it was looked at before decoding.
 * @property score the target score; null where there is no answer. A screen shows it only in the states that are about
 *     the lesion: of a photo that must be retaken it means nothing.
 * @property probabilities in the order of the contract's classes; null where there is no answer.
 * @property pixels the N * N * 3 bytes that the model saw, to lay a [cam] over; null where they were not made.
 */
class Assessment(
    val state: State,
    val trouble: Trouble? = null,
    val detail: String? = null,
    val refused: Refused? = null,
    val unfit: Unfit? = null,
    val score: Double? = null,
    val probabilities: FloatArray? = null,
    val findings: List<Finding> = emptyList(),
    val quality: QualityMeasures? = null,
    val cam: CamMap? = null,
    val pixels: ByteArray? = null,
    val timings: Timings = Timings(),
    val runtime: String? = null,
    val delegate: String? = null,
) {
    companion object {
        /** Return the only answer that may follow a failure. */
        fun failed(trouble: Trouble, cause: Throwable? = null, detail: String? = cause?.toString()): Assessment =
            Assessment(State.NOT_ASSESSABLE, trouble, detail, cause as? Refused)
    }
}
