package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** Pictures turned by EXIF, seen row by row and column by column. */
class UprightTest {
    private fun upright(width: Int, height: Int, orientation: Orientation) =
        Upright(Drawn("noise", width, height, 2), orientation)

    private fun pixels(picture: Picture): IntArray = Stored.copyOf(picture).pixels

    private val six = Stored(3, 2, intArrayOf(1, 2, 3, 4, 5, 6))

    @Test
    fun `the eight turns are those of EXIF`() {
        val turned = Orientation.entries.associateWith { pixels(Upright(six, it)).joinToString("") }
        assertEquals(
            listOf("123456", "321654", "654321", "456123", "142536", "415263", "635241", "362514"),
            Orientation.entries.sortedBy { it.exif }.map { turned[it] },
        )
    }

    @Test
    fun `sides are exchanged by every second half of the turns`() {
        for (orientation in Orientation.entries) {
            val sides = Upright(six, orientation).run { width to height }
            assertEquals(if (orientation.exif >= 5) 2 to 3 else 3 to 2, sides)
        }
    }

    @Test
    fun `numbers that EXIF does not know leave a picture as it is stored`() {
        for (number in listOf(-1, 0, 9, 255, 65535)) assertEquals(Orientation.UPRIGHT, Orientation.of(number))
        for (orientation in Orientation.entries) assertEquals(orientation, Orientation.of(orientation.exif))
    }

    @Property(tries = 1000)
    fun `turning back gives the stored picture`(
        @ForAll @IntRange(min = 1, max = 20) width: Int,
        @ForAll @IntRange(min = 1, max = 20) height: Int,
        @ForAll orientation: Orientation,
    ) {
        val back = when (orientation) {
            Orientation.TURN_RIGHT -> Orientation.TURN_LEFT
            Orientation.TURN_LEFT -> Orientation.TURN_RIGHT
            else -> orientation
        }
        val picture = Drawn("noise", width, height, 2)
        assertArrayEquals(pixels(picture), pixels(Upright(Upright(picture, orientation), back)))
    }

    @Property(tries = 1000)
    fun `rows and columns show the same picture, in blocks of any size`(
        @ForAll @IntRange(min = 1, max = 20) width: Int,
        @ForAll @IntRange(min = 1, max = 20) height: Int,
        @ForAll orientation: Orientation,
        @ForAll @IntRange(min = 1, max = 20) step: Int,
    ) {
        val upright = upright(width, height, orientation)
        val whole = pixels(upright)
        val byRows = IntArray(whole.size)
        val byColumns = IntArray(whole.size)
        for (top in 0 until upright.height step step) {
            val count = minOf(step, upright.height - top)
            val block = IntArray(count * upright.width).also { upright.rows(top, count, it) }
            block.copyInto(byRows, top * upright.width)
        }
        for (left in 0 until upright.width step step) {
            val count = minOf(step, upright.width - left)
            val block = IntArray(count * upright.height).also { upright.columns(left, count, it) }
            for (i in block.indices) byColumns[i / count * upright.width + left + i % count] = block[i]
        }
        assertArrayEquals(whole, byRows)
        assertArrayEquals(whole, byColumns)
    }
}
