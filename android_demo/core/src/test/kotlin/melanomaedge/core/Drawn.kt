package melanomaedge.core

import kotlin.math.abs
import kotlin.math.max

/** A picture by formula, the same as Python's `Bitmap`; no pixel of it is stored. */
data class Drawn(
    val kind: String,
    override val width: Int,
    override val height: Int,
    val seed: Int = 0,
    val low: List<Int> = listOf(0, 0, 0),
    val span: List<Int> = listOf(255, 255, 255),
) : Picture {
    private val lowest = low.toIntArray()
    private val steps = IntArray(3) { span[it] + 1 }
    override fun rows(top: Int, count: Int, into: IntArray) = block(0, top, width, count, into)

    override fun columns(left: Int, count: Int, into: IntArray) = block(left, 0, count, height, into)

    private fun block(left: Int, top: Int, wide: Int, high: Int, into: IntArray) {
        require(left >= 0 && top >= 0 && left + wide <= width && top + high <= height) { "outside the picture" }
        for (y in 0 until high) for (x in 0 until wide) into[y * wide + x] = pixel(left + x, top + y)
    }

    /** The upper 8 bits, which are to be ignored, are never the same. */
    fun pixel(x: Int, y: Int): Int =
        (x + y shl 24) or (value(x, y, 0) shl 16) or (value(x, y, 1) shl 8) or value(x, y, 2)

    private fun value(x: Int, y: Int, channel: Int) = lowest[channel] + (draw(x, y, channel) * steps[channel] shr 8)

    private fun draw(x: Int, y: Int, channel: Int): Int = when (kind) {
        "noise" -> noise(x, y, channel)
        "rings" -> rings(x, y, channel)
        "board" -> (x + y) % 2 * 255
        "slope" -> slope(x, y, channel)
        else -> error("no kind $kind")
    }

    private fun noise(x: Int, y: Int, channel: Int): Int {
        var mixed = x * 73856093 + y * 19349663 + channel * 83492791 + seed * 1640531527
        mixed = (mixed xor (mixed ushr 15)) * 0x2C1B3C6D
        mixed = (mixed xor (mixed ushr 12)) * 0x297A2D39
        return (mixed xor (mixed ushr 15)) and 255
    }

    private fun rings(x: Int, y: Int, channel: Int): Int {
        val across = 2 * x - width + 1
        val down = 2 * y - height + 1
        val phase = (across * across + down * down) / (2 * max(width, height)) + 64 * channel
        return abs(phase * 8 % 510 - 255)
    }

    private fun slope(x: Int, y: Int, channel: Int): Int {
        val across = 255 * x / max(width - 1, 1)
        val down = 255 * y / max(height - 1, 1)
        return if (channel == 0) across else if (channel == 1) down else (across + down) / 2
    }
}

/** A picture of which every pixel is stored, row by row. */
class Stored(override val width: Int, override val height: Int, val pixels: IntArray) : Picture {
    override fun rows(top: Int, count: Int, into: IntArray) {
        pixels.copyInto(into, 0, top * width, (top + count) * width)
    }

    override fun columns(left: Int, count: Int, into: IntArray) {
        for (y in 0 until height) pixels.copyInto(into, y * count, y * width + left, y * width + left + count)
    }

    companion object {
        /** Returns a copy of another picture. */
        fun copyOf(picture: Picture): Stored {
            val pixels = IntArray(picture.width * picture.height)
            picture.rows(0, picture.height, pixels)
            return Stored(picture.width, picture.height, pixels)
        }
    }
}
