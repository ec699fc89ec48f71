package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import java.util.Random

class SealTest {
    private val model = ToyBundle.files().getValue("model.tflite")

    private fun refusal(bytes: ByteArray): Reason =
        assertThrows(Refused::class.java) { Seal.read(bytes, "model") }.reason

    private fun edited(change: (Json) -> Json): ByteArray =
        BundleForge(ToyBundle.files()).editArtifact("tflite", change).files.getValue("model.tflite")

    @Test
    fun `a sealed model says what it is`() {
        val sealed = Seal.read(model, "model")
        assertEquals("tflite", sealed.format)
        assertEquals("int8", sealed.precision)
        assertEquals(ToyBundle.contract, sealed.contract)
        assertEquals(listOf(OutputNote("probabilities", listOf(1, 3))), sealed.outputs)
    }

    @Test
    fun `a model that names no outputs has one`() {
        val bytes = edited { it.without("outputs").without("rounding").without("kept") }
        assertEquals(listOf(OutputNote("probabilities", listOf(1, 3))), Seal.read(bytes, "model").outputs)
    }

    @Test
    fun `any changed byte breaks the seal`() {
        for (at in model.indices) assertEquals(true, refusal(model.flipped(at)) in SOME, "byte $at")
    }

    @Test
    fun `appended, cut and empty models are refused`() {
        assertEquals(Reason.BROKEN_SEAL, refusal(model + 0))
        for (size in intArrayOf(0, 1, 400, 500, model.size - 1)) {
            assertEquals(Reason.BROKEN_SEAL, refusal(model.copyOf(size)))
        }
    }

    @Test
    fun `unknown keys are refused although sealed`() {
        assertEquals(Reason.BAD_DOCUMENT, refusal(edited { it.without("kept").with("moon", value = Json.of(1)) }))
    }

    @Test
    fun `the seal is the last of the document`() {
        val text = String(model, Charsets.ISO_8859_1)
        val (start, end) = BundleForge.documentOf(model)
        val digits = text.substring(end - 66, end - 2)
        val seal = "\"sha256\": \"$digits\""
        val document = text.substring(start, end).replace(", $seal}", "}").replaceFirst(", ", ", $seal, ")
        val early = text.substring(0, start) + document + text.substring(end)
        assertEquals(Reason.BROKEN_SEAL, refusal(early.toByteArray(Charsets.ISO_8859_1)))
    }

    @Test
    fun `a document that never ends is damaged`() {
        val head = "{\"schema\": \"melanoma-edge/artifact/1\", "
        assertEquals(Reason.BROKEN_SEAL, refusal((head + "\"a\": \"" + "x".repeat(3 shl 20)).toByteArray()))
        assertEquals(Reason.BROKEN_SEAL, refusal((head + "{".repeat(100_000) + "}".repeat(100_001)).toByteArray()))
        assertEquals(Reason.BROKEN_SEAL, refusal("$head\\\\".toByteArray()))
    }

    @Test
    fun `noise is refused`() {
        val random = Random(7)
        val head = "{\"schema\": \"melanoma-edge/artifact/1\", ".toByteArray()
        repeat(500) {
            val noise = ByteArray(random.nextInt(300)).also { bytes -> random.nextBytes(bytes) }
            assertEquals(Reason.BROKEN_SEAL, refusal(head + noise))
        }
    }

    private companion object {
        /** What one wrong byte may look like; in the marker's version it is another schema. */
        val SOME = setOf(Reason.BROKEN_SEAL, Reason.OLDER_SCHEMA, Reason.NEWER_SCHEMA, Reason.BAD_DOCUMENT)
    }
}
