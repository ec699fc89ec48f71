package melanomaedge.core

import java.nio.ByteBuffer
import java.util.zip.CRC32

/** Puts chunks into PNG files. */
object PngForge {
    /** The data of a `gAMA` chunk that calls the values linear light. */
    val GAMMA_ONE: ByteArray = ByteBuffer.allocate(4).putInt(100_000).array()

    private const val HEADER_END = 33

    /** Returns a whole chunk. */
    fun chunk(name: String, data: ByteArray): ByteArray {
        val body = name.toByteArray(Charsets.US_ASCII) + data
        val sum = CRC32().apply { update(body) }.value
        return ByteBuffer.allocate(8 + body.size).putInt(data.size).put(body).putInt(sum.toInt()).array()
    }

    /** Returns a PNG file with more bytes behind its first chunk, the header. */
    fun behindHeader(png: ByteArray, more: ByteArray): ByteArray =
        png.copyOf(HEADER_END) + more + png.copyOfRange(HEADER_END, png.size)
}
