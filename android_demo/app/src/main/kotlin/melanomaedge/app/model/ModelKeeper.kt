package melanomaedge.app.model

import java.io.InputStream
import melanomaedge.app.Services
import melanomaedge.core.BundleVerifier
import melanomaedge.core.ReleaseMemory
import melanomaedge.core.Refused
import melanomaedge.core.TrustedKey
import melanomaedge.core.ZipBundle
import melanomaedge.engine.Assessor
import melanomaedge.engine.EngineRoom
import melanomaedge.engine.Opened

/**
 * Finds out, off the main thread, whether the bundle in use can be trusted, and installs another.
 *
 * Nothing but this class makes a [Trusted], so no photo is assessed by a model that was not verified and did not answer
 * its golden vectors. Call it and be called on the main thread.
 */
class ModelKeeper(private val services: Services, private val store: BundleStore, private val memory: ReleaseMemory) {
    private val listeners = LinkedHashSet<(ModelState) -> Unit>()

    var state: ModelState? = null
        private set

    /** Whether an offered bundle is being checked. */
    var installing = false
        private set

    /** The outcome of the last installation that nobody was told of yet. */
    private var outcome: Installed? = null

    /** Begins to check the bundle in use unless that was done or is under way. */
    fun open() {
        if (state is ModelState.Opening || state is ModelState.Ready) return
        tell(ModelState.Opening)
        services.background.execute {
            val found = attempt { ModelState.Ready(trusted(store::current)) }
            val next = found.value ?: ModelState.NotTrusted(found.refusal)
            services.main.execute { tell(next) }
        }
    }

    /** Checks an offered bundle, and uses it from then on if it is trustworthy; [take] gives the outcome. */
    fun install(offered: () -> InputStream) {
        if (installing) return
        installing = true
        services.background.execute {
            val found = attempt {
                offered().use(store::stage)
                trusted(store::staged, store::adopt)
            }
            store.discard()
            services.main.execute { finish(found) }
        }
    }

    /** Returns the outcome of an installation, once. */
    fun take(): Installed? = outcome.also { outcome = null }

    /** Calls [listener] with what is known, and whenever that changes. */
    fun listen(listener: (ModelState) -> Unit) {
        listeners += listener
        state?.let(listener)
    }

    fun forget(listener: (ModelState) -> Unit) {
        listeners -= listener
    }

    private fun finish(found: Found<Trusted>) {
        installing = false
        val model = found.value
        outcome = if (model == null) Installed.Refused(found.refusal) else Installed.Done(model)
        val before = state
        tell(if (model == null) before ?: return else ModelState.Ready(model))
        if (model != null) (before as? ModelState.Ready)?.model?.close()
    }

    private fun tell(next: ModelState) {
        state = next
        listeners.toList().forEach { it(next) }
    }

    /** Verifies, opens and tries a bundle, then does [after]; only then its release counts as one that was in use. */
    private fun trusted(zip: () -> InputStream, after: () -> Unit = {}): Trusted {
        val verifier = BundleVerifier(services.key()?.let(TrustedKey::read), memory)
        val bundle = verifier.verify(zip().use(ZipBundle::read))
        val another = { EngineRoom(services.patience) { Assessor(bundle, services.engine(bundle)) } }
        val room = another()
        return when (val opened = room.open()) {
            is Opened.Ready -> {
                after()
                verifier.accept(bundle)
                Trusted(bundle, opened.runtime, opened.delegate, room, another)
            }
            is Opened.Failed -> {
                room.close()
                throw opened.refused ?: IllegalStateException("${opened.trouble.code}: ${opened.detail}")
            }
        }
    }

    /** What went well, or why it did not. */
    private class Found<T>(val value: T?, private val why: Refusal?) {
        val refusal: Refusal get() = checkNotNull(why)
    }

    /** Whatever is thrown while a bundle is checked, it is refused. */
    private fun <T> attempt(work: () -> T): Found<T> = try {
        Found(work(), null)
    } catch (refused: Refused) {
        Found(null, Refusal(refused.reason.code, refused.detail))
    } catch (error: Throwable) {
        Found(null, Refusal(Refusal.UNEXPECTED, error.toString()))
    }
}

/** The outcome of an installation. */
sealed class Installed {
    class Done(val model: Trusted) : Installed()

    class Refused(val refusal: Refusal) : Installed()
}
