package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import kotlin.math.exp

/** Decisions: the state, the findings and every bit of the score as in Python. */
class DecisionVectorsTest {
    private val vectors = Vectors.read("decisions")
    private val contract = Contract.read(vectors["contract"])
    private val cases = vectors["cases"].list
    private val columns = contract.targetClasses.map { contract.classes.indexOf(it) }

    private fun decide(case: Json): Decision {
        val found = case["found"].texts.map { code -> Finding.entries.single { it.code == code } }
        val safeguards = Safeguards.read(vectors["safeguards"][case["safeguards"].text], "vectors")
        return decide(contract, safeguards, found, case["probabilities"].floats, case["embedding"].floats)
    }

    @Test
    fun `every decision is Python's`() {
        for (case in cases) {
            val decision = decide(case)
            assertEquals(case["state"].text, decision.state.code, case.toString())
            assertEquals(case["findings"].texts, decision.findings.map { it.code }, case.toString())
            val expected = if (case["score"] == Json.Null) null else case["score"].double
            assertEquals(expected?.toRawBits(), decision.score?.toRawBits(), case.toString())
        }
        assertEquals(State.entries.map { it.code }.toSet(), cases.map { it["state"].text }.toSet())
    }

    @Test
    fun `what is foreign of an embedding is Python's to the bit`() {
        val seen = HashSet<Boolean>()
        for (case in Vectors.cases("outliers")) {
            val all = vectors["safeguards"]["all"].with("outlier", value = case["outlier"])
            val model = checkNotNull(Safeguards.read(all, "vectors").outlier)
            val embedding = checkNotNull(case["embedding"].floats)
            assertEquals(case["score"].double.toRawBits(), model.score(embedding).toRawBits())
            assertEquals(case["is_outlier"] == Json.Flag(true), model.isOutlier(embedding))
            seen += model.isOutlier(embedding)
        }
        assertEquals(setOf(true, false), seen)
    }

    @Test
    fun `sums in float would show`() {
        val scores = cases.filter { it["score"] != Json.Null }
        assertTrue(scores.count { inFloat(it).toDouble() != it["score"].double } > 10)
    }

    private fun inFloat(case: Json): Float {
        val values = checkNotNull(case["probabilities"].floats)
        return columns.fold(0f) { sum, column -> sum + values[column] }
    }

    @Test
    fun `a failed answer is never no sign`() {
        for (case in cases.filter { it["score"] == Json.Null }) assertNotEquals(State.NO_SIGN, decide(case).state)
    }

    /** What sample apps do with an answer; each would miss a vector. */
    private val bugs: Map<String, (FloatArray) -> State> = mapOf(
        "scores below 0.3 hidden" to { values -> state(score(values.map { if (it < 0.3f) 0f else it })) },
        "most probable class instead of the threshold" to { values ->
            if (values.indices.maxByOrNull { values[it] } in columns) State.REFER else State.NO_SIGN
        },
        "bytes compared as signed" to { values -> state((score(values.toList()) * 255).toInt().toByte() / 255.0) },
        "softmax of probabilities" to { values -> state(score(softmax(values))) },
        "classes in another order" to { values -> state(score(values.reversed())) },
        "above the threshold instead of from it on" to { values -> state(score(values.toList()), beyond = 1e-12) },
        "no doubt" to { values -> if (score(values.toList()) >= contract.threshold) State.REFER else State.NO_SIGN },
    )

    private fun score(values: List<Float>) = columns.sumOf { values[it].toDouble() }

    private fun softmax(values: FloatArray): List<Float> {
        val powers = values.map { exp(it) }
        return powers.map { it / powers.sum() }
    }

    private fun state(score: Double, beyond: Double = 0.0) = when {
        score >= contract.threshold + beyond -> State.REFER
        score >= 0.125 -> State.REFER_UNCERTAIN
        else -> State.NO_SIGN
    }

    @TestFactory
    fun `a fault of the sample apps misses vectors`(): List<DynamicTest> {
        val clear = cases.filter { it["score"] != Json.Null && it["safeguards"].text == "doubtful" }
        val answers = clear.map { checkNotNull(it["probabilities"].floats) to it["state"].text }
        assertTrue(answers.all { (values, state) -> state(score(values.toList())).code == state })
        return bugs.map { (name, decide) ->
            dynamicTest(name) { assertTrue(answers.any { (values, state) -> decide(values).code != state }) }
        }
    }
}
