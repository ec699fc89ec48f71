package melanomaedge.engine

import melanomaedge.core.Reason
import melanomaedge.core.Refused
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class EnginesTest {
    private val bundle = Fixtures.bundle

    private fun wrong() = PretendEngine.of(*Fixtures.probabilities(0.5))

    @Test
    fun `XNNPACK is taken where it gives the right answers`() {
        Engines.open(bundle).use {
            assertEquals("litert", it.runtime)
            assertTrue(it.delegate.startsWith("XNNPACK ("), it.delegate)
        }
    }

    @Test
    fun `plain kernels are taken where only XNNPACK misses, and the delegate says why`() {
        val missing = wrong()
        val engine = Engines.open(bundle) { if (it == Kernels.XNNPACK) missing else TfliteEngine(bundle, it) }
        assertTrue(missing.closed)
        assertEquals("litert-plain", engine.runtime)
        val words = "none, since XNNPACK was refused: golden vector 01 on litert"
        assertTrue(engine.delegate.startsWith(words), engine.delegate)
        engine.use { SelfCheck(bundle, it).run() }
        assertThrows<EngineFailure> { engine.infer(Fixtures.pixels) }
    }

    @Test
    fun `a bundle that both kernels miss is refused for what XNNPACK got wrong`() {
        val made = ArrayList<PretendEngine>()
        val error = assertThrows<Refused> { Engines.open(bundle) { wrong().also { made.add(it) } } }
        assertEquals(Reason.GOLDEN_MISS, error.reason)
        assertEquals(listOf(true, true), made.map { it.closed })
        assertEquals(1, error.suppressed.size)
    }

    @Test
    fun `a model that XNNPACK cannot open is tried with plain kernels`() {
        val broken = Refused(Reason.MODEL_UNUSABLE, "no delegate")
        val engine = Engines.open(bundle) { if (it == Kernels.XNNPACK) throw broken else TfliteEngine(bundle, it) }
        engine.use { assertTrue("no delegate" in it.delegate) }
    }

    @Test
    fun `other refusals are not argued with`() {
        val refused = Refused(Reason.BROKEN_SEAL, "changed")
        assertSame(refused, assertThrows<Refused> { Engines.open(bundle) { throw refused } })
    }

    @Test
    fun `an engine that fails its check in any way is closed`() {
        val engine = PretendEngine { throw OutOfMemoryError() }
        assertThrows<OutOfMemoryError> { Engines.checked(bundle) { engine } }
        assertTrue(engine.closed)
    }
}
