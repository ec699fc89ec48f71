package melanomaedge.app

import android.app.Application
import java.io.File
import melanomaedge.app.check.Checks
import melanomaedge.app.files.Handover
import melanomaedge.app.history.History
import melanomaedge.app.home.Settings
import melanomaedge.app.model.BundleStore
import melanomaedge.app.model.ModelKeeper
import melanomaedge.core.FileReleaseMemory

/** What lives as long as the process: the trusted model, the photo being checked, the answers. */
class MelanomaApp : Application() {
    /** Tests put their own here before the first screen opens. */
    internal var services: Services = PhoneServices(this)

    internal val settings by lazy { Settings(this) }
    internal val history by lazy { History(File(noBackupFilesDir, "history.jsonl")) }
    internal val checks by lazy { Checks(services, history, contentResolver) { Handover.CAMERA.sweep(this) } }
    internal val models by lazy { newKeeper() }

    /** Returns a keeper that knows only what this device has stored. */
    internal fun newKeeper(): ModelKeeper {
        val store = BundleStore(File(noBackupFilesDir, "bundle"), services::builtIn)
        return ModelKeeper(services, store, FileReleaseMemory(File(noBackupFilesDir, "releases.json")))
    }

    /** Deletes what an earlier run left behind: photos, and exports that have had the time to be read. */
    internal fun sweep() {
        if (!checks.running) Handover.CAMERA.sweep(this)
        Handover.EXPORT.sweep(this, before = services.now().toEpochMilli() - EXPORTS_KEPT)
    }

    private companion object {
        const val EXPORTS_KEPT = 10 * 60 * 1000L
    }
}
