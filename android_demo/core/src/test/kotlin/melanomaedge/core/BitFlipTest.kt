package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.IntRange
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Test
import java.util.Random

class BitFlipTest {
    private val good = ToyBundle.files()
    private val keyed = BundleVerifier(TestKeys.trusted.public, VolatileReleaseMemory())
    private val keyless = BundleVerifier(null, VolatileReleaseMemory())

    private fun refusal(files: BundleFiles, verifier: BundleVerifier): Reason? = try {
        verifier.verify(files)
        null
    } catch (refused: Refused) {
        refused.reason
    }

    @Test
    fun `every byte of the manifest counts for the signature`() {
        for (at in good.getValue("manifest.json").indices) assertRefused("manifest.json", 8 * at + at % 8)
    }

    @Test
    fun `every byte of the other documents counts without a signature too`() {
        for (name in good.keys.filter { it.endsWith(".json") && it != "manifest.json" }) {
            for (at in good.getValue(name).indices) assertRefused(name, 8 * at + at % 8, keyless)
        }
    }

    @Test
    fun `every single bit of the signature counts`() {
        for (bit in 0 until 8 * good.getValue("manifest.sig").size) assertRefused("manifest.sig", bit)
    }

    @Test
    fun `bits of all other files count`() {
        val random = Random(1)
        for (name in good.keys) repeat(40) { assertRefused(name, random.nextInt(8 * good.getValue(name).size)) }
    }

    @Property(tries = 2000)
    fun `a zip with one bit changed is refused, or holds the same files`(
        @ForAll @IntRange(min = 0, max = 7) bit: Int,
        @ForAll place: Int,
    ) {
        val at = Math.floorMod(place, zip.size)
        val bytes = zip.copyOf().also { it[at] = flip(it[at], bit) }
        try {
            val files = ZipBundle.read(bytes.inputStream())
            for (name in files.names) assertEquals(sha256(good.getValue(name)), sha256(files.read(name)))
            assertEquals(good.keys.sorted(), files.names)
        } catch (refused: Refused) {
            assertNotNull(refused.detail)
        }
    }

    private val zip = ZipForge.zip(good)

    private fun assertRefused(name: String, bit: Int, verifier: BundleVerifier = keyed) {
        val bytes = good.getValue(name).copyOf()
        bytes[bit / 8] = flip(bytes[bit / 8], bit % 8)
        assertNotNull(refusal(MemoryFiles(good + (name to bytes)), verifier), "bit $bit of $name")
    }

    private fun flip(byte: Byte, bit: Int): Byte = (byte.toInt() xor (1 shl bit)).toByte()
}
