package melanomaedge.engine

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.State
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.DynamicTest
import org.junit.jupiter.api.DynamicTest.dynamicTest
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.TestFactory
import org.junit.jupiter.api.assertThrows
import kotlin.math.roundToInt

/**
 * The faults of well-known sample applications that lie between pixels and decision, put in on purpose.
 *
 * Each must be noticed by the golden vectors at start-up, so that none of them can reach a photo.
 */
class SampleFaultsTest {
    private val bundle = Fixtures.bundle

    private fun clamped(value: Double): Byte = value.roundToInt().coerceIn(0, 255).toByte()

    private fun bytes(pixels: ByteArray, change: (Int) -> Double) =
        ByteArray(pixels.size) { clamped(change(pixels[it].toInt() and 0xFF)) }

    private val inputs: Map<String, (ByteArray) -> ByteArray> = mapOf(
        "bytes read as signed, so that 200 is darker than 100" to { image -> bytes(image) { it.toByte().toDouble() } },
        "scaled by constants copied from another model" to { image -> bytes(image) { (it - 127.5) / 127.5 } },
        "divided by 255 as another model wants it" to { image -> bytes(image) { it / 255.0 } },
        "blue and red in each other's place" to { image -> ByteArray(image.size) { image[it - it % 3 + 2 - it % 3] } },
        "channels first" to { image ->
            val places = image.size / 3
            ByteArray(image.size) { image[it % places * 3 + it / places] }
        },
        "the buffer of the photo before, never rewound" to { _ -> ByteArray(Fixtures.pixels.size) },
    )

    private val outputs: Map<String, (FloatArray) -> FloatArray> = mapOf(
        "scores under 0.3 hidden" to { scores -> FloatArray(scores.size) { if (scores[it] < 0.3f) 0f else scores[it] } },
        "labels shorter than the output, the rest cut off by zip" to { scores ->
            scores.toList().zip(bundle.contract.classes.dropLast(1)) { score, _ -> score }.toFloatArray()
        },
        "scores in signed bytes, those above 127 negative" to { scores ->
            FloatArray(scores.size) { (scores[it] * 255).roundToInt().toByte() / 255f }
        },
        "labels in the order of the alphabet" to { scores ->
            val order = bundle.contract.classes.withIndex().sortedBy { it.value }.map { it.index }
            FloatArray(scores.size) { scores[order[it]] }
        },
        "softmax a second time" to { scores ->
            val powers = scores.map { Math.exp(it.toDouble()) }
            FloatArray(scores.size) { (powers[it] / powers.sum()).toFloat() }
        },
        "a crash answered with all zeros" to { scores -> FloatArray(scores.size) },
    )

    @TestFactory
    fun `spoiled inputs miss the golden vectors`(): List<DynamicTest> =
        inputs.map { (name, fault) -> dynamicTest(name) { missed(Spoiled(TfliteEngine(bundle), input = fault)) } }

    @TestFactory
    fun `spoiled outputs miss the golden vectors`(): List<DynamicTest> =
        outputs.map { (name, fault) -> dynamicTest(name) { missed(Spoiled(TfliteEngine(bundle), output = fault)) } }

    private fun missed(engine: Spoiled) = engine.use {
        SelfCheck(bundle, it.sound()).run()
        assertEquals(Reason.GOLDEN_MISS, assertThrows<Refused> { SelfCheck(bundle, it).run() }.reason)
    }

    @Test
    fun `a melanoma at 0,25 surfaces`() {
        assertTrue(bundle.contract.threshold < 0.25)
        val answer = Fixtures.probabilities(0.25)
        assertTrue(answer.any { it < 0.3f })
        val found = Assessor(bundle, PretendEngine.of(*answer)).assess(Fixtures.source())
        assertEquals(State.REFER, found.state)
        assertEquals(0.25, checkNotNull(found.score), 1e-6)
    }

    @Test
    fun `a crash is never a clean bill`() {
        for (error in listOf(IllegalStateException(), OutOfMemoryError(), LinkageError(), AssertionError())) {
            val found = Assessor(bundle, PretendEngine { throw error }).assess(Fixtures.source())
            assertEquals(State.NOT_ASSESSABLE, found.state)
            assertNotEquals(null, found.trouble)
        }
    }

    @Test
    fun `a label list of another length than the output opens nothing`() {
        val classes = bundle.contract.classes.size - 1
        val plan = TensorPlan(bundle.contract.inputSize, classes, mapOf("probabilities" to listOf(classes)))
        assertEquals(Reason.MODEL_UNUSABLE, assertThrows<Refused> { TfliteEngine(bundle.tflite, plan) }.reason)
    }

    @Test
    fun `an engine that asked for a delegate and got none says so`() {
        TfliteEngine(bundle, Kernels.PLAIN).use { assertEquals("litert-plain" to "none", it.runtime to it.delegate) }
    }
}
