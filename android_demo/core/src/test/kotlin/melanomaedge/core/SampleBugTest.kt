package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.math.abs

/** Every fault of the sample apps would be seen: some vector of Python's is missed by it. */
class SampleBugTest {
    private val cases = Vectors.cases("orientations").filter { it["bitmap"]["width"].int in setOf(23, 311) } +
        Vectors.cases("resizes").filter { it["bitmap"]["width"].int in setOf(450, 600) }

    private val pictures = cases.map { Stored.copyOf(it["bitmap"].bitmap) }

    private fun squares(recipe: Recipe) =
        cases.indices.map { recipe(pictures[it], cases[it]["orientation"].orientation, cases[it]["size"].int) }

    private val right = squares(Pixels::square)

    private fun furthest(one: ByteArray, other: ByteArray): Int =
        if (one.size != other.size) 256
        else one.indices.maxOf { abs((one[it].toInt() and 255) - (other[it].toInt() and 255)) }

    private fun keeps(case: Json, bytes: ByteArray) =
        if (case.has("bytes")) case["bytes"].text == Vectors.hex(bytes)
        else case["sha256"].text == Vectors.sha256(bytes)

    @Test
    fun `the recipe itself keeps these vectors`() {
        cases.indices.forEach { assertTrue(keeps(cases[it], right[it]), cases[it].toString()) }
    }

    @TestFactory
    fun `a fault misses vectors`(): List<DynamicTest> = SampleBugs.ALL.map { (name, recipe) ->
        dynamicTest(name) {
            val wrong = squares(recipe)
            val missed = cases.indices.filter { !keeps(cases[it], wrong[it]) }
            assertTrue(missed.isNotEmpty(), "no vector shows it")
            val off = missed.maxOf { furthest(right[it], wrong[it]) }
            assertTrue(off >= if (name in SUBTLE) 1 else 20, "only $off of 255 off")
        }
    }

    private companion object {
        /** Faults of rounding: they tip single values, and only equal bytes show them. */
        val SUBTLE = setOf("rows mixed before columns", "floats between the passes instead of bytes")
    }
}
