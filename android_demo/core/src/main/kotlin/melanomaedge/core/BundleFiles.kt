package melanomaedge.core

import java.io.ByteArrayOutputStream
import java.io.File
import java.io.FileInputStream
import java.io.IOException
import java.io.InputStream
import java.nio.file.Files

/** Give the files of a bundle by name; what is read twice is the same bytes twice. */
interface BundleFiles {
    /** Names with `/` between folders, sorted. */
    val names: List<String>

    /** Return the bytes of a file; refuses a name that is not there. */
    fun read(name: String): ByteArray
}

/** Hold the files of a bundle in memory, names and sizes checked. */
class MemoryFiles(files: Map<String, ByteArray>) : BundleFiles {
    private val files: Map<String, ByteArray> = files.toSortedMap()

    init {
        if (files.size > Limits.FILES) throw Refused(Reason.TOO_MANY_FILES, "${files.size} files")
        files.keys.forEach { Limits.checkName(it) }
        files.forEach { (name, bytes) -> Budget.checkFile(name, bytes.size.toLong()) }
        val total = files.values.fold(0L) { sum, bytes -> sum + bytes.size }
        if (total > Limits.TOTAL_BYTES) throw Refused(Reason.TOO_LARGE, "$total bytes in all")
    }

    override val names: List<String> get() = files.keys.toList()

    override fun read(name: String): ByteArray =
        files[name]?.copyOf() ?: throw Refused(Reason.MISSING_FILE, "the bundle has no $name")
}

/** Read a bundle that lies unpacked in a folder. */
object FolderBundle {
    private const val DEEPEST = 8

    /** Read all files of a folder into memory; refuses links and special files. */
    fun read(folder: File): BundleFiles {
        if (!folder.isDirectory) throw Refused(Reason.UNREADABLE, "no folder there: ${folder.name}")
        val found = LinkedHashMap<String, ByteArray>()
        try {
            walk(folder, "", 0, found, Budget())
        } catch (error: IOException) {
            throw Refused(Reason.UNREADABLE, "the folder cannot be read", error)
        }
        return MemoryFiles(found)
    }

    private fun walk(folder: File, prefix: String, depth: Int, found: MutableMap<String, ByteArray>, budget: Budget) {
        if (depth > DEEPEST) throw Refused(Reason.BAD_NAME, "folders deeper than $DEEPEST")
        val entries = folder.listFiles() ?: throw IOException("cannot list ${folder.name}")
        for (entry in entries.sortedBy { it.name }) {
            val name = prefix + entry.name
            if (Files.isSymbolicLink(entry.toPath())) throw Refused(Reason.BAD_NAME, "a link among the files")
            if (entry.isDirectory) {
                walk(entry, "$name/", depth + 1, found, budget)
            } else {
                Limits.checkName(name)
                if (!entry.isFile) throw Refused(Reason.BAD_NAME, "$name is no plain file")
                budget.countFile()
                found[name] = FileInputStream(entry).use { budget.read(it, name) }
            }
        }
    }
}

/** Count files and bytes while they are read, and stop before a limit is passed. */
internal class Budget {
    private var files = 0
    private var left = Limits.TOTAL_BYTES

    fun countFile() {
        if (++files > Limits.FILES) throw Refused(Reason.TOO_MANY_FILES, "more than ${Limits.FILES} files")
    }

    /** Return all of a stream. */
    fun read(stream: InputStream, name: String): ByteArray {
        val bytes = readUpTo(stream, minOf(Limits.FILE_BYTES, left), name)
        spend(bytes.size, name)
        return bytes
    }

    fun spend(bytes: Int, name: String) {
        checkFile(name, bytes.toLong())
        left -= bytes
        if (left < 0) throw Refused(Reason.TOO_LARGE, "more than ${Limits.TOTAL_BYTES} bytes in all")
    }

    companion object {
        private const val CHUNK = 1 shl 16

        fun checkFile(name: String, bytes: Long) {
            val most = if (name.endsWith(".json")) Limits.JSON_BYTES else Limits.FILE_BYTES
            if (bytes > most) throw Refused(Reason.TOO_LARGE, "$name: more than $most bytes")
        }

        /** Return all of a stream, and refuse one of more than [most] bytes. */
        fun readUpTo(stream: InputStream, most: Int, name: String): ByteArray {
            val bytes = ByteArrayOutputStream()
            val chunk = ByteArray(CHUNK)
            while (true) {
                val count = stream.read(chunk)
                if (count < 0) return bytes.toByteArray()
                if (count > most - bytes.size()) throw Refused(Reason.TOO_LARGE, "$name: more than $most bytes")
                bytes.write(chunk, 0, count)
            }
        }
    }
}
