package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test

/** The quality gate: the same whole numbers and the same findings as in Python. */
class QualityTest {
    private val vectors = Vectors.read("qualities")

    @Test
    fun `measures equal Python's`() {
        for (case in vectors["measures"].list) {
            val found = Quality.measure(case["bitmap"].bitmap, case["orientation"].orientation)
            assertEquals(case["quality"].quality, found, case.toString())
        }
    }

    @Test
    fun `findings around every limit equal Python's`() {
        val cases = vectors["findings"].list
        for (case in cases) {
            val found = Quality.findings(case["quality"].quality, case["limits"].limits)
            assertEquals(case["findings"].texts, found.map { it.code }, case.toString())
        }
        val codes = cases.flatMap { it["findings"].texts }.toSet()
        assertEquals(Finding.entries.map { it.code }.toSet() - Finding.OUTLIER.code, codes)
    }

    @Test
    fun `a turned picture is as good as before`() {
        val picture = Drawn("rings", 300, 500)
        val upright = Quality.measure(picture, Orientation.UPRIGHT)
        for (orientation in Orientation.entries) {
            val turned = Quality.measure(picture, orientation)
            assertEquals(upright.shortSide to upright.aspectPercent, turned.shortSide to turned.aspectPercent)
        }
    }
}
