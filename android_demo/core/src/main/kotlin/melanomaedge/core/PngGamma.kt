package melanomaedge.core

import java.io.ByteArrayOutputStream

/** Leaves out what a PNG file says of gamma and colours: Android obeys it, Python takes the values as sRGB. */
object PngGamma {
    /**
     * Return the file to decode: the very same bytes where nothing is to be left out.
     *
     * An embedded profile stays, since Python converts by it. Behind the first damaged chunk all stays as it is.
     *
     * @param file any photo's file; of other formats it comes back untouched.
     */
    fun removed(file: ByteArray): ByteArray {
        val bytes = Bytes(file)
        if (!bytes.startsWith(PngHead.MAGIC)) return file
        val unwanted = chunks(bytes).filter { bytes.text(it.first + NAME, it.first + DATA) in UNWANTED }.toList()
        if (unwanted.isEmpty()) return file
        val kept = ByteArrayOutputStream(file.size)
        var from = 0
        for (chunk in unwanted) {
            kept.write(file, from, chunk.first - from)
            from = chunk.last + 1
        }
        kept.write(file, from, file.size - from)
        return kept.toByteArray()
    }

    private fun chunks(bytes: Bytes): Sequence<IntRange> = sequence {
        var at = PngHead.MAGIC.size
        while (at + FRAME <= bytes.size) {
            val length = bytes.int(at)
            if (length > bytes.size - at - FRAME) return@sequence
            val next = at + FRAME + length.toInt()
            yield(at until next)
            at = next
        }
    }

    /** Exponent, primaries, and their newer kind in coded form. */
    private val UNWANTED = setOf("gAMA", "cHRM", "cICP")
    private const val NAME = 4
    private const val DATA = 8

    /** Bytes of a chunk around its data: length, name, checksum. */
    private const val FRAME = 12
}
