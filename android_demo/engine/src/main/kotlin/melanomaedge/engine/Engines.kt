package melanomaedge.engine

import melanomaedge.core.Bundle
import melanomaedge.core.Reason
import melanomaedge.core.Refused

/** Open the engine that a phone uses, proved by the bundle's golden vectors. */
object Engines {
    private val CURABLE = setOf(Reason.GOLDEN_MISS, Reason.MODEL_UNUSABLE)

    /**
     * Open the TFLite model with XNNPACK, or with the library's own kernels where only those give the right answers.
     *
     * The latter are slower; [LesionEngine.delegate] then says what XNNPACK got wrong.
     *
     * @param decoder as for [SelfCheck.run].
     * @param maker opens a model; other than the default only to pretend faults.
     * @throws Refused when neither gives the bundle's own answers.
     */
    fun open(
        bundle: Bundle,
        decoder: PhotoDecoder? = null,
        maker: (Kernels) -> LesionEngine = { TfliteEngine(bundle, it) },
    ): LesionEngine {
        val refused = try {
            return checked(bundle, decoder) { maker(Kernels.XNNPACK) }
        } catch (error: Refused) {
            error
        }
        if (refused.reason !in CURABLE) throw refused
        try {
            val plain = checked(bundle, decoder) { maker(Kernels.PLAIN) }
            return Fallback(plain, "${plain.delegate}, since XNNPACK was refused: ${refused.detail}")
        } catch (error: Refused) {
            refused.addSuppressed(error)
            throw refused
        }
    }

    /** Return an engine that passed the self-check; one that did not is closed. */
    fun checked(bundle: Bundle, decoder: PhotoDecoder? = null, open: () -> LesionEngine): LesionEngine {
        val engine = open()
        try {
            SelfCheck(bundle, engine).run(decoder)
        } catch (error: Throwable) {
            engine.close()
            throw error
        }
        return engine
    }

    private class Fallback(engine: LesionEngine, override val delegate: String) : LesionEngine by engine
}
