package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** The pixel recipe: every byte as in Python. */
class PixelsTest {
    private fun assertPythons(case: Json) {
        val bytes = Pixels.square(case["bitmap"].bitmap, case["orientation"].orientation, case["size"].int)
        if (case.has("bytes")) assertEquals(case["bytes"].text, Vectors.hex(bytes), case.toString())
        else assertEquals(case["sha256"].text, Vectors.sha256(bytes), case.toString())
    }

    @Test
    fun `squares of every size equal Python's in every byte`() = Vectors.cases("resizes").forEach(::assertPythons)

    @Test
    fun `squares of pictures turned in all eight ways equal Python's in every byte`() {
        val cases = Vectors.cases("orientations")
        assertEquals(Orientation.entries.toSet(), cases.map { it["orientation"].orientation }.toSet())
        cases.forEach(::assertPythons)
    }

    @Property(tries = 1000)
    fun `a picture of one colour stays so`(
        @ForAll @IntRange(min = 1, max = 90) width: Int,
        @ForAll @IntRange(min = 1, max = 90) height: Int,
        @ForAll @IntRange(min = 1, max = 40) size: Int,
        @ForAll colour: Int,
        @ForAll orientation: Orientation,
    ) {
        val picture = Stored(width, height, IntArray(width * height) { colour })
        val one = byteArrayOf((colour shr 16).toByte(), (colour shr 8).toByte(), colour.toByte())
        assertArrayEquals(ByteArray(size * size * 3) { one[it % 3] }, Pixels.square(picture, orientation, size))
    }

    @Property(tries = 1000)
    fun `no value leaves the range of those that it is mixed from`(
        @ForAll @IntRange(min = 1, max = 70) width: Int,
        @ForAll @IntRange(min = 1, max = 70) height: Int,
        @ForAll @IntRange(min = 1, max = 60) size: Int,
        @ForAll @IntRange(min = 0, max = 200) low: Int,
        @ForAll @IntRange(min = 0, max = 55) span: Int,
    ) {
        val picture = Drawn("noise", width, height, low, listOf(low, low, low), listOf(span, span, span))
        for (byte in Pixels.square(picture, Orientation.UPRIGHT, size)) {
            assertTrue((byte.toInt() and 255) in low..low + span)
        }
    }

    @Property(tries = 1000)
    fun `nothing outside the square bleeds in`(
        @ForAll @IntRange(min = 1, max = 40) side: Int,
        @ForAll @IntRange(min = 1, max = 30) margin: Int,
        @ForAll @IntRange(min = 1, max = 20) size: Int,
        @ForAll around: Int,
    ) {
        val inner = Stored.copyOf(Drawn("noise", side, side, 1))
        val wide = side + 2 * margin
        val framed = Stored(wide, side, IntArray(wide * side) { around })
        for (y in 0 until side) inner.pixels.copyInto(framed.pixels, y * wide + margin, y * side, (y + 1) * side)
        val expected = Pixels.square(inner, Orientation.UPRIGHT, size)
        assertArrayEquals(expected, Pixels.square(framed, Orientation.UPRIGHT, size))
    }

    @Test
    fun `what cannot be resized is an error of the caller`() {
        for ((width, size) in listOf(5 to 0, 0 to 5)) {
            assertThrows(IllegalArgumentException::class.java) {
                Pixels.square(Drawn("noise", width, 5), Orientation.UPRIGHT, size)
            }
        }
    }
}
