package melanomaedge.core

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/**
 * Read a bundle that is one zip.
 *
 * Only plain archives are read, in which every byte belongs to something: entries without gaps from the first byte on,
 * then the directory, then its end. So there is nothing that two readers could understand in two ways: no data before,
 * between or behind, no extra fields, comments, data descriptors, encryption, links, folders or 64-bit sizes, and each
 * entry says the same in its own header as in the directory. Sizes are counted while inflating, never believed.
 */
object ZipBundle {
    private const val OVERHEAD = 1024 * 1024

    /** Read all files of a zip into memory; the stream is read to its end and not closed. */
    fun read(stream: InputStream): BundleFiles {
        val bytes = try {
            Budget.readUpTo(stream, Limits.TOTAL_BYTES + OVERHEAD, "zip")
        } catch (error: IOException) {
            throw Refused(Reason.UNREADABLE, "the zip cannot be read", error)
        }
        return MemoryFiles(Archive(bytes).files())
    }
}

private class Entry(
    val name: String,
    val header: ByteArray,
    val method: Int,
    val crc: Int,
    val packed: Int,
    val size: Int,
    val offset: Int,
)

private class Archive(private val bytes: ByteArray) {
    private val data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)

    fun files(): Map<String, ByteArray> {
        val entries = directory()
        val found = LinkedHashMap<String, ByteArray>()
        val budget = Budget()
        for (entry in entries) {
            if (found.put(entry.name, unpack(entry, budget)) != null) {
                throw Refused(Reason.DUPLICATE_NAME, "${entry.name} stands twice in the zip")
            }
        }
        return found
    }

    /** Return the entries, which lie one behind the other from the first byte to the directory. */
    private fun directory(): List<Entry> {
        val end = bytes.size - END_SIZE
        need(end >= 0 && data.getInt(end) == END, "no end of the directory at the end of the file")
        need(data.getInt(end + 4) == 0 && short(end + 20) == 0, "more than one disk, or a comment")
        val count = short(end + 10)
        need(short(end + 8) == count, "entries on another disk")
        if (count > Limits.FILES) throw Refused(Reason.TOO_MANY_FILES, "$count files in the zip")
        val size = data.getInt(end + 12).toLong() and UNSIGNED
        val start = data.getInt(end + 16).toLong() and UNSIGNED
        need(start + size == end.toLong(), "the directory is not where its end says")
        return entries(start.toInt(), count, end)
    }

    private fun entries(start: Int, count: Int, end: Int): List<Entry> {
        var at = start
        var next = 0
        val entries = ArrayList<Entry>(count)
        repeat(count) {
            val entry = entry(at, end)
            need(entry.offset == next, "${entry.name} does not lie where the one before ends")
            next = checkLocal(entry, start)
            at += DIRECTORY_SIZE + entry.name.length
            entries += entry
        }
        need(at == end && next == start, "bytes that belong to no file")
        return entries
    }

    private fun entry(at: Int, end: Int): Entry {
        need(at + DIRECTORY_SIZE <= end && data.getInt(at) == DIRECTORY, "a damaged directory")
        val length = short(at + 28)
        need(at + DIRECTORY_SIZE + length <= end, "a damaged directory")
        val name = String(bytes, at + DIRECTORY_SIZE, length, Charsets.ISO_8859_1)
        Limits.checkName(name)
        checkAttributes(at, name)
        return Entry(
            name = name,
            header = bytes.copyOfRange(at + 6, at + 28),
            method = short(at + 10),
            crc = data.getInt(at + 16),
            packed = size(at + 20, name),
            size = size(at + 24, name),
            offset = size(at + 42, name, Int.MAX_VALUE),
        )
    }

    private fun checkAttributes(at: Int, name: String) {
        need(short(at + 8) and ALLOWED_FLAGS.inv() == 0, "$name is encrypted or has a data descriptor")
        need(data.getInt(at + 30) == 0 && short(at + 34) == 0, "$name has extra fields, a comment or another disk")
        val attributes = data.getInt(at + 38)
        val kind = attributes ushr 16 and KIND
        need(kind == 0 || kind == REGULAR, "$name is a link or a special file")
        need(attributes and FOLDER == 0, "$name is a folder")
    }

    private fun size(at: Int, name: String, most: Int = Limits.FILE_BYTES): Int {
        val value = data.getInt(at).toLong() and UNSIGNED
        if (value > most) throw Refused(Reason.TOO_LARGE, "$name: $value bytes")
        return value.toInt()
    }

    /** Compare an entry's own header with the directory, and return where its data end. */
    private fun checkLocal(entry: Entry, directory: Int): Int {
        val at = entry.offset
        val from = dataStart(entry)
        need(from.toLong() + entry.packed <= directory, "${entry.name} reaches into the directory")
        need(data.getInt(at) == LOCAL && short(at + 28) == 0, "${entry.name} has a damaged header")
        val header = bytes.copyOfRange(at + 4, at + 26)
        val name = String(bytes, at + LOCAL_SIZE, entry.name.length, Charsets.ISO_8859_1)
        need(short(at + 26) == entry.name.length && name == entry.name, "${entry.name} has another name inside")
        need(header.contentEquals(entry.header), "${entry.name} has two different headers")
        return from + entry.packed
    }

    private fun dataStart(entry: Entry): Int {
        val from = entry.offset.toLong() + LOCAL_SIZE + entry.name.length
        need(from <= bytes.size, "${entry.name} is cut off")
        return from.toInt()
    }

    private fun unpack(entry: Entry, budget: Budget): ByteArray {
        val from = dataStart(entry)
        val content = when (entry.method) {
            STORED -> bytes.copyOfRange(from, from + entry.packed)
            DEFLATED -> inflate(entry, from)
            else -> throw Refused(Reason.BAD_ARCHIVE, "${entry.name} is packed by an unknown method")
        }
        budget.countFile()
        budget.spend(content.size, entry.name)
        val crc = CRC32().apply { update(content) }.value.toInt()
        need(content.size == entry.size && crc == entry.crc, "${entry.name} is damaged")
        return content
    }

    private fun inflate(entry: Entry, from: Int): ByteArray {
        val inflater = Inflater(true)
        try {
            inflater.setInput(bytes, from, entry.packed)
            val content = ByteArrayOutputStream()
            val chunk = ByteArray(CHUNK)
            while (!inflater.finished()) {
                val count = inflater.inflate(chunk)
                need(count > 0 || inflater.finished(), "${entry.name} is cut off")
                if (count > entry.size - content.size()) {
                    throw Refused(Reason.TOO_LARGE, "${entry.name} is larger than it says")
                }
                content.write(chunk, 0, count)
            }
            need(inflater.remaining == 0, "${entry.name} has bytes behind its data")
            return content.toByteArray()
        } catch (error: DataFormatException) {
            throw Refused(Reason.BAD_ARCHIVE, "${entry.name} is damaged", error)
        } finally {
            inflater.end()
        }
    }

    private fun short(at: Int): Int = data.getShort(at).toInt() and 0xFFFF

    private fun need(holds: Boolean, otherwise: String) {
        if (!holds) throw Refused(Reason.BAD_ARCHIVE, "zip: $otherwise")
    }

    private companion object {
        const val END = 0x06054b50
        const val END_SIZE = 22
        const val DIRECTORY = 0x02014b50
        const val DIRECTORY_SIZE = 46
        const val LOCAL = 0x04034b50
        const val LOCAL_SIZE = 30
        const val STORED = 0
        const val DEFLATED = 8
        const val CHUNK = 1 shl 16
        const val UNSIGNED = 0xFFFFFFFFL

        /** How hard was packed, and that names are UTF-8: bits 1, 2 and 11. */
        const val ALLOWED_FLAGS = 0x0806
        const val KIND = 0xF000
        const val REGULAR = 0x8000
        const val FOLDER = 0x10
    }
}
