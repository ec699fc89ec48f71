package melanomaedge.engine

import melanomaedge.core.Orientation
import melanomaedge.core.Picture
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.Upright
import melanomaedge.engine.jvm.JVM_DECODER
import melanomaedge.engine.jvm.OrtEngine
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertDoesNotThrow
import org.junit.jupiter.api.assertThrows
import java.io.IOException

class SelfCheckTest {
    private val bundle = Fixtures.bundle

    private fun miss(engine: LesionEngine, decoder: PhotoDecoder? = null): String = engine.use {
        val error = assertThrows<Refused> { SelfCheck(bundle, it).run(decoder) }
        assertEquals(Reason.GOLDEN_MISS, error.reason)
        error.detail
    }

    @Test
    fun `every runtime passes the app's own bundle, photos included`() {
        for (kernels in Kernels.values()) TfliteEngine(bundle, kernels).use { SelfCheck(bundle, it).run(JVM_DECODER) }
        OrtEngine(bundle).use { SelfCheck(bundle, it).run(JVM_DECODER) }
    }

    @Test
    fun `a probability that differs by more than the tolerance is a miss, and by less is none`() {
        val nudged = { by: Double ->
            Spoiled(TfliteEngine(bundle), output = { it.apply { this[1] += by.toFloat(); this[2] -= by.toFloat() } })
        }
        assertTrue("differs by" in miss(nudged(1.5 * bundle.golden.tolerance)))
        nudged(0.5 * bundle.golden.tolerance).use { assertDoesNotThrow { SelfCheck(bundle, it).run() } }
    }

    @Test
    fun `answers that are NaN, of other runtimes or fewer are misses`() {
        assertTrue("differs by NaN" in miss(Spoiled(TfliteEngine(bundle), output = { it.apply { fill(Float.NaN) } })))
        assertTrue("no answers of other" in miss(PretendEngine("other") { Answer(FloatArray(1), null, null) }))
        assertTrue("instead of" in miss(Spoiled(TfliteEngine(bundle), output = { it.copyOf(it.size - 1) })))
    }

    @Test
    fun `an engine that fails is a miss, and names what computes`() {
        val detail = miss(PretendEngine { throw EngineFailure("kernel missing") })
        assertTrue("the engine fails" in detail && "delegate pretended" in detail, detail)
    }

    @Test
    fun `a photo that is not decoded as Pillow decodes it is a miss`() {
        val decode = { file: ByteArray -> JVM_DECODER.decode(file) }
        val unturned = PhotoDecoder { Shot(decode(it).picture, Orientation.UPRIGHT) }
        val mirrored = PhotoDecoder { Shot(Upright(decode(it).picture, Orientation.MIRRORED), decode(it).orientation) }
        val swapped = PhotoDecoder { Shot(Swapped(decode(it).picture), decode(it).orientation) }
        val brighter = PhotoDecoder { Shot(Brighter(decode(it).picture), decode(it).orientation) }
        for (wrong in listOf(unturned, mirrored, swapped, brighter)) {
            assertTrue("pixels differ" in miss(TfliteEngine(bundle), wrong))
        }
        assertTrue("cannot be decoded" in miss(TfliteEngine(bundle), { throw IOException("no decoder") }))
    }

    private class Swapped(private val picture: Picture) : Picture by picture {
        override fun rows(top: Int, count: Int, into: IntArray) = swap(into) { picture.rows(top, count, it) }

        override fun columns(left: Int, count: Int, into: IntArray) = swap(into) { picture.columns(left, count, it) }

        private fun swap(into: IntArray, read: (IntArray) -> Unit) {
            read(into)
            for (at in into.indices) into[at] = (into[at] shl 16) or (into[at] and 0xFF00) or (into[at] shr 16 and 0xFF)
        }
    }

    private class Brighter(private val picture: Picture) : Picture by picture {
        override fun rows(top: Int, count: Int, into: IntArray) = brighten(into) { picture.rows(top, count, it) }

        override fun columns(left: Int, count: Int, into: IntArray) = brighten(into) { picture.columns(left, count, it) }

        private fun brighten(into: IntArray, read: (IntArray) -> Unit) {
            read(into)
            for (at in into.indices) into[at] = into[at] or 0x030303
        }
    }
}
