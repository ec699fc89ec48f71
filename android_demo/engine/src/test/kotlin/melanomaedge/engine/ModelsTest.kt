package melanomaedge.engine

import melanomaedge.core.Json
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.engine.jvm.OrtEngine
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource

/** Toy models with bytes as input and with further outputs; Python wrote down what they answer. */
class ModelsTest {
    private val answers = Json.parse(file("answers.json"), "answers.json")
    private val image = file("image.rgb")

    private fun file(name: String): ByteArray =
        checkNotNull(javaClass.getResourceAsStream("/models/$name")) { name }.use { it.readBytes() }

    private fun plan(name: String, outputs: Map<String, List<Int>> = shapes(name)): TensorPlan =
        TensorPlan(int(member(name, "input_size")), int(member(name, "classes")), outputs)

    private fun shapes(name: String): Map<String, List<Int>> =
        (member(name, "outputs") as Json.Object).members.mapValues { (_, it) -> items(member(it, "shape")).map(::int) }

    private fun values(name: String, output: String): FloatArray {
        val noted = items(member(member(member(name, "outputs"), output), "values"))
        return noted.map { (it as Json.Number).text.toFloat() }.toFloatArray()
    }

    private fun member(name: String, key: String): Json = member(member(answers, name), key)

    private fun member(json: Json, key: String): Json = (json as Json.Object).members.getValue(key)

    private fun items(json: Json): List<Json> = (json as Json.Array).items

    private fun int(json: Json): Int = (json as Json.Number).text.toInt()

    private fun engine(name: String, plan: TensorPlan = plan(name)): LesionEngine =
        if (name.endsWith("onnx")) OrtEngine(file(name), plan) else TfliteEngine(file(name), plan)

    @ParameterizedTest
    @ValueSource(strings = ["bytes.tflite", "outputs.tflite", "outputs.onnx"])
    fun `probabilities are Python's`(name: String) {
        engine(name).use { assertArrayEquals(values(name, "probabilities"), it.infer(image).probabilities, CLOSE) }
    }

    @ParameterizedTest
    @ValueSource(strings = ["outputs.tflite", "outputs.onnx"])
    fun `further outputs are found by their names`(name: String) {
        engine(name).use { engine ->
            assertEquals(setOf("probabilities", "embedding", "cam"), engine.outputs)
            val found = engine.infer(image)
            assertArrayEquals(values(name, "embedding"), found.embedding, CLOSE)
            val cam = checkNotNull(found.cam)
            assertEquals(listOf(8, 8, 3), listOf(cam.height, cam.width, cam.classes))
            assertArrayEquals(values(name, "cam"), cam.logits, CLOSE)
        }
    }

    @Test
    fun `a model without further outputs has none`() {
        engine("bytes.tflite").use { engine ->
            assertEquals(setOf("probabilities"), engine.outputs)
            val found = engine.infer(image)
            assertNull(found.cam)
            assertNull(found.embedding)
        }
    }

    @Test
    fun `bytes above 127 are bright and not negative`() {
        val signed = ByteArray(image.size) { if (image[it] < 0) 0 else image[it] }
        assertTrue(image.any { it < 0 })
        engine("bytes.tflite").use { engine ->
            val right = engine.infer(image).probabilities
            assertFalse(right.contentEquals(engine.infer(signed).probabilities))
        }
    }

    @ParameterizedTest
    @ValueSource(strings = ["outputs.tflite", "outputs.onnx"])
    fun `outputs that the document does not name, or names otherwise, are refused`(name: String) {
        val shapes = shapes(name)
        val wrong = listOf(
            shapes - "cam",
            shapes - "embedding",
            shapes + ("embedding" to listOf(63)),
            shapes + ("cam" to listOf(8, 4, 3)),
        )
        for (outputs in wrong) {
            val error = assertThrows<Refused> { engine(name, plan(name, outputs)) }
            assertEquals(Reason.MODEL_UNUSABLE, error.reason)
        }
    }

    @Test
    fun `scores of a map are those of a softmax in every place`() {
        val map = CamMap(1, 2, 3, floatArrayOf(0f, 0f, 0f, 1000f, 0f, 1000f))
        assertArrayEquals(floatArrayOf(1f / 3, 0.5f), map.scores(intArrayOf(2)), CLOSE)
        assertArrayEquals(floatArrayOf(2f / 3, 1f), map.scores(intArrayOf(0, 2)), CLOSE)
        assertThrows<IllegalArgumentException> { CamMap(1, 2, 3, FloatArray(5)) }
    }

    private companion object {
        const val CLOSE = 1e-5f
    }
}
