package melanomaedge.engine.jvm

import melanomaedge.core.Picture
import java.io.File
import java.io.IOException

/**
 * Read a decoded bitmap from a binary PPM file (`P6`, 8 bits), so that programs can be compared without their decoders.
 *
 * @throws IOException when the file is no such bitmap, or not complete.
 */
class PpmPicture(private val file: ByteArray) : Picture {
    override val width: Int
    override val height: Int
    private val start: Int

    init {
        var at = 0
        fun word(): String {
            while (at < file.size && file[at].toInt().toChar().isWhitespace()) at++
            val from = at
            while (at < file.size && at - from < LONGEST_WORD && !file[at].toInt().toChar().isWhitespace()) at++
            return String(file, from, at - from, Charsets.US_ASCII)
        }
        if (word() != "P6") throw IOException("not a binary PPM file")
        val (wide, high, most) = List(3) { word().toIntOrNull() ?: throw IOException("PPM file without its sizes") }
        start = at + 1
        val bytes = wide.toLong() * high * CHANNELS
        if (most != 255 || wide < 1 || high < 1 || bytes != (file.size - start).toLong()) {
            throw IOException("PPM file of $wide x $high pixels up to $most has ${file.size - start} bytes")
        }
        width = wide
        height = high
    }

    /** Open a file. */
    constructor(file: File) : this(file.readBytes())

    override fun rows(top: Int, count: Int, into: IntArray) = copy(0, top, width, count, into)

    override fun columns(left: Int, count: Int, into: IntArray) = copy(left, 0, count, height, into)

    private fun copy(left: Int, top: Int, wide: Int, high: Int, into: IntArray) {
        var to = 0
        for (y in top until top + high) {
            var from = start + (y * width + left) * CHANNELS
            repeat(wide) {
                into[to++] = (byte(from) shl 16) or (byte(from + 1) shl 8) or byte(from + 2)
                from += CHANNELS
            }
        }
    }

    private fun byte(at: Int): Int = file[at].toInt() and 0xFF

    private companion object {
        const val CHANNELS = 3
        const val LONGEST_WORD = 10
    }
}
