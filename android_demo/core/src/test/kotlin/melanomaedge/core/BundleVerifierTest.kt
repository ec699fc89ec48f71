package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

class BundleVerifierTest {
    private fun verifier(key: Boolean, memory: ReleaseMemory = VolatileReleaseMemory()) =
        BundleVerifier(if (key) TestKeys.trusted.public else null, memory)

    @Test
    fun `a good bundle is taken, and signed only where a key says so`() {
        val files = MemoryFiles(ToyBundle.files())
        assertTrue(verifier(key = true).verify(files).signed)
        val bundle = verifier(key = false).verify(files)
        assertFalse(bundle.signed)
        assertEquals(sha256(files.read("manifest.json")), bundle.sha256)
        assertEquals(listOf("probabilities"), bundle.models.getValue("onnx").outputs.map { it.name })
        assertEquals(48, bundle.pixels(bundle.golden.vectors[1]).size)
    }

    @Test
    fun `a bundle without ONNX is whole`() {
        val bundle = verifier(key = true).verify(MemoryFiles(ToyBundle.files(onnx = false)))
        assertEquals(null, bundle.onnx)
        assertEquals(setOf("tflite"), bundle.parity.keys)
    }

    @Test
    fun `files that change while they are read do not count`() {
        val files = ToyBundle.files().toMutableMap()
        val shifty = object : BundleFiles {
            override val names: List<String> get() = files.keys.sorted()

            override fun read(name: String): ByteArray =
                files.getValue(name).copyOf().also { files[name] = ByteArray(0) }
        }
        val bundle = verifier(key = true).verify(shifty)
        assertEquals(sha256(bundle.tflite), bundle.manifest.artifacts.getValue("tflite").sha256)
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tampered")
    fun `a tampered bundle is refused in an app with a key`(case: TamperedBundle) {
        assertEquals(case.withKey, case.refusal(TestKeys.trusted.public), case.name)
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("tampered")
    fun `a tampered bundle is refused in an app without a key, or is for the engine to refuse`(case: TamperedBundle) {
        assertEquals(case.withoutKey, case.refusal(null), case.name)
    }

    @ParameterizedTest(name = "{0}")
    @MethodSource("repaired")
    fun `a signature does not make good what contradicts itself`(case: TamperedBundle) {
        val read = ZipBundle.read(case.zip.inputStream())
        val signed = BundleForge(read.names.associateWith { read.read(it) }).sign().files
        val refused = assertThrows(Refused::class.java) { verifier(key = true).verify(MemoryFiles(signed)) }
        assertEquals(case.withoutKey, refused.reason, case.name)
    }

    @Test
    fun `names of tampered bundles are different, and enough`() {
        val names = tampered().map { it.name }
        assertEquals(names.toSet().size, names.size)
        assertTrue(names.size >= 30)
    }

    companion object {
        @JvmStatic
        fun tampered(): List<TamperedBundle> = Tampered.cases(ToyBundle.files())

        @JvmStatic
        fun repaired(): List<TamperedBundle> =
            tampered().filter { it.withKey == Reason.BAD_SIGNATURE && it.withoutKey != null }
    }
}
