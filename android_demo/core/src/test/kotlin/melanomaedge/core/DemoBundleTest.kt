package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class DemoBundleTest {
    private val keyless = BundleVerifier(null, VolatileReleaseMemory())
    private val keyed = BundleVerifier(TestKeys.trusted.public, VolatileReleaseMemory())

    @Test
    fun `the bundle in the app is whole`() {
        val bundle = keyless.verify(MemoryFiles(DemoBundle.files))
        assertFalse(bundle.signed)
        assertTrue(bundle.manifest.synthetic)
        assertEquals((1..8).toSet(), bundle.golden.vectors.map { it.orientation }.toSet())
        assertEquals(setOf("jpeg", "png"), bundle.golden.vectors.map { it.format }.toSet())
        assertTrue(bundle.golden.vectors.all { maxOf(it.width, it.height) >= 1000 })
        assertTrue(keyed.verify(MemoryFiles(DemoBundle.signed)).signed)
    }

    @Test
    fun `the fixtures zip as Python does`() {
        val zip = ZipForge.zip(DemoBundle.files)
        assertEquals(DemoBundle.file.length(), zip.size.toLong())
        assertArrayEquals(DemoBundle.file.readBytes(), zip)
    }

    @Test
    fun `the fixtures repair as Python writes`() {
        val repaired = BundleForge(DemoBundle.files).repair().files
        for ((name, bytes) in DemoBundle.files.filterKeys { it.endsWith(".json") }) {
            assertEquals(Json.parse(bytes, name), Json.parse(repaired.getValue(name), name))
        }
    }

    @Test
    fun `tampered, it is refused as the toy is`() {
        for (case in Tampered.cases(DemoBundle.signed)) {
            val zip = case.zip
            assertEquals(case.withKey, case.refusal(TestKeys.trusted.public, zip), case.name)
            assertEquals(case.withoutKey, case.refusal(null, zip), case.name)
        }
    }
}
