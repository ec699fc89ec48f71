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
        assertEquals(State.REFER, decide(contract, safeguards, emptyList(), answer(0.5f)).state)
        val below = decide(contract, safeguards, emptyList(), answer(Math.nextDown(0.5f)))
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
        for (embedding in listOf(far, floatArrayOf(nan, nan), short, long, floatArrayOf(1e30f, 0f))) {
            val decision = decide(contract, safeguards, emptyList(), answer(1f), embedding)
            assertEquals(State.NOT_ASSESSABLE, decision.state)
            assertEquals(listOf(Finding.OUTLIER), decision.findings)
        }
    }

    @Test
    fun `without an embedding or a model of them nothing is an outlier`() {
        assertEquals(State.REFER, state(emptyList(), answer(1f), null))
        val bare = safeguards.copy(outlier = null)
        assertEquals(State.REFER, decide(contract, bare, emptyList(), answer(1f), far).state)
    }

    @Test
    fun `the distance is that of the nearest mean, and its limit still belongs`() {
        val model = OutlierModel(listOf(doubleArrayOf(0.0, 1.0), doubleArrayOf(2.0, 0.5)), doubleArrayOf(1.0, 0.5), 9.0)
        assertEquals(0.0625, model.score(floatArrayOf(2f, 1f)))
        assertFalse(model.isOutlier(floatArrayOf(-3f, 1f)))
        assertTrue(model.isOutlier(floatArrayOf(Math.nextDown(-3f), 1f)))
    }

    @Test
    fun `without doubt there are two answers`() {
        val sure = safeguards.copy(uncertainFrom = null)
        assertEquals(State.NO_SIGN, decide(contract, sure, emptyList(), answer(0.25f)).state)
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
