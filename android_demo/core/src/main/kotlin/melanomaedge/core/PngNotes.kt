package melanomaedge.core

import java.io.ByteArrayOutputStream
import java.nio.ByteBuffer
import java.nio.charset.CharacterCodingException
import java.util.zip.DataFormatException
import java.util.zip.Inflater

/** The notes of a PNG file that may tell how its picture stands; a later one replaces an earlier one of its kind. */
internal class PngNotes {
    private var exif: ByteArray? = null
    private var exifIsText = false
    private var rawProfile: String? = null
    private var xmpText: String? = null
    private var xmpBytes: String? = null

    /** Take an `eXIf` chunk. */
    fun exif(data: ByteArray) {
        exif = Exif.PREFIX.toByteArray(Charsets.ISO_8859_1) + data
        exifIsText = false
    }

    /** Take a chunk of text, of which three kinds exist. */
    fun text(kind: String, data: ByteArray) {
        val end = data.indexOf(0)
        val key = String(data, 0, if (end < 0) data.size else end, Charsets.ISO_8859_1)
        if (key !in KEYS) return
        val rest = if (end < 0) ByteArray(0) else data.copyOfRange(end + 1, data.size)
        when (kind) {
            "tEXt" -> if (key == EXIF) plainExif(rest) else take(key, rest)
            "zTXt" -> {
                if (rest.isNotEmpty() && rest[0].toInt() != 0) throw UnfitPhoto(Unfit.DAMAGED, "unknown compression")
                take(key, inflate(rest.drop(1).toByteArray()) ?: ByteArray(0))
            }
            "iTXt" -> if (end >= 0) international(key, rest)
        }
    }

    /** Return how the picture must be turned. */
    fun orientation(): Orientation {
        val raw = rawProfile
        val found = exif
        val xmp = if (xmpText.isNullOrEmpty()) xmpBytes else xmpText
        return when {
            exifIsText -> Orientation.UPRIGHT
            found != null -> Exif.orientation(found, xmp)
            raw != null -> hex(raw)?.let { Exif.orientation(it, xmp) } ?: Orientation.UPRIGHT
            else -> Exif.orientation(null, xmp)
        }
    }

    private fun plainExif(data: ByteArray) {
        exif = data
        exifIsText = false
    }

    private fun take(key: String, value: ByteArray) {
        val text = String(value, Charsets.ISO_8859_1)
        when (key) {
            EXIF -> exifIsText = true
            RAW_PROFILE -> rawProfile = text
            XMP -> xmpText = text
        }
    }

    private fun international(key: String, rest: ByteArray) {
        if (rest.size < 2) return
        val language = rest.indexOfZero(2)
        val translated = if (language < 0) -1 else rest.indexOfZero(language + 1)
        if (translated < 0) return
        val stored = rest.copyOfRange(translated + 1, rest.size)
        val value = when {
            rest[0].toInt() == 0 -> stored
            rest[1].toInt() == 0 -> inflate(stored) ?: return
            else -> return
        }
        if (key == XMP) xmpBytes = String(value, Charsets.ISO_8859_1)
        if (isUtf8(rest.copyOfRange(2, translated)) && isUtf8(value)) take(key, value)
    }

    private fun ByteArray.indexOfZero(from: Int): Int = (from until size).firstOrNull { this[it].toInt() == 0 } ?: -1

    private fun isUtf8(data: ByteArray): Boolean = try {
        Charsets.UTF_8.newDecoder().decode(ByteBuffer.wrap(data))
        true
    } catch (error: CharacterCodingException) {
        false
    }

    /** Return the inflated bytes, as far as they go, or null where they are damaged. */
    private fun inflate(data: ByteArray): ByteArray? {
        val inflater = Inflater()
        try {
            inflater.setInput(data)
            val result = ByteArrayOutputStream()
            val buffer = ByteArray(BUFFER)
            do {
                val more = inflater.inflate(buffer)
                result.write(buffer, 0, more)
                if (result.size() > MOST_TEXT) throw UnfitPhoto(Unfit.DAMAGED, "endless text")
            } while (more > 0)
            return result.toByteArray()
        } catch (error: DataFormatException) {
            return null
        } finally {
            inflater.end()
        }
    }

    /** Return the bytes of a profile written as text: hexadecimal from the fourth line on; null for anything else. */
    private fun hex(text: String): ByteArray? {
        val digits = text.split('\n').drop(3).joinToString("")
        val pairs = digits.split(*SPACES).filter { it.isNotEmpty() }
        if (pairs.any { it.length % 2 != 0 || !it.all { digit -> digit in HEX } }) return null
        return pairs.flatMap { it.chunked(2) }.map { it.toInt(16).toByte() }.toByteArray()
    }

    private companion object {
        const val EXIF = "exif"
        const val RAW_PROFILE = "Raw profile type exif"
        const val XMP = "XML:com.adobe.xmp"
        val KEYS = setOf(EXIF, RAW_PROFILE, XMP)
        const val MOST_TEXT = 1 shl 20
        const val BUFFER = 1 shl 13
        const val HEX = "0123456789abcdefABCDEF"
        val SPACES = charArrayOf(' ', '\t', '\r', '\u000B', '\u000C')
    }
}
