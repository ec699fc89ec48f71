package melanomaedge.core

/** Damages JPEG files as broken copies and downloads do; the end mark stays. */
object JpegForge {
    private val END = byteArrayOf(0xFF.toByte(), 0xD9.toByte())
    private const val ZEROS = 512
    private const val FILLED = 4096

    /** Returns the damaged files by what was done to them. */
    fun damages(file: ByteArray): Map<String, ByteArray> {
        val half = file.size / 2
        return mapOf(
            "second half missing" to file.copyOf(half) + END,
            "last tenth missing" to file.copyOf(file.size * 9 / 10) + END,
            "second half zeros" to overwritten(file, half, file.size - half - END.size, 0),
            "512 bytes zeros" to overwritten(file, half, ZEROS, 0),
            "4 KB of 0xFF" to overwritten(file, half, FILLED, -1),
        )
    }

    private fun overwritten(file: ByteArray, from: Int, count: Int, byte: Byte): ByteArray =
        file.copyOf().also { it.fill(byte, from, from + count) }
}
