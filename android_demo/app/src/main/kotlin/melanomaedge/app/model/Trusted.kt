package melanomaedge.app.model

import java.io.Closeable
import melanomaedge.core.Bundle
import melanomaedge.engine.Assessment
import melanomaedge.engine.EngineRoom
import melanomaedge.engine.PictureSource

/**
 * A bundle that was found trustworthy, and the engine that proved it on this device.
 *
 * @property runtime what computes, and [delegate] with which help, as found and not as wished for.
 */
class Trusted(
    val bundle: Bundle,
    val runtime: String,
    val delegate: String,
    private var room: EngineRoom,
    private val another: () -> EngineRoom,
) : Closeable {
    /** Assesses one photo; never throws, blocks until the answer or the time-out. A room that got stuck is replaced. */
    @Synchronized
    fun assess(source: PictureSource): Assessment {
        if (room.poisoned) room = another()
        return room.assess(source)
    }

    override fun close() = room.close()
}

/** Why there is no trusted model. [code] is a [melanomaedge.core.Reason]'s, or [UNEXPECTED]; [detail] is technical. */
data class Refusal(val code: String, val detail: String) {
    companion object {
        const val UNEXPECTED = "unexpected"
    }
}

/** What is known of the model in use. */
sealed class ModelState {
    /** It is being checked. */
    object Opening : ModelState()

    class Ready(val model: Trusted) : ModelState()

    class NotTrusted(val refusal: Refusal) : ModelState()
}
