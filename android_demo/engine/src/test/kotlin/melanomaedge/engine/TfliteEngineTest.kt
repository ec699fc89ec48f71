package melanomaedge.engine

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import org.bytedeco.javacpp.Pointer
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import kotlin.math.abs

class TfliteEngineTest {
    private val bundle = Fixtures.bundle
    private val plan = TensorPlan.of(bundle, "tflite")

    @ParameterizedTest
    @EnumSource
    fun `every golden vector is answered as Python answers it`(kernels: Kernels) {
        TfliteEngine(bundle, kernels).use { engine ->
            assertEquals(kernels.runtime, engine.runtime)
            for (vector in bundle.golden.vectors) {
                val found = engine.infer(bundle.pixels(vector)).probabilities
                val expected = vector.answers.getValue(kernels.runtime)
                assertEquals(expected.size, found.size)
                for (at in found.indices) assertTrue(abs(found[at] - expected[at]) < 1e-6, "${vector.id}: ${found[at]}")
            }
        }
    }

    @Test
    fun `the delegate is the one found in the graph`() {
        val all = Regex("XNNPACK \\((\\d+) of \\1 operations\\)")
        TfliteEngine(bundle).use { assertTrue(all.matches(it.delegate), it.delegate) }
        TfliteEngine(bundle, Kernels.PLAIN).use { assertEquals("none", it.delegate) }
    }

    @Test
    fun `buffers are used again but answers are not`() {
        TfliteEngine(bundle).use { engine ->
            val first = engine.infer(Fixtures.pixels)
            val kept = first.probabilities.clone()
            val other = engine.infer(ByteArray(plan.bytes))
            val again = engine.infer(Fixtures.pixels)
            assertNotSame(first.probabilities, again.probabilities)
            assertFalse(kept.contentEquals(other.probabilities))
            assertArrayEquals(kept, first.probabilities)
            assertArrayEquals(kept, again.probabilities)
        }
    }

    @Test
    fun `two threads that ask at once get the answers that one gets`() {
        val images = bundle.golden.vectors.map { bundle.pixels(it) }
        val threads = Executors.newFixedThreadPool(2)
        TfliteEngine(bundle).use { engine ->
            val alone = images.map { engine.infer(it).probabilities }
            val asked = List(20) { round -> threads.submit(Callable { engine.infer(images[round % images.size]) }) }
            asked.forEachIndexed { round, answer -> assertArrayEquals(alone[round % images.size], answer.get().probabilities) }
        }
        threads.shutdown()
    }

    @Test
    fun `a closed engine refuses to answer and may be closed again`() {
        val engine = TfliteEngine(bundle)
        engine.close()
        engine.close()
        assertThrows<EngineFailure> { engine.infer(Fixtures.pixels) }
    }

    @Test
    fun `native memory is given back, also that of refused models`() {
        val model = bundle.tflite
        val open = {
            TfliteEngine(model, plan).use { it.infer(Fixtures.pixels) }
            assertThrows<Refused> { TfliteEngine(model, other(classes = 3)) }
        }
        repeat(ROUNDS) { open() }
        val before = Pointer.physicalBytes()
        repeat(ROUNDS) { open() }
        val grown = Pointer.physicalBytes() - before
        assertTrue(grown < ROUNDS * model.size / 2, "$grown bytes more after $ROUNDS engines of ${model.size} bytes")
    }

    @Test
    fun `an image of another size is an error of the caller`() {
        TfliteEngine(bundle).use { engine ->
            assertThrows<IllegalArgumentException> { engine.infer(ByteArray(plan.bytes - 1)) }
            assertThrows<IllegalArgumentException> { engine.infer(ByteArray(plan.bytes * 4)) }
        }
    }

    @Test
    fun `a model of other tensors than its contract's is refused`() {
        val model = bundle.tflite
        refused("inputs") { TfliteEngine(model, other(size = plan.inputSize + 1)) }
        refused("outputs") { TfliteEngine(model, other(classes = plan.classes - 1)) }
        val more = plan.outputs + ("embedding" to listOf(8))
        refused("outputs") { TfliteEngine(model, TensorPlan(plan.inputSize, plan.classes, more)) }
    }

    @Test
    fun `what is no model is refused and does not crash`() {
        val model = bundle.tflite
        val cut = listOf(model.copyOf(model.size / 2), model.copyOfRange(64, model.size))
        val wrong = cut + listOf(ByteArray(0), ByteArray(100))
        for (bytes in wrong) refused("TensorFlow Lite cannot run") { TfliteEngine(bytes, plan) }
    }

    private fun other(size: Int = plan.inputSize, classes: Int = plan.classes): TensorPlan =
        TensorPlan(size, classes, mapOf("probabilities" to listOf(classes)))

    private fun refused(words: String, open: () -> LesionEngine) {
        val error = assertThrows<Refused> { open() }
        assertEquals(Reason.MODEL_UNUSABLE, error.reason)
        assertTrue(words in error.detail, error.detail)
    }

    private companion object {
        const val ROUNDS = 60
    }
}
