package melanomaedge.core

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.util.zip.CRC32
import java.util.zip.Deflater

/** Describe one entry of a zip, and where its two headers are to lie. */
class ZipEntryForge(
    val name: String,
    val content: ByteArray,
    val inner: String = name,
    val flags: Int = 0,
    val method: Int = 0,
    val says: Int = content.size,
    val extra: ByteArray = ByteArray(0),
    val attributes: Int = 0x1A4 shl 16,
    val repeat: Long = 1,
    val gap: Int = 0,
)

/** Write zips as `melanoma-edge bundle` does, and as it never would. */
object ZipForge {
    private const val VERSION = 20
    private const val DATE = 0x21

    /** Return the files as the tool zips them. */
    fun zip(files: Map<String, ByteArray>): ByteArray =
        write(files.toSortedMap().map { (name, bytes) -> ZipEntryForge(name, bytes) })

    /** Return the entries as a zip, some of which its directory does not count. */
    fun write(entries: List<ZipEntryForge>, comment: String = "", uncounted: Int = 0): ByteArray {
        val body = ByteArrayOutputStream()
        val directory = ByteArrayOutputStream()
        for (entry in entries) {
            body.write(ByteArray(entry.gap))
            val offset = body.size()
            val packed = pack(entry)
            val facts = facts(entry, packed)
            body.write(local(entry, facts))
            body.write(packed)
            directory.write(central(entry, facts, offset))
        }
        val start = body.size()
        body.write(directory.toByteArray())
        body.write(end(entries.size - uncounted, directory.size(), start, comment))
        return body.toByteArray()
    }

    private fun pack(entry: ZipEntryForge): ByteArray {
        if (entry.method != 8) return entry.content
        val deflater = Deflater(Deflater.BEST_COMPRESSION, true)
        val packed = ByteArrayOutputStream()
        val chunk = ByteArray(1 shl 16)
        for (i in 1..entry.repeat) {
            deflater.setInput(entry.content)
            if (i == entry.repeat) deflater.finish()
            while (!deflater.needsInput() || i == entry.repeat && !deflater.finished()) {
                packed.write(chunk, 0, deflater.deflate(chunk))
            }
        }
        deflater.end()
        return packed.toByteArray()
    }

    /** Return what both headers say alike: version, flags, method, date, checksum and sizes. */
    private fun facts(entry: ZipEntryForge, packed: ByteArray): ByteArray {
        val crc = CRC32()
        for (i in 1..entry.repeat) crc.update(entry.content)
        val size = if (entry.says == entry.content.size) (entry.content.size * entry.repeat).toInt() else entry.says
        return buffer(22).apply {
            putShort(VERSION.toShort())
            putShort(entry.flags.toShort())
            putShort(entry.method.toShort())
            putInt(DATE shl 16)
            putInt(crc.value.toInt())
            putInt(packed.size)
            putInt(size)
        }.array()
    }

    private fun local(entry: ZipEntryForge, facts: ByteArray): ByteArray =
        buffer(4).putInt(0x04034b50).array() + facts + shorts(entry.inner.length, entry.extra.size) +
            entry.inner.bytes() + entry.extra

    private fun central(entry: ZipEntryForge, facts: ByteArray, offset: Int): ByteArray =
        buffer(4).putInt(0x02014b50).array() + shorts(0x0300 + VERSION) + facts +
            shorts(entry.name.length, entry.extra.size, 0, 0, 0) +
            buffer(8).putInt(entry.attributes).putInt(offset).array() + entry.name.bytes() + entry.extra

    private fun end(count: Int, size: Int, start: Int, comment: String): ByteArray =
        buffer(4).putInt(0x06054b50).array() + shorts(0, 0, count, count) +
            buffer(8).putInt(size).putInt(start).array() + shorts(comment.length) + comment.bytes()

    private fun shorts(vararg values: Int): ByteArray =
        buffer(2 * values.size).apply { values.forEach { putShort(it.toShort()) } }.array()

    private fun String.bytes() = toByteArray(Charsets.ISO_8859_1)

    private fun buffer(size: Int) = ByteBuffer.allocate(size).order(ByteOrder.LITTLE_ENDIAN)
}
