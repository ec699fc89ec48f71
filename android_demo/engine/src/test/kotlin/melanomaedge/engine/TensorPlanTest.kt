package melanomaedge.engine

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows

class TensorPlanTest {
    private val plan = TensorPlan(64, 7, mapOf("probabilities" to listOf(7)))
    private val image = TensorFacts(Kind.FLOAT32, listOf(1, 64, 64, 3))
    private val answer = TensorFacts(Kind.FLOAT32, listOf(1, 7))

    private fun check(image: TensorFacts = this.image, answer: TensorFacts = this.answer) =
        plan.check(mapOf("image" to image), mapOf("probabilities" to answer))

    @Test
    fun `what the tools export fits`() {
        check()
        check(TensorFacts(Kind.UINT8, image.shape, 1f / 127.5f, 128))
        check(TensorFacts(Kind.UINT8, image.shape))
    }

    @TestFactory
    fun `other inputs are refused`(): List<DynamicTest> = mapOf(
        "channels first" to TensorFacts(Kind.FLOAT32, listOf(1, 3, 64, 64)),
        "two images at once" to TensorFacts(Kind.FLOAT32, listOf(2, 64, 64, 3)),
        "free batch" to TensorFacts(Kind.FLOAT32, listOf(-1, 64, 64, 3)),
        "grey" to TensorFacts(Kind.FLOAT32, listOf(1, 64, 64, 1)),
        "another size" to TensorFacts(Kind.FLOAT32, listOf(1, 224, 224, 3)),
        "signed bytes" to TensorFacts(Kind.OTHER, image.shape, 1f / 127.5f, 0),
        "bytes that the caller has to scale" to TensorFacts(Kind.UINT8, image.shape, 1f / 255f, 0),
        "bytes with another zero" to TensorFacts(Kind.UINT8, image.shape, 1f / 127.5f, 127),
        "quantized floats" to TensorFacts(Kind.FLOAT32, image.shape, 1f / 127.5f, 128),
    ).map { (name, wrong) -> dynamicTest(name) { refused { check(image = wrong) } } }

    @TestFactory
    fun `other outputs are refused`(): List<DynamicTest> = mapOf(
        "a class too many" to TensorFacts(Kind.FLOAT32, listOf(1, 8)),
        "a class too few" to TensorFacts(Kind.FLOAT32, listOf(1, 6)),
        "no batch" to TensorFacts(Kind.FLOAT32, listOf(7)),
        "scores in bytes" to TensorFacts(Kind.UINT8, listOf(1, 7), 1f / 256f, 0),
        "scores in signed bytes" to TensorFacts(Kind.OTHER, listOf(1, 7), 1f / 256f, -128),
    ).map { (name, wrong) -> dynamicTest(name) { refused { check(answer = wrong) } } }

    @Test
    fun `other names are refused`() {
        refused { plan.check(mapOf("input" to image), mapOf("probabilities" to answer)) }
        refused { plan.check(mapOf("image" to image), mapOf("output" to answer)) }
        refused { plan.check(mapOf("image" to image, "size" to image), mapOf("probabilities" to answer)) }
        refused { plan.check(emptyMap(), mapOf("probabilities" to answer)) }
        refused { plan.check(mapOf("image" to image), mapOf("probabilities" to answer, "more" to answer)) }
    }

    @Test
    fun `a document that names impossible outputs is refused before a model is opened`() {
        val wrong = listOf(
            emptyMap(),
            mapOf("probabilities" to listOf(6)),
            mapOf("probabilities" to listOf(7), "moon" to listOf(1)),
            mapOf("probabilities" to listOf(7), "cam" to listOf(8, 8)),
            mapOf("probabilities" to listOf(7), "cam" to listOf(8, 8, 6)),
            mapOf("probabilities" to listOf(7), "cam" to listOf(0, 8, 7)),
            mapOf("probabilities" to listOf(7), "embedding" to listOf(0)),
            mapOf("probabilities" to listOf(7), "embedding" to listOf(1 shl 30)),
        )
        for (outputs in wrong) refused { TensorPlan(64, 7, outputs) }
    }

    private fun refused(work: () -> Unit) = assertEquals(Reason.MODEL_UNUSABLE, assertThrows<Refused> { work() }.reason)
}
