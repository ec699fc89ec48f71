package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.FloatRange
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource

class DecisionTest {
    private val contract = Contract.read(ToyBundle.contract)
    private val safeguards = contract.safeguards!!
    private val near = floatArrayOf(0f, 1f)
    private val far = floatArrayOf(9f, 9f)

    private fun state(findings: List<Finding>, probabilities: FloatArray?, embedding: FloatArray? = near) =
        decide(contract, safeguards, findings, probabilities, embedding).state

    private fun answer(melanoma: Float) = floatArrayOf(melanoma, 1 - melanoma, 0f)

    @Test
    fun `the score decides`() {
        assertEquals(State.REFER, state(emptyList(), answer(0.75f)))
        assertEquals(State.REFER_UNCERTAIN, state(emptyList(), answer(0.25f)))
        assertEquals(State.NO_SIGN, state(emptyList(), answer(0.0625f)))
        assertEquals(0.25, decide(contract, safeguards, emptyList(), answer(0.25f), near).score)
    }

    @Test
    fun `the threshold itself is referred`() {
        val contract = Contract.read(ToyBundle.contract.with("operating_point", "threshold", value = Json.of(0.5)))
        assertEquals(State.REFER, decide(contract, safeguards, emptyList(), answer(0.5f), near).state)
        val below = decide(contract, safeguards, emptyList(), answer(Math.nextDown(0.5f)), near)
        assertEquals(State.REFER_UNCERTAIN, below.state)
    }

    @ParameterizedTest
    @EnumSource(Finding::class)
    fun `a finding comes before the score`(finding: Finding) {
        val expected = if (finding.retake) State.RETAKE else State.NOT_ASSESSABLE
        for (probabilities in listOf(answer(1f), answer(0f), null)) {
            assertEquals(expected, state(listOf(finding), probabilities))
        }
    }

    @Test
    fun `what can be retaken comes before what cannot be assessed`() {
        assertEquals(State.RETAKE, state(listOf(Finding.COLOURLESS, Finding.BLURRED), null, far))
        assertEquals(State.NOT_ASSESSABLE, state(listOf(Finding.COLOURLESS), answer(1f)))
    }

    @Test
    fun `answers that are no probabilities are not assessable`() {
        val nan = Float.NaN
        val bad = listOf(
            null, floatArrayOf(), floatArrayOf(1f), floatArrayOf(0.5f, 0.5f, 0f, 0f),
            floatArrayOf(nan, 0f, 1f), floatArrayOf(0f, nan, 1f), floatArrayOf(Float.POSITIVE_INFINITY, 0f, 0f),
            floatArrayOf(0f, 0f, 0f), floatArrayOf(1f, 1f, 1f), floatArrayOf(-0.5f, 0.5f, 1f),
            floatArrayOf(2f, -1f, 0f), floatArrayOf(0.1f, 0.1f, 0.1f),
        )
        for (probabilities in bad) {
            val decision = decide(contract, safeguards, emptyList(), probabilities, near)
            assertEquals(Decision(State.NOT_ASSESSABLE, emptyList(), null), decision)
        }
    }

    @Test
    fun `outliers are not assessable, however strange`() {
        val nan = Float.NaN
        val short = floatArrayOf(0f)
        val long = floatArrayOf(0f, 1f, 0f)
        val infinite = listOf(floatArrayOf(Float.POSITIVE_INFINITY, 1f), floatArrayOf(0f, Float.NEGATIVE_INFINITY))
        val none = listOf(floatArrayOf(nan, nan), floatArrayOf(nan, 1f), floatArrayOf(0f, nan)) + infinite
        for (embedding in none + listOf(far, short, long, floatArrayOf(), floatArrayOf(0f, Float.MAX_VALUE))) {
            val decision = decide(contract, safeguards, emptyList(), answer(1f), embedding)
            assertEquals(State.NOT_ASSESSABLE, decision.state)
            assertEquals(listOf(Finding.OUTLIER), decision.findings)
        }
    }

