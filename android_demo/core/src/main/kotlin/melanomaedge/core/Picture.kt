package melanomaedge.core

/**
 * A decoded picture as its file stores it, read in blocks, so that a bitmap of 50 megapixels is never copied whole.
 *
 * Pixels are ints with red in bits 16 to 23, green in 8 to 15 and blue in 0 to 7, in sRGB; the bits above are ignored,
 * because decoders refuse transparent pictures. Android's `Bitmap.getPixels` and Java's `BufferedImage.getRGB` give
 * both kinds of block as they stand.
 */
interface Picture {
    val width: Int
    val height: Int

    /** Write [count] whole rows from [top] on: pixel x of row `top + i` to `into[i * width + x]`. */
    fun rows(top: Int, count: Int, into: IntArray)

    /** Write [count] whole columns from [left] on: pixel y of column `left + i` to `into[y * count + i]`. */
    fun columns(left: Int, count: Int, into: IntArray)
}
