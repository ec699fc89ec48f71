package melanomaedge.app

import android.content.Context
import android.os.Handler
import java.io.FileNotFoundException
import java.io.InputStream
import java.time.Instant
import java.util.concurrent.Executor
import java.util.concurrent.Executors
import melanomaedge.app.photo.PhotoFile
import melanomaedge.core.Bundle
import melanomaedge.engine.Engines
import melanomaedge.engine.LesionEngine

/** What the app takes from outside itself; tests put other things in its place. */
interface Services {
    /** Runs one thing after the other, off the main thread. */
    val background: Executor

    /** Runs on the main thread. */
    val main: Executor

    /** How long one photo may take before there is no answer, in milliseconds. */
    val patience: Long

    fun now(): Instant

    /** Opens the bundle that the app was built with. */
    fun builtIn(): InputStream

    /** Returns the key that the app was built with, or null: then bundles of anybody are taken, and called so. */
    fun key(): ByteArray?

    /** Opens an engine that answers the bundle's golden photos as it should; throws [melanomaedge.core.Refused] if none does. */
    fun engine(bundle: Bundle): LesionEngine
}

/** What the app takes on a phone. */
class PhoneServices(private val context: Context) : Services {
    override val background: Executor = Executors.newSingleThreadExecutor()
    override val main: Executor = Executor { Handler(context.mainLooper).post(it) }
    override val patience: Long = 20_000L

    override fun now(): Instant = Instant.now()

    override fun builtIn(): InputStream = context.assets.open("bundle.zip")

    override fun key(): ByteArray? = try {
        context.assets.open("trusted_key.pem").use { it.readBytes() }
    } catch (_: FileNotFoundException) {
        null
    }

    override fun engine(bundle: Bundle): LesionEngine = Engines.open(bundle, PhotoFile::decode)
}
