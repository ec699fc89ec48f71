package melanomaedge.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/**
 * How a photo stands, by its EXIF block and else its XMP packet, read as Pillow reads them.
 *
 * A damaged block says nothing: the picture is taken as it is stored.
 */
internal object Exif {
    const val PREFIX = "Exif\u0000\u0000"

    private const val TAG = 0x0112
    private val XMP = Regex("tiff:Orientation(=\"|>)([0-9])")
    private val HEADS = setOf("MM\u0000*", "II*\u0000", "MM*\u0000", "II\u0000*", "MM\u0000+")

    /** Bytes of one value by type; other types are passed over. */
    private val UNITS = mapOf(
        1 to 1, 2 to 1, 3 to 2, 4 to 4, 5 to 8, 6 to 1, 7 to 1, 8 to 2, 9 to 4, 10 to 8, 11 to 4, 12 to 8, 13 to 4,
        16 to 8,
    )

    /** Return the orientation that [exif] names, or where it names none, [xmp]. */
    fun orientation(exif: ByteArray?, xmp: String?): Orientation {
        val block = exif?.let { withoutPrefix(it) } ?: ByteArray(0)
        if (block.isNotEmpty()) {
            val entries = Entries.of(block) ?: return Orientation.UPRIGHT
            val value = entries.find(TAG)
            if (value != null) return Orientation.of(number(value) ?: 0)
        }
        val digit = xmp?.let { XMP.find(it) } ?: return Orientation.UPRIGHT
        return Orientation.of(digit.groupValues[2].toInt())
    }

    private fun withoutPrefix(block: ByteArray): ByteArray {
        val text = String(block, 0, minOf(block.size, 2 * PREFIX.length), Charsets.ISO_8859_1)
        val prefixes = if (text == PREFIX + PREFIX) 2 else if (text.startsWith(PREFIX)) 1 else 0
        return block.copyOfRange(prefixes * PREFIX.length, block.size)
    }

    /** Return the first value as a whole number, or null for what is none; whole fractions count as Python's do. */
    private fun number(value: Value): Int? = when (value.type) {
        3 -> value.data.getShort(0).toLong() and 0xFFFF
        4, 13 -> value.data.getInt(0).toLong() and 0xFFFFFFFFL
        6 -> value.data.get(0).toLong()
        8 -> value.data.getShort(0).toLong()
        9 -> value.data.getInt(0).toLong()
        5 -> ratio(value.data.getInt(0).toLong() and 0xFFFFFFFFL, value.data.getInt(4).toLong() and 0xFFFFFFFFL)
        10 -> ratio(value.data.getInt(0).toLong(), value.data.getInt(4).toLong())
        11 -> whole(value.data.getFloat(0).toDouble())
        12 -> whole(value.data.getDouble(0))
        16 -> value.data.getLong(0)
        else -> null
    }?.takeIf { it in 0..255 }?.toInt()

    private fun ratio(above: Long, below: Long): Long? = if (below != 0L && above % below == 0L) above / below else null

    private fun whole(value: Double): Long? = value.toLong().takeIf { it.toDouble() == value }

    private class Value(val type: Int, val data: ByteBuffer)

    /** The entries of the first directory of a TIFF structure. */
    private class Entries(private val block: ByteBuffer, private val start: Long) {
        /** Return the first usable value of a tag; reading ends where a value lies behind the end of the block. */
        fun find(wanted: Int): Value? {
            if (start + 2 > block.limit()) return null
            val seen = HashSet<Int>()
            var total = 0L
            for (i in 0 until (block.getShort(start.toInt()).toInt() and 0xFFFF)) {
                val at = start + 2 + 12L * i
                if (at + 12 > block.limit()) return null
                val tag = short(at)
                val type = short(at + 2)
                val unit = UNITS[type]
                if (tag in seen || unit == null) continue
                val size = long(at + 4) * unit
                val where = if (size > 4) long(at + 8) else at + 8
                if (size > 4) total += size
                if (size == 0L || size > 4 && total > block.limit()) continue
                if (where + size > block.limit()) return null
                if (tag == wanted) return Value(type, part(where, size))
                seen += tag
            }
            return null
        }

        private fun short(at: Long) = block.getShort(at.toInt()).toInt() and 0xFFFF

        private fun long(at: Long) = block.getInt(at.toInt()).toLong() and 0xFFFFFFFFL

        private fun part(from: Long, size: Long): ByteBuffer {
            val data = ByteArray(size.toInt()) { block.get(from.toInt() + it) }
            return ByteBuffer.wrap(data).order(block.order())
        }

        companion object {
            /** Return the directory, or null where the block does not begin as one. */
            fun of(block: ByteArray): Entries? {
                if (block.size < 8 || String(block, 0, 4, Charsets.ISO_8859_1) !in HEADS) return null
                val order = if (block[0] == 'M'.code.toByte()) ByteOrder.BIG_ENDIAN else ByteOrder.LITTLE_ENDIAN
                val buffer = ByteBuffer.wrap(block).order(order)
                return Entries(buffer, buffer.getInt(4).toLong() and 0xFFFFFFFFL)
            }
        }
    }
}
