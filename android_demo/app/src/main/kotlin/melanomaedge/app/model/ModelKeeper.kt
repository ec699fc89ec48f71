package melanomaedge.app.model

import java.io.InputStream
import melanomaedge.app.Services
import melanomaedge.core.Bundle
import melanomaedge.core.BundleVerifier
import melanomaedge.core.Reason
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
            val found = attempt(::best)
            val next = found.value?.let { ModelState.Ready(it) } ?: ModelState.NotTrusted(found.refusal)
            services.main.execute { tell(next) }
        }
    }

    /**
     * Checks an offered bundle, and uses it from then on if it is trustworthy; [take] gives the outcome.
     * Returns false, and does nothing, while another one is being checked.
     */
    fun install(offered: () -> InputStream): Boolean {
        if (installing) return false
        installing = true
        state?.let(::tell)
        services.background.execute {
            val found = attempt {
                offered().use(store::stage)
                trusted(verified(store::staged), store::adopt)
            }
            store.discard()
            services.main.execute { finish(found) }
        }
        return true
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

    /**
     * Returns the installed bundle or the built-in one: the newer release of a name, else the installed one; the other
     * where that is refused. Where both are, that one of them is only older is not the reason that helps.
     */
    private fun best(): Trusted {
        val read = store.bundles().map { attempt { verified(it) } }
        val refusals = ArrayList<Throwable>()
        for (found in if (builtInIsNewer(read.map { it.value })) read.reversed() else read) {
            val tried = found.value?.let { attempt { trusted(it) } }
            tried?.value?.let { return it }
            refusals += checkNotNull((tried ?: found).error)
        }
        throw refusals.find { it !is Refused || it.reason != Reason.OLDER_RELEASE } ?: refusals.first()
    }

    private fun builtInIsNewer(bundles: List<Bundle?>): Boolean {
        val installed = bundles.first()?.manifest ?: return false
        val builtIn = bundles.last()?.manifest ?: return false
        return installed.name == builtIn.name && builtIn.release > installed.release
    }

    private fun verifier() = BundleVerifier(services.key()?.let(TrustedKey::read), memory)

    private fun verified(zip: () -> InputStream): Bundle = verifier().verify(zip().use(ZipBundle::read))

    /** Opens and tries a bundle, then lets [adopt] accept its release: only then it counts as one that was in use. */
    private fun trusted(bundle: Bundle, adopt: (accept: () -> Unit) -> Unit = { it() }): Trusted {
        val another = { EngineRoom(services.patience) { Assessor(bundle, services.engine(bundle)) } }
        val room = another()
        try {
            val opened = when (val opened = room.open()) {
                is Opened.Ready -> opened
                is Opened.Failed -> throw opened.refused ?: IllegalStateException("${opened.trouble.code}: ${opened.detail}")
            }
            adopt { verifier().accept(bundle) }
            return Trusted(bundle, opened.runtime, opened.delegate, room, another)
        } catch (error: Throwable) {
            room.close()
            throw error
        }
    }

    /** What went well, or why it did not. */
    private class Found<T>(val value: T?, val error: Throwable?) {
        val refusal: Refusal
            get() = if (error is Refused) Refusal(error.reason.code, error.detail) else Refusal(Refusal.UNEXPECTED, "$error")
    }

    /** Whatever is thrown while a bundle is checked, it is refused. */
    private fun <T> attempt(work: () -> T): Found<T> = try {
        Found(work(), null)
    } catch (error: Throwable) {
        Found(null, error)
    }
}

/** The outcome of an installation. */
sealed class Installed {
    class Done(val model: Trusted) : Installed()

    class Refused(val refusal: Refusal) : Installed()
}
