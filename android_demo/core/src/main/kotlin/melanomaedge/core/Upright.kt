package melanomaedge.core

/**
 * A picture as it looks when it stands upright; nothing is copied but the block that is asked for.
 *
 * Keeps one block's worth of memory, so a reader may ask for many blocks but not from several threads.
 */
class Upright(private val stored: Picture, private val orientation: Orientation) : Picture {
    override val width: Int = if (orientation.transposed) stored.height else stored.width
    override val height: Int = if (orientation.transposed) stored.width else stored.height

    private var block = IntArray(0)

    override fun rows(top: Int, count: Int, into: IntArray) = if (orientation.transposed) {
        storedColumns(top, count)
        copy(width, count, into, fromBottom(width, count), fromRight(count, 1))
    } else {
        storedRows(top, count)
        copy(width, count, into, fromRight(width, 1), fromBottom(count, width))
    }

    override fun columns(left: Int, count: Int, into: IntArray) = if (orientation.transposed) {
        storedRows(left, count)
        copy(count, height, into, fromBottom(count, height), fromRight(height, 1))
    } else {
        storedColumns(left, count)
        copy(count, height, into, fromRight(count, 1), fromBottom(height, count))
    }

    private fun storedRows(first: Int, count: Int) {
        val top = if (orientation.fromBottom) stored.height - first - count else first
        stored.rows(top, count, room(count * stored.width))
    }

    private fun storedColumns(first: Int, count: Int) {
        val left = if (orientation.fromRight) stored.width - first - count else first
        stored.columns(left, count, room(count * stored.height))
    }

    private fun room(size: Int): IntArray {
        if (block.size < size) block = IntArray(size)
        return block
    }

    private fun fromRight(length: Int, step: Int) = Walk(length, step, orientation.fromRight)

    private fun fromBottom(length: Int, step: Int) = Walk(length, step, orientation.fromBottom)

    /** Write a block [width] wide and [height] high, taking each row along one walk and each column along the other. */
    private fun copy(width: Int, height: Int, into: IntArray, across: Walk, down: Walk) {
        for (y in 0 until height) {
            var from = across.start + down.start + y * down.step
            for (to in y * width until (y + 1) * width) {
                into[to] = block[from]
                from += across.step
            }
        }
    }

    /** Steps through the stored block, forward or backward from its other end. */
    private class Walk(length: Int, step: Int, backward: Boolean) {
        val start = if (backward) (length - 1) * step else 0
        val step = if (backward) -step else step
    }
}
