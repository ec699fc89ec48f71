package melanomaedge.core

/**
 * How a stored picture must be turned to stand upright, by the numbers of EXIF 2.32.
 *
 * The upright pixel (x, y) is the stored pixel (x, y), or (y, x) where [transposed]; then the stored column is counted
 * from the right where [fromRight], and the stored row from the bottom where [fromBottom].
 */
enum class Orientation(val exif: Int, val transposed: Boolean, val fromRight: Boolean, val fromBottom: Boolean) {
    UPRIGHT(1, false, false, false),
    MIRRORED(2, false, true, false),
    UPSIDE_DOWN(3, false, true, true),
    MIRRORED_UPSIDE_DOWN(4, false, false, true),
    TRANSPOSED(5, true, false, false),
    TURN_RIGHT(6, true, false, true),
    TRANSVERSED(7, true, true, true),
    TURN_LEFT(8, true, true, false);

    companion object {
        /** Return the orientation of a tag's number; what EXIF does not know leaves the picture as it is stored. */
        fun of(exif: Int): Orientation = entries.firstOrNull { it.exif == exif } ?: UPRIGHT
    }
}
