package melanomaedge.engine.jvm

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.engine.EngineFailure
import melanomaedge.engine.Fixtures
import melanomaedge.engine.TensorPlan
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import kotlin.math.abs

class OrtEngineTest {
    private val bundle = Fixtures.bundle
    private val plan = TensorPlan.of(bundle, "onnx")
    private val model = checkNotNull(bundle.onnx)

    @Test
    fun `every golden vector is answered as Python answers it`() {
        OrtEngine(bundle).use { engine ->
            assertEquals("onnxruntime" to "CPUExecutionProvider", engine.runtime to engine.delegate)
            for (vector in bundle.golden.vectors) {
                val found = engine.infer(bundle.pixels(vector)).probabilities
                val expected = vector.answers.getValue("onnxruntime")
                for (at in found.indices) assertTrue(abs(found[at] - expected[at]) < 1e-6, "${vector.id}: ${found[at]}")
            }
        }
    }

    @Test
    fun `two threads that ask at once get the answers that one gets`() {
        val images = bundle.golden.vectors.map { bundle.pixels(it) }
        val threads = Executors.newFixedThreadPool(2)
        OrtEngine(bundle).use { engine ->
            val alone = images.map { engine.infer(it).probabilities }
            val asked = List(20) { round -> threads.submit(Callable { engine.infer(images[round % images.size]) }) }
            asked.forEachIndexed { round, answer -> assertArrayEquals(alone[round % images.size], answer.get().probabilities) }
        }
        threads.shutdown()
    }

    @Test
    fun `a closed engine refuses to answer and may be closed again`() {
        val engine = OrtEngine(bundle)
        assertThrows<IllegalArgumentException> { engine.infer(ByteArray(plan.bytes + 1)) }
        engine.close()
        engine.close()
        assertThrows<EngineFailure> { engine.infer(Fixtures.pixels) }
    }

    @Test
    fun `what is no such model is refused`() {
        val wrong = listOf(ByteArray(0), ByteArray(100), model.copyOf(model.size / 2), bundle.tflite)
        for (bytes in wrong) refused("onnxruntime cannot run") { OrtEngine(bytes, plan) }
        refused("inputs") { OrtEngine(model, TensorPlan(plan.inputSize + 1, plan.classes, plan.outputs)) }
        refused("outputs") { OrtEngine(model, TensorPlan(plan.inputSize, 2, mapOf("probabilities" to listOf(2)))) }
    }

    @Test
    fun `a bundle without a model has no plan for it`() {
        refused("has no moon model") { TensorPlan.of(bundle, "moon") }
    }

    private fun refused(words: String, open: () -> Unit) {
        val error = assertThrows<Refused> { open() }
        assertEquals(Reason.MODEL_UNUSABLE, error.reason)
        assertTrue(words in error.detail, error.detail)
    }
}
