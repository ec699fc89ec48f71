package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.FloatRange
import net.jqwik.api.constraints.Size
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

class ContractTest {
    private val good = ToyBundle.contract

    private fun refusal(json: Json): Reason = assertThrows(Refused::class.java) { Contract.read(json) }.reason

    private fun texts(vararg values: String) = Json.of(values.map { Json.of(it) })

    @Test
    fun `a contract is read whole`() {
        val contract = Contract.read(good)
        assertEquals(listOf("MEL", "NV", "BKL"), contract.classes)
        assertEquals(0.3, contract.threshold)
        assertEquals(listOf(listOf<Byte>(-64, 0)), contract.safeguards?.outlier?.directions?.map { it.toList() })
        assertTrue(contract.refers(0.3))
        assertFalse(contract.refers(Math.nextDown(0.3)))
    }

    @Test
    fun `a contract may have no safeguards`() {
        assertEquals(null, Contract.read(good.without("safeguards")).safeguards)
        assertEquals(null, Contract.read(good.with("safeguards", value = Json.Null)).safeguards)
    }

    @Test
    fun `every key is needed`() {
        for (key in (good as Json.Object).members.keys - "safeguards") {
            assertEquals(Reason.BAD_DOCUMENT, refusal(good.without(key)), key)
        }
    }

    @Test
    fun `contradictions are refused`() {
        val bad = mapOf(
            "one class" to good.with("classes", value = texts("MEL")),
            "a class twice" to good.with("classes", value = texts("MEL", "NV", "NV")),
            "an unknown target" to good.with("target_classes", value = texts("SCC")),
            "a target twice" to good.with("target_classes", value = texts("MEL", "MEL")),
            "no target" to good.with("target_classes", value = texts()),
            "everything as target" to good.with("target_classes", value = texts("MEL", "NV", "BKL")),
            "another target" to good.with("target", value = Json.of("freckle")),
            "priors beyond 1" to good.with("class_prior", 0, value = Json.of(0.5)),
            "a prior too few" to good.without("class_prior", 0),
            "no pixels" to good.with("input_size", value = Json.of(0)),
            "size as decimal" to good.with("input_size", value = Json.of(4.0)),
            "another range" to good.with("input_range", 1, value = Json.of(1)),
            "another resize" to good.with("pixels", "resize", value = Json.of("nearest")),
            "a step more" to good.with("pixels", "blur", value = Json.of(1)),
            "no temperature" to good.with("temperature", value = Json.of(0)),
            "threshold beyond 1" to good.with("operating_point", "threshold", value = Json.of(1.5)),
            "negative threshold" to good.with("operating_point", "threshold", value = Json.of(-0.1)),
            "more misses than positives" to good.with("operating_point", "misses", value = Json.of(91)),
            "short hash" to good.with("provenance", "weights_sha256", value = Json.of("abc")),
            "doubt above the threshold" to good.with("safeguards", "uncertain_from", value = Json.of(0.3)),
            "brightness that falls" to good.with("safeguards", "quality", "least_brightness", value = Json.of(23001)),
            "no steps of outliers" to outlier(steps = emptyList()),
            "a step too many" to outlier(steps = listOf(1.0, 1.0)),
            "a negative step" to outlier(steps = listOf(-1.0)),
            "no directions of outliers" to outlier(emptyList(), emptyList()),
            "more directions than read" to outlier(List(65) { "wAA=" }, List(65) { 1.0 }),
            "an outlier centre too short" to good.without("safeguards", "outlier", "centre", 0),
            "no outlier centre" to
                outlier(listOf("")).with("safeguards", "outlier", "centre", value = Json.of(emptyList())),
            "negative outlier limit" to good.with("safeguards", "outlier", "limit", value = Json.of(-1)),
        )
        for ((what, json) in bad) assertEquals(Reason.BAD_DOCUMENT, refusal(json), what)
    }

    private fun outlier(directions: List<String> = listOf("wAA="), steps: List<Double> = listOf(1.0)): Json = good
        .with("safeguards", "outlier", "directions", value = texts(*directions.toTypedArray()))
        .with("safeguards", "outlier", "steps", value = Json.of(steps.map { Json.of(it) }))

    @Test
    fun `as many directions as read are read`() {
        val most = Contract.read(outlier(List(64) { "gH8=" }, List(64) { 0.0 })).safeguards?.outlier
        assertEquals(List(64) { listOf(Byte.MIN_VALUE, Byte.MAX_VALUE) }, most?.directions?.map { it.toList() })
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "", "wA==", "wAAA", "wAA", "wAB=", "wAA==", "wAA=\n", " wAA=", "w-A=", "w_A=", "w*A=", "wAÄ=", "wAA=wAA=",
            "====",
        ],
    )
    fun `a direction is canonical base64 of one byte a value`(text: String) {
        assertEquals(Reason.BAD_DOCUMENT, refusal(outlier(listOf(text))))
    }

    @Test
    fun `a direction is text`() {
        for (value in listOf(Json.of(1), Json.Null, Json.of(listOf(Json.of(-64), Json.of(0))))) {
            val bad = good.with("safeguards", "outlier", "directions", 0, value = value)
            assertEquals(Reason.BAD_DOCUMENT, refusal(bad))
        }
    }

    @Property
    fun `the score is the sum in the order of the target classes, in double`(
        @ForAll @Size(3) probabilities: List<@FloatRange(min = 0f, max = 1f) Float>,
    ) {
        val contract = Contract.read(good.with("target_classes", value = texts("BKL", "MEL")))
        val expected = 0.0 + probabilities[2].toDouble() + probabilities[0].toDouble()
        assertEquals(expected.toRawBits(), contract.targetScore(probabilities.toFloatArray()).toRawBits())
    }
}
