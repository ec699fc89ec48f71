package melanomaedge.core

import java.util.zip.CRC32

/** What a PNG file says around its picture, read as Pillow reads it. */
internal class PngHead(private val bytes: Bytes) {
    var width = 0
        private set
    var height = 0
        private set
    var profile = false
        private set

    /** Whether the file's end mark was met. */
    val ends: Boolean = bytes.find(END, 0) >= 0

    private val notes = PngNotes()

    init {
        readChunks()
    }

    /** Return how the picture must be turned, from whichever note says so. */
    fun orientation(): Orientation = notes.orientation()

    private fun readChunks() {
        var at = MAGIC.size
        var pictureSeen = false
        while (true) {
            val name = bytes.text(at + 4, at + 8)
            if (at + 8 > bytes.size || !NAME.matches(name)) {
                if (pictureSeen) return else throw UnfitPhoto(Unfit.DAMAGED, "no PNG chunk at $at")
            }
            val end = at + 8 + bytes.int(at)
            if (end > bytes.size) throw UnfitPhoto(Unfit.CUT_OFF, "PNG chunk $name ends behind the file")
            if ((name == "IHDR") != (at == MAGIC.size)) throw UnfitPhoto(Unfit.DAMAGED, "PNG without one header")
            if (name == "IEND") break
            pictureSeen = pictureSeen || name == "IDAT"
            if (!pictureSeen) checkSum(at + 4, end.toInt())
            read(name, at + 8, end.toInt(), pictureSeen)
            at = (end + 4).coerceAtMost(bytes.size.toLong()).toInt()
        }
        if (!pictureSeen) throw UnfitPhoto(Unfit.DAMAGED, "PNG without a picture")
    }

    private fun checkSum(from: Int, to: Int) {
        val sum = CRC32().apply { update(bytes.part(from, to)) }
        if (to + 4 > bytes.size || bytes.int(to) != sum.value) {
            throw UnfitPhoto(Unfit.DAMAGED, "PNG chunk at ${from - 4} has another checksum")
        }
    }

    private fun read(name: String, from: Int, to: Int, pictureSeen: Boolean) {
        when (name) {
            "IHDR" -> readHeader(from, to)
            "iCCP" -> profile = true
            "acTL" -> if (!pictureSeen) throw UnfitPhoto(Unfit.MORE_THAN_ONE_FRAME, "animated PNG")
            "eXIf" -> notes.exif(bytes.part(from, to))
            "tEXt", "zTXt", "iTXt" -> notes.text(name, bytes.part(from, to))
        }
    }

    private fun readHeader(from: Int, to: Int) {
        if (to - from < 13) throw UnfitPhoto(Unfit.DAMAGED, "PNG header of ${to - from} bytes")
        val wide = bytes.int(from)
        val high = bytes.int(from + 4)
        if (wide !in 1..LONGEST || high !in 1..LONGEST) throw UnfitPhoto(Unfit.DAMAGED, "PNG of $wide x $high")
        width = wide.toInt()
        height = high.toInt()
        val depth = bytes[from + 8]
        val allowed = DEPTHS[bytes[from + 9]] ?: emptySet()
        if (depth == 16 && allowed.isNotEmpty()) throw UnfitPhoto(Unfit.OTHER_COLOURS, "PNG of 16 bits")
        if (depth !in allowed || bytes[from + 11] != 0) throw UnfitPhoto(Unfit.DAMAGED, "PNG of an unknown kind")
    }

    companion object {
        val MAGIC = intArrayOf(0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A)
        private val END = intArrayOf(0x49, 0x45, 0x4E, 0x44, 0xAE, 0x42, 0x60, 0x82)
        private val NAME = Regex("[A-Za-z0-9_]{4}")
        private const val LONGEST = Int.MAX_VALUE.toLong()

        /** Bits a value by colour type: grey, RGB, palette, grey and RGB with transparency. */
        private val DEPTHS = mapOf(
            0 to setOf(1, 2, 4, 8),
            2 to setOf(8),
            3 to setOf(1, 2, 4, 8),
            4 to setOf(8),
            6 to setOf(8),
        )
    }
}
