package melanomaedge.engine

import melanomaedge.core.BundleForge
import melanomaedge.core.BundleVerifier
import melanomaedge.core.DemoBundle
import melanomaedge.core.MemoryFiles
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.Tampered
import melanomaedge.core.TamperedBundle
import melanomaedge.core.VolatileReleaseMemory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.MethodSource

/** Bundles that only running them finds out: every hash and seal was made to fit. */
class TamperedTest {
    @Test
    fun `there are such bundles`() = assertTrue(byEngine().size >= 2)

    @ParameterizedTest
    @MethodSource("byEngine")
    fun `golden vectors refuse what the core must take`(case: TamperedBundle) {
        val bundle = Fixtures.verify(case.zip)
        assertEquals(Reason.GOLDEN_MISS, assertThrows<Refused> { Engines.open(bundle) }.reason)
    }

    @Test
    fun `another model under the same contract is refused`() {
        val forge = BundleForge(DemoBundle.files)
        val model = forge.files.getValue("model.tflite")
        val (start, end) = BundleForge.documentOf(model)
        for (at in model.indices.filter { it !in start until end && it % STEP == 0 && it > model.size / 2 }) {
            model[at] = (model[at] + 1).toByte()
        }
        forge.seal("tflite").repair()
        val bundle = BundleVerifier(null, VolatileReleaseMemory()).verify(MemoryFiles(forge.files))
        val reason = assertThrows<Refused> { Engines.open(bundle) }.reason
        assertTrue(reason in setOf(Reason.GOLDEN_MISS, Reason.MODEL_UNUSABLE), reason.code)
    }

    private companion object {
        const val STEP = 97

        @JvmStatic
        fun byEngine(): List<TamperedBundle> = Tampered.cases(DemoBundle.signed).filter { it.byEngine }
    }
}
