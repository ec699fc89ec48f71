package melanomaedge.core

import kotlin.math.max
import kotlin.math.min

/** A way from a bitmap to the network's bytes, as some app goes it. */
typealias Recipe = (Picture, Orientation, Int) -> ByteArray

/**
 * What published sample apps do instead of the pixel recipe, each as wrong as it was found.
 *
 * No vector may be kept by any of them: so whoever puts one in sees a test fail.
 */
object SampleBugs {
    val ALL: Map<String, Recipe> = mapOf(
        "nearest neighbour instead of a filter" to ::nearest,
        "bilinear without antialiasing" to ::bilinear,
        "every second pixel first, then bilinear" to ::subsampled,
        "whole picture squashed instead of its centre cut out" to ::squashed,
        "left upper corner instead of the centre" to ::cornered,
        "resized first, then cut out" to ::resizedThenCut,
        "resized first, then turned" to ::resizedThenTurned,
        "EXIF ignored" to { picture, _, size -> Pixels.square(picture, Orientation.UPRIGHT, size) },
        "turned the other way" to { picture, turn, size -> Pixels.square(picture, otherWay(turn), size) },
        "mirrored orientations taken for turned ones" to { picture, turn, size ->
            Pixels.square(picture, unmirrored(turn), size)
        },
        "blue, green, red instead of red, green, blue" to { picture, turn, size ->
            swapped(right(picture, turn, size))
        },
        "planes instead of pixels" to { picture, turn, size -> planes(right(picture, turn, size)) },
        "rows mixed before columns" to ::downFirst,
        "floats between the passes instead of bytes" to ::unrounded,
        "values scaled by x / 127.5 - 1 before a graph that scales" to { picture, turn, size ->
            mapped(right(picture, turn, size)) { (it / 127.5 - 1).toInt() }
        },
        "values scaled by x / 255 before a graph that scales" to { picture, turn, size ->
            mapped(right(picture, turn, size)) { it / 255 }
        },
        "values scaled by ImageNet's mean and deviation" to { picture, turn, size ->
            mapped(right(picture, turn, size)) { ((it / 255.0 - 0.45) / 0.225).toInt() }
        },
        "bytes compared and clamped as signed" to { picture, turn, size ->
            mapped(right(picture, turn, size)) { max(it.toByte().toInt(), 0) }
        },
    )

    private fun right(picture: Picture, turn: Orientation, size: Int) = Pixels.square(picture, turn, size)

    private fun mapped(bytes: ByteArray, change: (Int) -> Int) =
        ByteArray(bytes.size) { change(bytes[it].toInt() and 255).toByte() }

    private fun swapped(bytes: ByteArray) = ByteArray(bytes.size) { bytes[it - it % 3 + 2 - it % 3] }

    private fun planes(bytes: ByteArray): ByteArray {
        val places = bytes.size / 3
        return ByteArray(bytes.size) { bytes[it % places * 3 + it / places] }
    }

    private fun otherWay(turn: Orientation) = when (turn) {
        Orientation.TURN_LEFT -> Orientation.TURN_RIGHT
        Orientation.TURN_RIGHT -> Orientation.TURN_LEFT
        else -> turn
    }

    private fun unmirrored(turn: Orientation) = when (turn) {
        Orientation.MIRRORED -> Orientation.UPRIGHT
        Orientation.MIRRORED_UPSIDE_DOWN -> Orientation.UPSIDE_DOWN
        Orientation.TRANSPOSED -> Orientation.TURN_RIGHT
        Orientation.TRANSVERSED -> Orientation.TURN_LEFT
        else -> turn
    }

    /** Returns the upright picture, or the stored one where [turn] does nothing. */
    private fun upright(picture: Picture, turn: Orientation): Stored = Stored.copyOf(Upright(picture, turn))

    private fun centre(picture: Stored): Stored {
        val side = min(picture.width, picture.height)
        return cut(picture, (picture.width - side) / 2, (picture.height - side) / 2, side)
    }

    private fun cut(picture: Stored, left: Int, top: Int, side: Int): Stored {
        val pixels = IntArray(side * side) { picture.pixels[(top + it / side) * picture.width + left + it % side] }
        return Stored(side, side, pixels)
    }

