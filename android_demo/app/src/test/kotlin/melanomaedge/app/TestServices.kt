package melanomaedge.app

import java.io.ByteArrayInputStream
import java.io.File
import java.io.InputStream
import java.security.PublicKey
import java.time.Instant
import java.util.Base64
import java.util.concurrent.Executor
import melanomaedge.core.Bundle
import melanomaedge.core.BundleForge
import melanomaedge.core.Contract
import melanomaedge.core.Json
import melanomaedge.core.Manifest
import melanomaedge.core.ZipBundle
import melanomaedge.core.ZipForge
import melanomaedge.engine.Answer
import melanomaedge.engine.CamMap
import melanomaedge.engine.LesionEngine

/** Work that waits until a test lets it go on. */
internal class Held : Executor {
    private val waiting = ArrayDeque<Runnable>()

    /** Whether work is held back; else it is done at once. */
    var holding = false

    override fun execute(work: Runnable) {
        if (holding) waiting += work else work.run()
    }

    fun release() {
        holding = false
        while (waiting.isNotEmpty()) waiting.removeFirst().run()
    }
}

/** Services under a test's control; by default the demo bundle without key and an engine that says what it is told. */
internal class TestServices(
    var bundle: ByteArray = Demo.zip,
    var key: PublicKey? = null,
    var engine: (Bundle) -> LesionEngine = { FakeEngine(it) },
    override var patience: Long = 20_000L,
) : Services {
    override val background = Held()
    override val main = Executor { it.run() }
    var time: Instant = Instant.parse("2026-03-02T10:15:00Z")

    /** What the clock says; a test may let it fail. */
    var clock: () -> Instant = { time }

    override fun now(): Instant = clock()

    override fun builtIn(): InputStream = ByteArrayInputStream(bundle)

    override fun key(): ByteArray? = key?.let { pem(it).toByteArray() }

    override fun engine(bundle: Bundle): LesionEngine = engine.invoke(bundle)

    private fun pem(key: PublicKey) =
        "-----BEGIN PUBLIC KEY-----\n" + Base64.getMimeEncoder(64, byteArrayOf(10)).encodeToString(key.encoded) + "\n-----END PUBLIC KEY-----\n"
}

/** An engine that gives one class nearly everything, or does what [doing] does. */
internal class FakeEngine(
    private val bundle: Bundle,
    private val target: Double = bundle.contract.threshold / 10,
    private val map: Boolean = false,
    private val closing: () -> Unit = {},
    private val doing: () -> Unit = {},
) : LesionEngine {
    override val runtime = "litert"
    override val delegate = "XNNPACK"
    override val outputs = setOf("probabilities")

    override fun infer(pixels: ByteArray): Answer {
        doing()
        return Answer(probabilities(bundle, target), if (map) cam() else null, embedding(bundle))
    }

    override fun close() = closing()

    private fun cam(): CamMap {
        val classes = bundle.contract.classes.size
        return CamMap(5, 5, classes, FloatArray(25 * classes) { if (it % classes == 0) 4f - (it / classes - 12) * (it / classes - 12) / 20f else 0f })
    }
}

/** Returns probabilities whose target classes sum to [target]. */
internal fun probabilities(bundle: Bundle, target: Double): FloatArray {
    val contract = bundle.contract
    val others = contract.classes.size - contract.targetClasses.size
    return FloatArray(contract.classes.size) {
        (if (contract.classes[it] in contract.targetClasses) target / contract.targetClasses.size else (1 - target) / others).toFloat()
    }
}

/** Returns the embedding that nothing is foreign to, where the bundle asks for one. */
internal fun embedding(bundle: Bundle): FloatArray? =
    bundle.safeguards.outlier?.centre?.let { centre -> FloatArray(centre.size) { centre[it].toFloat() } }

/** The bundle that the app is built with, and what is made of it. */
internal object Demo {
    val zip: ByteArray by lazy { File("src/main/assets/bundle.zip").readBytes() }

    val files: Map<String, ByteArray> by lazy {
        ZipBundle.read(ByteArrayInputStream(zip)).let { read -> read.names.associateWith { read.read(it) } }
    }

    val manifest: Manifest by lazy { Manifest.read(Json.parse(files.getValue(Manifest.FILE), Manifest.FILE)) }

    val threshold: Double by lazy { Contract.read(Json.parse(files.getValue("contract.json"), "contract")).threshold }

    /** The next release of the demo bundle. */
    val newer: ByteArray by lazy { changed { put("manifest.json", "release", value = Json.of(manifest.release + 1)) } }

    /** Returns the demo bundle, changed as by one who makes all hashes fit. */
    fun changed(sign: Boolean = false, change: BundleForge.() -> Unit): ByteArray {
        val forge = BundleForge(files).apply(change).repair()
        return ZipForge.zip((if (sign) forge.sign() else forge).files)
    }
}
