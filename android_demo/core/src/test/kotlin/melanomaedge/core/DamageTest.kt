package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

class DamageTest {
    private fun ends(width: Int = 40, height: Int = 3, pixel: (Int, Int) -> Int): Boolean =
        Damage.endsInGrey(Stored(width, height, IntArray(width * height) { pixel(it % width, it / width) }))

    @Test
    fun `a last row that ends in sixteen pixels of one grey is damage`() {
        assertEquals(true, ends { x, _ -> if (x < 24) RED else FILLED })
        assertEquals(false, ends { x, _ -> if (x < 25) RED else FILLED })
        assertEquals(false, ends { x, y -> if (x == 39 && y == 2) RED else FILLED })
    }

    @Test
    fun `only the last row counts`() {
        assertEquals(true, ends { _, y -> if (y < 2) RED else FILLED })
        assertEquals(false, ends { _, y -> if (y < 2) FILLED else RED })
    }

    @Test
    fun `grey is what a conversion may make of 128`() {
        for (level in intArrayOf(118, 128, 138)) assertEquals(true, ends { _, _ -> grey(level) }, "$level")
        for (level in intArrayOf(0, 117, 139, 255)) assertEquals(false, ends { _, _ -> grey(level) }, "$level")
        for (pixel in intArrayOf(0x828080, 0x808280, 0x7E8080)) assertEquals(true, ends { _, _ -> pixel })
        for (pixel in intArrayOf(0x838080, 0x808083, 0x80837F, 0x7D8080)) assertEquals(false, ends { _, _ -> pixel })
    }

    @Test
    fun `one grey is one value, whatever stands in the upper bits`() {
        assertEquals(false, ends { x, _ -> grey(128 + x % 2) })
        assertEquals(true, ends { x, _ -> FILLED or (x shl 24) })
    }

    @Test
    fun `a narrow picture has no more than its width`() {
        assertEquals(true, ends(width = 3) { _, _ -> FILLED })
        assertEquals(false, ends(width = 3) { x, _ -> if (x == 0) RED else FILLED })
    }

    private fun grey(level: Int) = level * 0x10101

    private companion object {
        const val FILLED = 0x808080
        const val RED = 0xB04040
    }
}
