package melanomaedge.core

import kotlin.math.abs
import kotlin.math.ceil
import kotlin.math.max
import kotlin.math.min

/**
 * The weights by which each of [outputs] values is mixed from a line of [inputs] values: Pillow's `BILINEAR`.
 *
 * It is a triangle as wide as two inputs or, where the line shrinks, as two outputs, so nothing is left out. Weights
 * are computed in double and rounded to whole parts of [UNIT] exactly as Pillow does; the same order of operations
 * gives the same bits. Whoever mixes with them begins with [HALF] and ends with [byte].
 */
internal class Resize(inputs: Int, outputs: Int) {
    /** Where the inputs of each output begin. */
    val first = IntArray(outputs)

    /** How many inputs each output has. */
    val count = IntArray(outputs)

    /** The weights of output i lie from `i * most` on. */
    val most: Int
    val weights: IntArray

    init {
        val scale = inputs.toDouble() / outputs
        val support = max(scale, 1.0)
        most = ceil(support).toInt() * 2 + 1
        weights = IntArray(outputs * most)
        val exact = DoubleArray(most)
        for (output in 0 until outputs) {
            val centre = (output + 0.5) * scale
            first[output] = max((centre - support + 0.5).toInt(), 0)
            count[output] = min((centre + support + 0.5).toInt(), inputs) - first[output]
            triangle(exact, first[output], count[output], centre, 1.0 / support)
            for (i in 0 until count[output]) weights[output * most + i] = (0.5 + exact[i] * UNIT).toInt()
        }
    }

    /** Fill weights that sum to 1. */
    private fun triangle(into: DoubleArray, first: Int, count: Int, centre: Double, steepness: Double) {
        var sum = 0.0
        for (i in 0 until count) {
            into[i] = max(1.0 - abs((i + first - centre + 0.5) * steepness), 0.0)
            sum += into[i]
        }
        if (sum != 0.0) for (i in 0 until count) into[i] /= sum
    }

    companion object {
        private const val BITS = 32 - 8 - 2
        const val UNIT = 1 shl BITS
        const val HALF = 1 shl (BITS - 1)

        /** Return a sum of bytes times weights, begun with [HALF], as a byte's value 0 to 255. */
        fun byte(sum: Int): Int = min(max(sum shr BITS, 0), 255)
    }
}