    private fun bytes(picture: Stored): ByteArray =
        ByteArray(picture.pixels.size * 3) { (picture.pixels[it / 3] shr 16 - 8 * (it % 3)).toByte() }

    private fun nearest(picture: Picture, turn: Orientation, size: Int): ByteArray =
        bytes(pick(centre(upright(picture, turn)), size, size))

    private fun pick(from: Stored, width: Int, height: Int) = Stored(
        width,
        height,
        IntArray(width * height) {
            from.pixels[it / width * from.height / height * from.width + it % width * from.width / width]
        },
    )

    private fun bilinear(picture: Picture, turn: Orientation, size: Int): ByteArray =
        bytes(smooth(centre(upright(picture, turn)), size, size))

    private fun subsampled(picture: Picture, turn: Orientation, size: Int): ByteArray {
        val square = centre(upright(picture, turn))
        val half = max(square.width / 2, 1)
        return bytes(smooth(pick(square, half, half), size, size))
    }

    private fun squashed(picture: Picture, turn: Orientation, size: Int): ByteArray =
        bytes(smooth(upright(picture, turn), size, size))

    private fun cornered(picture: Picture, turn: Orientation, size: Int): ByteArray {
        val whole = upright(picture, turn)
        return right(cut(whole, 0, 0, min(whole.width, whole.height)), Orientation.UPRIGHT, size)
    }

    private fun resizedThenCut(picture: Picture, turn: Orientation, size: Int): ByteArray {
        val whole = upright(picture, turn)
        val short = min(whole.width, whole.height)
        return bytes(centre(smooth(whole, whole.width * size / short, whole.height * size / short)))
    }

    private fun resizedThenTurned(picture: Picture, turn: Orientation, size: Int): ByteArray {
        val squashed = smooth(upright(picture, Orientation.UPRIGHT), size, size)
        return bytes(upright(squashed, turn))
    }

    /** Mixes the four pixels around each place: what is between them when a picture shrinks is lost. */
    private fun smooth(from: Stored, width: Int, height: Int): Stored {
        val pixels = IntArray(width * height) {
            val x = place(it % width, width, from.width)
            val y = place(it / width, height, from.height)
            (0..16 step 8).sumOf { shift -> mixed(from, x, y, shift) shl shift }
        }
        return Stored(width, height, pixels)
    }

    private fun place(at: Int, to: Int, from: Int) = ((at + 0.5) * from / to - 0.5).coerceIn(0.0, from - 1.0)

    private fun mixed(from: Stored, x: Double, y: Double, shift: Int): Int {
        fun value(column: Int, row: Int) =
            from.pixels[min(row, from.height - 1) * from.width + min(column, from.width - 1)] shr shift and 255
        val left = x.toInt()
        val top = y.toInt()
        val above = value(left, top) * (1 - x + left) + value(left + 1, top) * (x - left)
        val below = value(left, top + 1) * (1 - x + left) + value(left + 1, top + 1) * (x - left)
        return (above * (1 - y + top) + below * (y - top) + 0.5).toInt()
    }

    private fun downFirst(picture: Picture, turn: Orientation, size: Int): ByteArray {
        val lying = Stored.copyOf(Upright(centre(upright(picture, turn)), Orientation.TRANSPOSED))
        val square = right(lying, Orientation.UPRIGHT, size)
        return ByteArray(square.size) { square[(it / 3 % size * size + it / 3 / size) * 3 + it % 3] }
    }

    private fun unrounded(picture: Picture, turn: Orientation, size: Int): ByteArray {
        val from = centre(upright(picture, turn))
        val resize = Resize(from.width, size)
        fun weight(output: Int, input: Int) = resize.weights[output * resize.most + input] / Resize.UNIT.toDouble()
        fun value(x: Int, y: Int, shift: Int) = (from.pixels[y * from.width + x] shr shift and 255).toDouble()
        return ByteArray(size * size * 3) {
            val x = it / 3 % size
            val y = it / 3 / size
            var sum = 0.5
            for (j in 0 until resize.count[y]) {
                for (i in 0 until resize.count[x]) {
                    val pixel = value(resize.first[x] + i, resize.first[y] + j, 16 - 8 * (it % 3))
                    sum += weight(y, j) * weight(x, i) * pixel
                }
            }
            sum.toInt().toByte()
        }
    }
}
