package melanomaedge.core

/** The formats whose files are read here just as Python reads them. */
enum class Format(val code: String) {
    JPEG("jpeg"),
    PNG("png"),
}

/** Say why a file is not one still, whole, plain photo; [code] is stable, and screens look up their words by it. */
enum class Unfit(val code: String) {
    EMPTY("empty"),
    TOO_LARGE("too-large"),
    UNKNOWN_FORMAT("unknown-format"),

    /** HEIC and AVIF: the camera can be set to JPEG. */
    HEIC("heic"),

    /** TIFF, BMP, GIF and WebP. */
    OTHER_FORMAT("other-format"),
    MORE_THAN_ONE_FRAME("more-than-one-frame"),
    TOO_MANY_PIXELS("too-many-pixels"),
    CUT_OFF("cut-off"),
    DAMAGED("damaged"),

    /** Inks instead of light, or 16 bits a value: decoders do not agree on what bytes these are. */
    OTHER_COLOURS("other-colours"),
}

/** Refuse a file as a photo. [detail] says in English what was found; it holds nothing of the picture. */
class UnfitPhoto(val unfit: Unfit, detail: String) : Exception("${unfit.code}: $detail")

/**
 * What a photo's file says of itself, before anything is decoded.
 *
 * @property width of the stored picture, like [height]; turned by [orientation] it stands upright.
 * @property profile whether a colour profile is embedded: the decoder must convert to sRGB, as Python does.
 */
data class Photo(
    val format: Format,
    val orientation: Orientation,
    val width: Int,
    val height: Int,
    val profile: Boolean,
) {
    companion object {
        /** The largest picture that is decoded; more is refused as in Python, whatever the memory. */
        const val MOST_PIXELS = 178_956_970L

        /** The largest file that is worth reading. */
        const val MOST_BYTES = 1L shl 28

        private val HEIC = setOf("heic", "heix", "heim", "heis", "hevc", "hevx", "mif1", "msf1", "avif", "avis")

        /** Refuse a file by its length, before it is read. */
        fun checkLength(length: Long) {
            if (length > MOST_BYTES) throw UnfitPhoto(Unfit.TOO_LARGE, "$length bytes")
        }

        /**
         * Read what a file says, by its bytes and never by its name.
         *
         * Whether a pixel is transparent only the decoder can tell.
         *
         * @throws UnfitPhoto for what is no photo, and what Python would refuse or decode otherwise.
         */
        fun inspect(file: ByteArray): Photo {
            checkLength(file.size.toLong())
            val bytes = Bytes(file)
            val photo = when {
                file.isEmpty() -> throw UnfitPhoto(Unfit.EMPTY, "no bytes")
                bytes.startsWith(JpegHead.MAGIC) -> jpeg(bytes)
                bytes.startsWith(PngHead.MAGIC) -> png(bytes)
                else -> throw strange(bytes)
            }
            val pixels = photo.width.toLong() * photo.height
            if (pixels > MOST_PIXELS) throw UnfitPhoto(Unfit.TOO_MANY_PIXELS, "$pixels pixels")
            return photo
        }

        private fun jpeg(bytes: Bytes): Photo {
            val head = JpegHead(bytes)
            if (!head.ends()) throw UnfitPhoto(Unfit.CUT_OFF, "JPEG without its end mark")
            return Photo(Format.JPEG, Exif.orientation(head.exif, head.xmp), head.width, head.height, head.profile)
        }

        private fun png(bytes: Bytes): Photo {
            val head = PngHead(bytes)
            if (!head.ends) throw UnfitPhoto(Unfit.CUT_OFF, "PNG without its end mark")
            return Photo(Format.PNG, head.orientation(), head.width, head.height, head.profile)
        }

        private fun strange(bytes: Bytes): UnfitPhoto {
            val brand = bytes.text(8, 12)
            return when {
                bytes.text(4, 8) == "ftyp" && brand in HEIC -> UnfitPhoto(Unfit.HEIC, brand)
                bytes.text(0, 4) in setOf("II*\u0000", "MM\u0000*") -> UnfitPhoto(Unfit.OTHER_FORMAT, "TIFF")
                bytes.text(0, 4) == "GIF8" -> UnfitPhoto(Unfit.OTHER_FORMAT, "GIF")
                bytes.text(0, 2) == "BM" -> UnfitPhoto(Unfit.OTHER_FORMAT, "BMP")
                bytes.text(0, 4) == "RIFF" && brand == "WEBP" -> UnfitPhoto(Unfit.OTHER_FORMAT, "WebP")
                else -> UnfitPhoto(Unfit.UNKNOWN_FORMAT, "not JPEG or PNG")
            }
        }
    }
}
