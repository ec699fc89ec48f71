package melanomaedge.app.home

import android.content.Context
import melanomaedge.app.R
import melanomaedge.core.Bundle
import melanomaedge.core.sha256

/**
 * What must be read and accepted before the first photo: the model's own intended use, and this app's limits.
 *
 * @property id changes when the text does, and then it must be accepted again.
 */
internal class Statement private constructor(val original: String, val id: String) {
    /** Returns the model's intended use in the language of the screen where a translation is known, else as it stands. */
    fun use(context: Context): String = TRANSLATED[original]?.let(context::getString) ?: original

    companion object {
        /** To be raised when the limits in strings.xml change their meaning. */
        private const val LIMITS = 1

        /** The texts that `melanoma-edge` writes into contracts. */
        private val TRANSLATED = mapOf(
            "Triage aid for a clinician looking at a dermoscopic image of a lesion already judged suspicious. " +
                "Not a diagnosis, not screening, not for consumer photos." to R.string.use_dermoscopic,
            "Trained on synthetic images: for tests and demonstrations only, never for use on people." to R.string.use_synthetic,
        )

        fun of(bundle: Bundle): Statement {
            val text = bundle.contract.intendedUse
            return Statement(text, sha256("$LIMITS $text".toByteArray()))
        }

        /** What the app says it cannot do. */
        val limits = listOf(
            R.string.limit_misses,
            R.string.limit_change,
            R.string.limit_skin,
            R.string.limit_picture,
            R.string.limit_quality,
            R.string.limit_device,
        )
    }
}
