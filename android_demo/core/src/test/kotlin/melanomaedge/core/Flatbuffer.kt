package melanomaedge.core

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Find the weights of a TFLite model, so that they can be changed and the file still opened. */
object Flatbuffer {
    private const val BUFFERS = 4
    private const val DATA = 0

    /** Tell whether bytes call themselves a TFLite model. */
    fun isModel(bytes: ByteArray): Boolean = bytes.size > 8 && String(bytes, 4, 4, Charsets.ISO_8859_1) == "TFL3"

    /** Return where the bytes of the largest buffer lie. */
    fun largestBuffer(bytes: ByteArray): IntRange {
        val data = ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN)
        val buffers = checkNotNull(data.field(data.follow(0), BUFFERS)) { "no buffers" }
        val found = (0 until data.getInt(buffers)).mapNotNull { i ->
            val place = data.field(data.follow(buffers + 4 + 4 * i), DATA)
            place?.let { it + 4 until it + 4 + data.getInt(it) }
        }
        return found.maxByOrNull { it.count() } ?: error("no weights")
    }

    private fun ByteBuffer.follow(at: Int): Int = at + getInt(at)

    /** Return where a vector that is a table's field begins, its length first; null where the table has it not. */
    private fun ByteBuffer.field(table: Int, index: Int): Int? {
        val fields = table - getInt(table)
        val slot = 4 + 2 * index
        val offset = if (slot < getShort(fields)) getShort(fields + slot).toInt() else 0
        return if (offset == 0) null else follow(table + offset)
    }
}
