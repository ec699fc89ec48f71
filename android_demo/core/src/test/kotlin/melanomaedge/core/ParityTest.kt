package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

class ParityTest {
    private val good = BundleForge(ToyBundle.files()).json("parity/tflite.json")

    private fun read(json: Json) = ParityReport.read(json, "report")

    private fun refusal(json: Json): Reason = assertThrows(Refused::class.java) { read(json) }.reason

    private fun check(name: String): Int =
        (good.at("artifacts", 0, "checks") as Json.Array).items.indexOfFirst { it.at("name") == Json.of(name) }

    private fun Json.check(name: String, key: String, value: Json) =
        with("artifacts", 0, "checks", check(name), key, value = value)

    private fun Json.verdict(words: String) =
        with("verdict", value = Json.of(words)).with("artifacts", 0, "verdict", value = Json.of(words))

    @Test
    fun `a good report is read`() {
        val report = read(good)
        assertEquals(Verdict.PASS, report.verdict)
        assertEquals(375, report.lesions)
        assertFalse(report.limitsChanged)
        assertEquals(14, report.model.checks.size)
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "class_agreement", "decision_agreement", "balanced_accuracy_change", "macro_auc_change",
            "melanoma_auc_change",
        ],
    )
    fun `numbers below a least limit do not pass`(name: String) {
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.check(name, "would_pass_at", Json.of(-0.5))))
    }

    @ParameterizedTest
    @ValueSource(
        strings = [
            "sensitivity_loss", "specificity_loss", "melanomas_lost", "mean_score_change", "calibration_change",
        ],
    )
    fun `numbers above a largest limit do not pass`(name: String) {
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.check(name, "would_pass_at", Json.of(2.0))))
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.check(name, "would_pass_at", Json.Null)))
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.check(name, "limit", Json.of(3.0))))
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.check(name, "limit", Json.Null)))
    }

    @Test
    fun `a number on its limit passes`() {
        assertEquals(Verdict.PASS, read(good.check("sensitivity_loss", "would_pass_at", Json.of(0.05))).verdict)
        assertEquals(Verdict.PASS, read(good.check("melanomas_lost", "would_pass_at", Json.of(1))).verdict)
    }

    @Test
    fun `lesions lost may be one in fifty, and one`() {
        val many = good.with("melanomas", value = Json.of(199)).check("melanomas_lost", "limit", Json.of(3))
        assertEquals(Verdict.PASS, read(many).verdict)
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.with("melanomas", value = Json.of(100))))
        assertEquals(Verdict.PASS, read(good.with("melanomas", value = Json.of(0))).verdict)
    }

    @Test
    fun `undecided checks make the verdict undecided`() {
        val undecided = good.check("sensitivity_loss", "status", Json.of("INCONCLUSIVE"))
            .check("sensitivity_loss", "would_pass_at", Json.Null)
        assertEquals(Verdict.INCONCLUSIVE, read(undecided.verdict("INCONCLUSIVE")).verdict)
        assertEquals(Reason.PARITY_MISMATCH, refusal(undecided))
    }

    @Test
    fun `a failed check makes the verdict FAIL, with fewer checks too`() {
        val failed = good.check("finite_outputs", "status", Json.of("FAIL"))
            .check("finite_outputs", "value", Json.of(3)).verdict("FAIL")
        assertEquals(Verdict.FAIL, read(failed).verdict)
        assertEquals(Verdict.FAIL, read(failed.without("artifacts", 0, "checks", 0)).verdict)
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.without("artifacts", 0, "checks", 0)))
    }

    @Test
    fun `checks given twice are refused`() {
        val twice = Json.Array((good.at("artifacts", 0, "checks") as Json.Array).items.let { it + it.first() })
        assertEquals(Reason.PARITY_MISMATCH, refusal(good.with("artifacts", 0, "checks", value = twice)))
    }

    @Test
    fun `limits that are not the usual ones are noticed`() {
        val strict = good.with("limits", "sensitivity_loss", value = Json.of(0.04))
            .check("sensitivity_loss", "limit", Json.of(0.04))
        assertTrue(read(strict).limitsChanged)
        val counted = good.with("limits", "melanomas_lost", value = Json.of(1))
        assertTrue(read(counted).limitsChanged)
    }

    @Test
    fun `metrics that are not there are null`() {
        val bare = good.with("artifacts", 0, "exported", value = Json.Null)
            .with("artifacts", 0, "float", "macro_auc", value = Json.Null)
        assertEquals(Verdict.PASS, read(bare).verdict)
    }

    @Test
    fun `unknown keys are refused at every depth`() {
        val places = listOf(
            emptyList<Any>(), listOf("limits"), listOf("artifacts", 0), listOf("artifacts", 0, "checks", 3),
            listOf("artifacts", 0, "float"), listOf("artifacts", 0, "float", "brier"),
            listOf("artifacts", 0, "flips", 0),
        )
        for (place in places) {
            val strange = good.with(*place.toTypedArray(), "moon", value = Json.of(1))
            assertEquals(Reason.BAD_DOCUMENT, refusal(strange), place.toString())
        }
    }
}
