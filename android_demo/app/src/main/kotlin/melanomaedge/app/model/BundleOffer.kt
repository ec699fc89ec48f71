package melanomaedge.app.model

import android.content.ActivityNotFoundException
import android.content.Intent
import java.io.FileNotFoundException
import melanomaedge.app.MelanomaApp
import melanomaedge.app.ui.Screen

/** Lets a person choose the zip of another bundle, and tells a screen what became of it. */
internal class BundleOffer(private val screen: Screen) {
    private val models get() = (screen.application as MelanomaApp).models

    /** Opens the system's file chooser; false where there is none. */
    fun ask(): Boolean {
        val intent = Intent(Intent.ACTION_OPEN_DOCUMENT).addCategory(Intent.CATEGORY_OPENABLE).setType("*/*")
        intent.putExtra(Intent.EXTRA_MIME_TYPES, arrayOf("application/zip", "application/octet-stream"))
        return try {
            screen.startActivityForResult(intent, REQUEST)
            true
        } catch (_: ActivityNotFoundException) {
            false
        }
    }

    /** Begins to check what was chosen. */
    fun arrived(request: Int, well: Boolean, data: Intent?) {
        val uri = data?.data ?: return
        if (request != REQUEST || !well) return
        val resolver = screen.application.contentResolver
        models.install { resolver.openInputStream(uri) ?: throw FileNotFoundException("the chosen file cannot be opened") }
    }

    /** Returns the outcome that nobody was told of yet; the reason of a refusal gets its own screen. */
    fun settle(): Installed? {
        val outcome = models.take()
        if (outcome is Installed.Refused) screen.startActivity(RefusedActivity.ofOffer(screen, outcome.refusal))
        return outcome
    }

    private companion object {
        const val REQUEST = 7
    }
}
