package melanomaedge.core

/**
 * What a JPEG file says before its first scan, read as Pillow reads it.
 *
 * Of a phone's file with several pictures (depth, gain map, second eye) this is the first, the photograph.
 */
internal class JpegHead(private val bytes: Bytes) {
    var width = 0
        private set
    var height = 0
        private set
    var profile = false
        private set

    /** The last XMP packet. */
    var xmp: String? = null
        private set

    /** The EXIF block, of which a long one has several parts. */
    var exif: ByteArray? = null
        private set

    init {
        var at = 3
        do {
            at = nextMarker(at)
            val marker = bytes[at - 1]
            val length = if (marker in WITHOUT_LENGTH) 0 else length(at)
            if (length > 0) read(marker, at + 2, at + length)
            at += length
        } while (marker != START_OF_SCAN)
        if (width == 0 || height == 0) throw UnfitPhoto(Unfit.DAMAGED, "JPEG without a size")
    }

    /** Tell whether an end mark follows the first scan's start; a thumbnail before it has an end mark of its own. */
    fun ends(): Boolean {
        var at = 2
        while (at + 1 < bytes.size && bytes[at] == 0xFF && bytes[at + 1] != START_OF_SCAN) {
            at += if (bytes[at + 1] == 0xFF) 1 else 2 + if (at + 3 < bytes.size) bytes.short(at + 2) else 0
        }
        return bytes.find(END, at) >= 0
    }

    /** Return where the next marker's code ends; [from] lies behind 0xFF or behind a segment. */
    private fun nextMarker(from: Int): Int {
        var at = from
        var before = if (from == 3) 0xFF else 0
        while (true) {
            if (at >= bytes.size) throw UnfitPhoto(Unfit.CUT_OFF, "JPEG ends before its picture")
            val byte = bytes[at++]
            when {
                before == 0xFF && byte in 0xC0..0xFE -> return at
                before == 0xFF && byte in 0x01..0xBF -> throw UnfitPhoto(Unfit.DAMAGED, "no JPEG marker at ${at - 2}")
                else -> before = byte
            }
        }
    }

    private fun length(at: Int): Int {
        val length = if (at + 2 <= bytes.size) bytes.short(at).coerceAtLeast(2) else 2
        if (at + length > bytes.size) throw UnfitPhoto(Unfit.CUT_OFF, "JPEG segment at $at ends behind the file")
        return length
    }

    private fun read(marker: Int, from: Int, to: Int) {
        when (marker) {
            in FRAMES -> readFrame(from, to)
            APP1 -> readNotes(from, to)
            APP2 -> profile = profile || bytes.text(from, to).startsWith("ICC_PROFILE\u0000")
        }
    }

    private fun readFrame(from: Int, to: Int) {
        val length = to - from
        if (length < 6 || length % 3 != 0) throw UnfitPhoto(Unfit.DAMAGED, "JPEG frame of $length bytes")
        height = bytes.short(from + 1)
        width = bytes.short(from + 3)
        val layers = bytes[from + 5]
        if (bytes[from] != 8 || layers != 1 && layers != 3) {
            throw UnfitPhoto(Unfit.OTHER_COLOURS, "JPEG of $layers layers and ${bytes[from]} bits")
        }
    }

    private fun readNotes(from: Int, to: Int) {
        val text = bytes.text(from, to)
        when {
            text.startsWith(Exif.PREFIX) -> {
                val first = exif
                exif = if (first == null) bytes.part(from, to) else first + bytes.part(from + Exif.PREFIX.length, to)
            }
            text.startsWith(XMP) -> xmp = text.substring(XMP.length)
        }
    }

    companion object {
        val MAGIC = intArrayOf(0xFF, 0xD8, 0xFF)
        private val END = intArrayOf(0xFF, 0xD9)
        private const val START_OF_SCAN = 0xDA
        private const val APP1 = 0xE1
        private const val APP2 = 0xE2
        private const val XMP = "http://ns.adobe.com/xap/1.0/\u0000"

        /** Markers that stand alone: restarts, start and end of image, and reserved ones. */
        private val WITHOUT_LENGTH = setOf(0xC8) + (0xD0..0xD9) + (0xF0..0xFD)
        private val FRAMES = (0xC0..0xCF).toSet() - setOf(0xC4, 0xC8, 0xCC) + 0xDE
    }
}
