package melanomaedge.app.home

import android.content.ActivityNotFoundException
import android.content.ClipData
import android.content.Intent
import android.net.Uri
import android.os.Bundle
import android.provider.MediaStore
import melanomaedge.app.R
import melanomaedge.app.files.Handover

/** What came back from another app. */
internal sealed class Arrived {
    class Photo(val uri: Uri) : Arrived()

    /** The other app said that all went well, and gave nothing. */
    object Nothing : Arrived()

    object Cancelled : Arrived()
}

/**
 * Asks the camera app or the photo picker for a photo; needs no permission.
 *
 * The camera app writes into a file of our cache, whose name outlives the death of this process.
 */
internal class PhotoRequests(private val home: HomeActivity) {
    private var camera: String? = null

    fun save(state: Bundle) = state.putString(CAMERA_FILE, camera)

    fun restore(state: Bundle?) {
        camera = state?.getString(CAMERA_FILE)
    }

    fun take() {
        val name = Handover.CAMERA.newName().also { camera = it }
        val uri = Handover.CAMERA.uri(home, name)
        val intent = Intent(MediaStore.ACTION_IMAGE_CAPTURE).putExtra(MediaStore.EXTRA_OUTPUT, uri)
        intent.clipData = ClipData.newRawUri(null, uri)
        intent.addFlags(Intent.FLAG_GRANT_WRITE_URI_PERMISSION or Intent.FLAG_GRANT_READ_URI_PERMISSION)
        home.tell(if (started(intent, CAMERA)) null else R.string.no_camera)
    }

    /** Tries the photo picker, which shows only what is picked, then what older Androids have. */
    fun pick() {
        val found = listOf(PICK_IMAGES, Intent.ACTION_OPEN_DOCUMENT, Intent.ACTION_GET_CONTENT).any { action ->
            val intent = Intent(action).setType("image/*")
            if (action != PICK_IMAGES) {
                intent.addCategory(Intent.CATEGORY_OPENABLE).putExtra(Intent.EXTRA_MIME_TYPES, arrayOf("image/jpeg", "image/png"))
            }
            started(intent, PICKER)
        }
        home.tell(if (found) null else R.string.no_picker)
    }

    fun arrived(request: Int, well: Boolean, data: Intent?): Arrived {
        val name = camera.also { camera = null }
        if (request == PICKER) {
            if (!well) return Arrived.Cancelled
            return data?.data?.let { Arrived.Photo(it) } ?: Arrived.Nothing
        }
        val file = name?.let { Handover.CAMERA.file(home, it) }
        if (well && file != null && file.length() > 0) return Arrived.Photo(Handover.CAMERA.uri(home, file.name))
        file?.delete()
        return if (well) Arrived.Nothing else Arrived.Cancelled
    }

    private fun started(intent: Intent, request: Int): Boolean = try {
        home.startActivityForResult(intent, request)
        true
    } catch (_: ActivityNotFoundException) {
        false
    }

    private companion object {
        const val CAMERA = 1
        const val PICKER = 2
        const val CAMERA_FILE = "camera_file"

        /** The photo picker of Android 13, which later came to older ones. */
        const val PICK_IMAGES = "android.provider.action.PICK_IMAGES"
    }
}