    @Test
    fun `without the embedding that limits ask for there is no score`() {
        for (melanoma in listOf(0f, 0.25f, 1f)) {
            val decision = decide(contract, safeguards, emptyList(), answer(melanoma), null)
            assertEquals(Decision(State.NOT_ASSESSABLE, emptyList(), null), decision)
        }
        assertEquals(State.RETAKE, state(listOf(Finding.BLURRED), answer(1f), null))
    }

    @Test
    fun `without limits nothing is an outlier, nor is an embedding needed`() {
        val bare = safeguards.copy(outlier = null)
        for (embedding in listOf(far, null)) {
            assertEquals(State.REFER, decide(contract, bare, emptyList(), answer(1f), embedding).state)
        }
    }

    @Test
    fun `only what lies in no direction is foreign, and its limit still belongs`() {
        val model = OutlierModel(doubleArrayOf(0.0, 1.0), listOf(byteArrayOf(-128, 0)), doubleArrayOf(0.0078125), 9.0)
        assertEquals(0.0, model.score(floatArrayOf(-3f, 1f)))
        assertEquals(9.0, model.score(floatArrayOf(5f, -2f)))
        assertFalse(model.isOutlier(floatArrayOf(5f, -2f)))
        assertTrue(model.isOutlier(floatArrayOf(5f, Math.nextDown(-2f))))
    }

    @Test
    fun `the numbers of directions are signed, and every direction counts`() {
        val directions = listOf(byteArrayOf(-64, 64), byteArrayOf(0, -128))
        val model = OutlierModel(doubleArrayOf(0.0, 0.0), directions, doubleArrayOf(0.0078125, 0.00390625), 1.0)
        assertEquals(3.0, model.score(floatArrayOf(2f, 0f)))
        assertEquals(4.0 + 4.0 - 4.0 - 1.0, model.score(floatArrayOf(2f, -2f)))
    }

    @Test
    fun `a distance that is no number is infinite`() {
        val steep = OutlierModel(doubleArrayOf(0.0), listOf(byteArrayOf(127)), doubleArrayOf(1e300), 1.0)
        assertEquals(Double.POSITIVE_INFINITY, steep.score(floatArrayOf(1f)))
        val far = OutlierModel(doubleArrayOf(1e300), listOf(byteArrayOf(127)), doubleArrayOf(1.0), 1.0)
        assertEquals(Double.POSITIVE_INFINITY, far.score(floatArrayOf(1f)))
    }

    @Test
    fun `without doubt there are two answers`() {
        val sure = safeguards.copy(uncertainFrom = null)
        assertEquals(State.NO_SIGN, decide(contract, sure, emptyList(), answer(0.25f), near).state)
    }

    @Property
    fun `a higher score is never less urgent`(
        @ForAll @FloatRange(min = 0f, max = 1f) a: Float,
        @ForAll @FloatRange(min = 0f, max = 1f) b: Float,
    ) {
        val order = listOf(State.NO_SIGN, State.REFER_UNCERTAIN, State.REFER)
        val (low, high) = listOf(minOf(a, b), maxOf(a, b)).map { order.indexOf(state(emptyList(), answer(it))) }
        assertTrue(low in 0..high)
    }

    @Property
    fun `every score has the band that holds it`(@ForAll @FloatRange(min = 0f, max = 1f) score: Float) {
        val band = Band.of(score.toDouble())
        assertTrue(score * 100.0 >= band.from || band == Band.UNDER_1)
        assertTrue(score * 100.0 <= band.to)
    }

    @Test
    fun `a score on a border belongs to the higher band`() {
        assertEquals(Band.values().toList(), listOf(0.0, 0.01, 0.05, 0.2, 0.5).map { Band.of(it) })
        assertEquals(Band.OVER_50, Band.of(1.001))
        assertEquals(Band.values().drop(1).map { it.from }, Band.values().dropLast(1).map { it.to })
    }
}
