package melanomaedge.core

import kotlin.math.max
import kotlin.math.min

/**
 * The quality gate: six whole numbers of a photo, and what they say against it.
 *
 * All arithmetic is on integers and equals Python's. Dark corners are normal in dermoscopy, so black is not counted as
 * clipped. A picture smaller than [MEASURED_AT] is measured at its own size, for enlarging would blur it.
 */
object Quality {
    /** Side of the square whose sharpness, light and colour are measured, whatever the model's input size. */
    const val MEASURED_AT = 256

    /** Luma from which a pixel counts as clipped. */
    const val CLIPPED = 253

    /** Measure a decoded picture. */
    fun measure(picture: Picture, orientation: Orientation): QualityMeasures {
        val short = min(picture.width, picture.height)
        val long = max(picture.width, picture.height)
        val side = min(MEASURED_AT, short)
        val bytes = Pixels.square(picture, orientation, side)
        val luma = IntArray(side * side) { luma(bytes, 3 * it) }
        return QualityMeasures(
            shortSide = short,
            aspectPercent = (100L * long / short).toInt(),
            sharpness = sharpness(luma, side),
            brightness = share(luma.sumOf { it.toLong() }, 100, luma.size),
            clippedPermille = share(luma.count { it >= CLIPPED }.toLong(), 1000, luma.size),
            colour = share(luma.indices.sumOf { spread(bytes, 3 * it).toLong() }, 100, luma.size),
        )
    }

    /** Return what speaks against the photo that was measured; a value at its limit is good. */
    fun findings(measures: QualityMeasures, limits: QualityLimits): List<Finding> = listOf(
        Finding.TOO_SMALL to (measures.shortSide < limits.smallestSide),
        Finding.ASPECT to (measures.aspectPercent > limits.largestAspectPercent),
        Finding.BLURRED to (measures.sharpness < limits.leastSharpness),
        Finding.TOO_DARK to (measures.brightness < limits.leastBrightness),
        Finding.TOO_BRIGHT to (measures.brightness > limits.mostBrightness),
        Finding.CLIPPED to (measures.clippedPermille > limits.mostClippedPermille),
        Finding.COLOURLESS to (measures.colour < limits.leastColour),
    ).filter { it.second }.map { it.first }

    private fun share(sum: Long, unit: Int, total: Int): Int = (unit * sum / total).toInt()

    private fun luma(bytes: ByteArray, at: Int): Int =
        (19595 * (bytes[at].toInt() and 255) + 38470 * (bytes[at + 1].toInt() and 255) +
            7471 * (bytes[at + 2].toInt() and 255) + 32768) shr 16

    private fun spread(bytes: ByteArray, at: Int): Int {
        val red = bytes[at].toInt() and 255
        val green = bytes[at + 1].toInt() and 255
        val blue = bytes[at + 2].toInt() and 255
        return max(red, max(green, blue)) - min(red, min(green, blue))
    }

    /** Return the variance of four times each inner pixel minus its four neighbours, in hundredths. */
    private fun sharpness(luma: IntArray, side: Int): Int {
        if (side < 3) return 0
        val count = (side - 2L) * (side - 2L)
        var total = 0L
        var squares = 0L
        for (y in 1 until side - 1) {
            for (at in y * side + 1 until (y + 1) * side - 1) {
                val edge = 4 * luma[at] - luma[at - side] - luma[at + side] - luma[at - 1] - luma[at + 1]
                total += edge
                squares += edge.toLong() * edge
            }
        }
        return (100 * (count * squares - total * total) / (count * count)).toInt()
    }
}
