package melanomaedge.core

import kotlin.math.max
import kotlin.math.min

/**
 * The one pixel recipe, from a decoded bitmap on: upright, centre square, resized with Pillow's `BILINEAR`.
 *
 * Every byte equals Python's, which is what the model was trained on and judged with. Rows are mixed horizontally to
 * bytes first and then vertically, as Pillow does; rows go by in strips, so memory beyond the bitmap is two strips of
 * [STRIP] pixels (or one row) and four ints for each value of the result, whatever the photo's size.
 */
object Pixels {
    /** About how many pixels are read at once: enough that columns of a rotated bitmap are not read one by one. */
    private const val STRIP = 1 shl 18

    /**
     * Return the [size] * [size] * 3 bytes, row by row and red, green, blue, that the network sees.
     *
     * The square's side is the shorter side; of an odd remainder the smaller half lies left or above.
     */
    fun square(picture: Picture, orientation: Orientation, size: Int): ByteArray {
        require(size >= 1 && picture.width >= 1 && picture.height >= 1) { "nothing to resize" }
        val upright = if (orientation == Orientation.UPRIGHT) picture else Upright(picture, orientation)
        val side = min(upright.width, upright.height)
        val target = if (side == size) Copied(size) else Shrunk(side, size)
        val left = (upright.width - side) / 2
        val top = (upright.height - side) / 2
        val strip = IntArray(min(max(STRIP / upright.width, 1), side) * upright.width)
        var row = 0
        while (row < side) {
            val count = min(strip.size / upright.width, side - row)
            upright.rows(top + row, count, strip)
            for (i in 0 until count) target.take(row + i, strip, i * upright.width + left)
            row += count
        }
        return target.bytes()
    }

    /** Takes the rows of a square from above to below. */
    private interface Target {
        fun take(row: Int, pixels: IntArray, from: Int)

        fun bytes(): ByteArray
    }

    /** A square that has its size already is not touched. */
    private class Copied(private val size: Int) : Target {
        private val result = ByteArray(size * size * 3)

        override fun take(row: Int, pixels: IntArray, from: Int) {
            var to = row * size * 3
            for (x in from until from + size) {
                result[to++] = (pixels[x] shr 16).toByte()
                result[to++] = (pixels[x] shr 8).toByte()
                result[to++] = pixels[x].toByte()
            }
        }

        override fun bytes() = result
    }

    private class Shrunk(side: Int, private val size: Int) : Target {
        private val resize = Resize(side, size)
        private val line = IntArray(size * 3)
        private val sums = IntArray(size * size * 3) { Resize.HALF }
        private var lowest = 0

        override fun take(row: Int, pixels: IntArray, from: Int) {
            mixAcross(pixels, from)
            while (lowest < size && resize.first[lowest] + resize.count[lowest] <= row) lowest++
            var output = lowest
            while (output < size && resize.first[output] <= row) {
                addDown(output, resize.weights[output * resize.most + row - resize.first[output]])
                output++
            }
        }

        private fun mixAcross(pixels: IntArray, from: Int) {
            for (output in 0 until size) {
                val first = from + resize.first[output]
                val weights = output * resize.most - first
                var red = Resize.HALF
                var green = Resize.HALF
                var blue = Resize.HALF
                for (x in first until first + resize.count[output]) {
                    val pixel = pixels[x]
                    val weight = resize.weights[weights + x]
                    red += (pixel shr 16 and 255) * weight
                    green += (pixel shr 8 and 255) * weight
                    blue += (pixel and 255) * weight
                }
                line[3 * output] = Resize.byte(red)
                line[3 * output + 1] = Resize.byte(green)
                line[3 * output + 2] = Resize.byte(blue)
            }
        }

        private fun addDown(output: Int, weight: Int) {
            val start = output * line.size
            for (i in line.indices) sums[start + i] += line[i] * weight
        }

        override fun bytes() = ByteArray(sums.size) { Resize.byte(sums[it]).toByte() }
    }
}
