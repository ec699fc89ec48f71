package melanomaedge.app.photo

import android.graphics.Bitmap
import android.graphics.BitmapFactory
import android.graphics.ColorSpace
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import melanomaedge.core.Photo
import melanomaedge.core.Unfit
import melanomaedge.core.UnfitPhoto
import melanomaedge.core.sha256
import melanomaedge.engine.PictureSource
import melanomaedge.engine.Shot

/** Why a file is no photo that can be assessed: what the core says, and what only the phone can tell. */
enum class PhotoProblem {
    UNREADABLE,
    EMPTY,
    TOO_LARGE,
    UNKNOWN_FORMAT,
    HEIC,
    OTHER_FORMAT,
    MORE_THAN_ONE_FRAME,
    TOO_MANY_PIXELS,
    CUT_OFF,
    DAMAGED,
    OTHER_COLOURS,
    TRANSPARENT;

    companion object {
        fun of(unfit: Unfit): PhotoProblem = valueOf(unfit.name)
    }
}

/** Stops the assessment of a file that is not one intact, still, opaque photo. */
class BadPhoto(val problem: PhotoProblem, message: String, cause: Throwable? = null) : Exception(message, cause)

/**
 * A photo's file, read once and decoded in full: no subsampling and no scaling, which would change bytes that the model
 * sees. Its EXIF block says how to turn it and goes no further.
 *
 * [sha256] and [problem] tell afterwards what was read, and why it went no further.
 */
class PhotoFile(private val file: () -> InputStream?) : PictureSource {
    /** Of the bytes that were read; of none where the file could not be opened. */
    @Volatile
    var sha256: String = sha256(ByteArray(0))
        private set

    @Volatile
    var problem: PhotoProblem? = null
        private set

    override fun open(): Shot = try {
        val bytes = read()
        sha256 = sha256(bytes)
        decode(bytes)
    } catch (bad: BadPhoto) {
        problem = bad.problem
        throw bad
    } catch (unfit: UnfitPhoto) {
        problem = PhotoProblem.of(unfit.unfit)
        throw unfit
    }

    private fun read(): ByteArray = try {
        val stream = file() ?: throw BadPhoto(PhotoProblem.UNREADABLE, "the file cannot be opened")
        stream.use(::readLimited)
    } catch (error: IOException) {
        throw BadPhoto(PhotoProblem.UNREADABLE, "the file cannot be read", error)
    } catch (error: SecurityException) {
        throw BadPhoto(PhotoProblem.UNREADABLE, "the file may not be read any more", error)
    }

    companion object {
        /** Larger files are no photos of a phone or a dermatoscope. */
        const val MOST_BYTES = 64 shl 20

        /** Larger pictures need more memory than phones give; counted in pixels. */
        const val MOST_PIXELS = 50_000_000L

        /** Returns the picture of a photo's bytes, and how to turn it; throws [BadPhoto] or [UnfitPhoto]. */
        fun decode(bytes: ByteArray): Shot {
            val photo = Photo.inspect(bytes)
            if (photo.width.toLong() * photo.height > MOST_PIXELS) {
                throw BadPhoto(PhotoProblem.TOO_MANY_PIXELS, "${photo.width} x ${photo.height} pixels")
            }
            val bitmap = BitmapFactory.decodeByteArray(bytes, 0, bytes.size, options())
                ?: throw BadPhoto(PhotoProblem.DAMAGED, "Android cannot decode it")
            val picture = BitmapPicture(bitmap)
            val problem = when {
                picture.width != photo.width || picture.height != photo.height -> PhotoProblem.DAMAGED
                picture.isTransparent() -> PhotoProblem.TRANSPARENT
                else -> return Shot(picture, photo.orientation)
            }
            picture.close()
            throw BadPhoto(problem, "decoded to ${picture.width} x ${picture.height} pixels")
        }

        private fun options() = BitmapFactory.Options().apply {
            inScaled = false
            inPreferredConfig = Bitmap.Config.ARGB_8888
            inPreferredColorSpace = ColorSpace.get(ColorSpace.Named.SRGB)
        }

        private fun readLimited(stream: InputStream): ByteArray {
            val bytes = ByteArrayOutputStream()
            val chunk = ByteArray(1 shl 16)
            while (true) {
                val count = stream.read(chunk)
                if (count < 0) return bytes.toByteArray()
                if (bytes.size() + count > MOST_BYTES) throw BadPhoto(PhotoProblem.TOO_LARGE, "more than $MOST_BYTES bytes")
                bytes.write(chunk, 0, count)
            }
        }
    }
}
