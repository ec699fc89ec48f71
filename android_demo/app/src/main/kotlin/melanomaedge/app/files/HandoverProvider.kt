package melanomaedge.app.files

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException

/**
 * Hands single files of the cache to other apps, each by a permission granted for this one file.
 *
 * The camera app writes into `camera/`, the app that an export is sent to reads from `export/`; nothing else of the app
 * can be reached.
 */
class HandoverProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String = if (Handover.of(uri) == Handover.CAMERA) "image/jpeg" else "application/json"

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        val folder = Handover.of(uri)
        if (folder == Handover.EXPORT && mode != "r") throw FileNotFoundException("exports are only read")
        return ParcelFileDescriptor.open(file(uri), ParcelFileDescriptor.parseMode(mode))
    }

    override fun query(uri: Uri, columns: Array<String>?, where: String?, args: Array<String>?, order: String?): Cursor {
        val file = file(uri)
        val asked = columns ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val cursor = MatrixCursor(asked, 1)
        cursor.addRow(
            asked.map {
                when (it) {
                    OpenableColumns.DISPLAY_NAME -> file.name
                    OpenableColumns.SIZE -> file.length()
                    else -> null
                }
            },
        )
        return cursor
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri = throw UnsupportedOperationException("nothing is inserted here")

    override fun update(uri: Uri, values: ContentValues?, where: String?, args: Array<String>?): Int =
        throw UnsupportedOperationException("nothing is updated here")

    override fun delete(uri: Uri, where: String?, args: Array<String>?): Int =
        throw UnsupportedOperationException("nothing is deleted here")

    private fun file(uri: Uri): File = Handover.of(uri).file(requireNotNull(context), uri.pathSegments[1])
}

/** One folder of the cache from which files are handed over. */
enum class Handover(private val folder: String, private val ending: String) {
    CAMERA("camera", "jpg"),
    EXPORT("export", "json");

    /** Return the file of a name that [newName] has made. */
    fun file(context: Context, name: String): File {
        if (!NAME.matches(name) || !name.endsWith(".$ending")) throw FileNotFoundException("no such file")
        return File(directory(context), name)
    }

    /** Return a name that no other file has. */
    fun newName(): String = "$folder-${java.util.UUID.randomUUID()}.$ending"

    /** Return the address under which another app may open the file. */
    fun uri(context: Context, name: String): Uri =
        Uri.Builder().scheme("content").authority("${context.packageName}.handover").appendPath(folder).appendPath(name).build()

    /** Delete the files that were last written before a moment in milliseconds. */
    fun sweep(context: Context, before: Long = Long.MAX_VALUE) {
        directory(context).listFiles()?.filter { it.lastModified() < before }?.forEach { it.delete() }
    }

    private fun directory(context: Context): File = File(context.cacheDir, folder).apply { mkdirs() }

    companion object {
        private val NAME = Regex("[a-z0-9-]{1,60}\\.[a-z]{1,4}")

        /** Return the folder that an address names; refuses every other address. */
        fun of(uri: Uri): Handover {
            val segments = uri.pathSegments
            return values().find { segments.size == 2 && it.folder == segments[0] } ?: throw FileNotFoundException("no such file")
        }
    }
}
