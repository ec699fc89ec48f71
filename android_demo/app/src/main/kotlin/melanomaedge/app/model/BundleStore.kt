package melanomaedge.app.model

import java.io.File
import java.io.FileInputStream
import java.io.FileOutputStream
import java.io.IOException
import java.io.InputStream
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import melanomaedge.core.Limits
import melanomaedge.core.Reason
import melanomaedge.core.Refused

/**
 * Keeps the bundle that was installed last, in a folder that no backup holds.
 *
 * An offered bundle lies beside it until it is found trustworthy, and only then takes its place, at once.
 *
 * @param builtIn opens the bundle that the app was built with, which is used as long as no other is installed.
 */
class BundleStore(private val folder: File, private val builtIn: () -> InputStream) {
    private val installed = File(folder, "bundle.zip")
    private val offered = File(folder, "offered.zip")

    /** Whether another bundle than the built-in one is in use. */
    val hasInstalled: Boolean get() = installed.exists()

    /** Opens the bundle in use. */
    fun current(): InputStream = if (hasInstalled) FileInputStream(installed) else builtIn()

    /** Copies an offered bundle, and refuses one larger than any real one before it fills the device. */
    fun stage(stream: InputStream) {
        folder.mkdirs()
        try {
            FileOutputStream(offered).use { copy(stream, it) }
        } catch (error: IOException) {
            discard()
            throw Refused(Reason.UNREADABLE, "the offered file cannot be copied", error)
        } catch (error: Refused) {
            discard()
            throw error
        }
    }

    /** Opens the offered bundle. */
    fun staged(): InputStream = FileInputStream(offered)

    /** Puts the offered bundle in the place of the one in use. */
    fun adopt() {
        Files.move(offered.toPath(), installed.toPath(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
    }

    /** Deletes the offered bundle. */
    fun discard() {
        offered.delete()
    }

    private fun copy(from: InputStream, to: FileOutputStream) {
        val chunk = ByteArray(CHUNK)
        var total = 0L
        while (true) {
            val count = from.read(chunk)
            if (count < 0) break
            total += count
            if (total > LARGEST) throw Refused(Reason.TOO_LARGE, "more than $LARGEST bytes")
            to.write(chunk, 0, count)
        }
        to.fd.sync()
    }

    private companion object {
        const val CHUNK = 1 shl 16

        /** The files of a bundle and what a zip adds to them. */
        const val LARGEST = Limits.TOTAL_BYTES + (1 shl 20)
    }
}
