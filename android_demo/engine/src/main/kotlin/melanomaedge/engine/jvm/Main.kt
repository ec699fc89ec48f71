package melanomaedge.engine.jvm

import melanomaedge.core.Bundle
import melanomaedge.core.BundleFiles
import melanomaedge.core.BundleVerifier
import melanomaedge.core.FolderBundle
import melanomaedge.core.Json
import melanomaedge.core.Orientation
import melanomaedge.core.Photo
import melanomaedge.core.Refused
import melanomaedge.core.State
import melanomaedge.core.TrustedKey
import melanomaedge.core.VolatileReleaseMemory
import melanomaedge.core.ZipBundle
import melanomaedge.core.sha256
import melanomaedge.engine.Assessment
import melanomaedge.engine.Assessor
import melanomaedge.engine.Engines
import melanomaedge.engine.LesionEngine
import melanomaedge.engine.PhotoDecoder
import melanomaedge.engine.Shot
import melanomaedge.engine.TfliteEngine
import melanomaedge.engine.Timings
import java.io.File
import java.io.IOException
import kotlin.system.exitProcess

/** Assess pictures with a bundle, as a service on a JVM would; see [Command.USAGE]. */
fun main(arguments: Array<String>): Unit = exitProcess(run(arguments))

private const val USAGE_ERROR = 2
private const val NOT_TRUSTED = 7
private const val NOT_READABLE = 3

/** Decode as a JVM does: orientation and refusals by core, pixels by the JVM's decoders. */
internal val JVM_DECODER = PhotoDecoder { file ->
    val found = Photo.inspect(file)
    Shot(JvmPicture.decode(file), found.orientation)
}

internal fun run(arguments: Array<String>): Int {
    val command = try {
        Command.of(arguments)
    } catch (error: IllegalArgumentException) {
        return complain("${error.message}\n${Command.USAGE}", USAGE_ERROR)
    }
    return try {
        val bundle = openBundle(command)
        if (command.bench) Bench(bundle, command).print(System.out) else assessAll(bundle, command)
    } catch (error: Refused) {
        complain("refused: ${error.message}", NOT_TRUSTED)
    } catch (error: IOException) {
        complain("${error.message}", NOT_READABLE)
    }
}

private fun complain(text: String, code: Int): Int {
    System.err.println(text)
    return code
}

internal fun openBundle(command: Command): Bundle {
    val key = command.key?.let { TrustedKey.read(it.readBytes()) }
    return BundleVerifier(key, VolatileReleaseMemory()).verify(readFiles(command.bundle))
}

private fun readFiles(place: File): BundleFiles =
    if (place.isDirectory) FolderBundle.read(place) else place.inputStream().use { ZipBundle.read(it) }

/** Open what was chosen and let it prove itself. */
internal fun openEngine(bundle: Bundle, choice: EngineChoice): LesionEngine = when (choice) {
    EngineChoice.TFLITE -> Engines.open(bundle, JVM_DECODER)
    EngineChoice.PLAIN, EngineChoice.ONNX -> Engines.checked(bundle, JVM_DECODER) { unchecked(bundle, choice) }
}

/** Open what was chosen, as it is. */
internal fun unchecked(bundle: Bundle, choice: EngineChoice): LesionEngine =
    choice.kernels?.let { TfliteEngine(bundle, it) } ?: OrtEngine(bundle)

/** Decode a file of the command line. */
internal fun decode(file: File): Shot =
    if (file.extension == "ppm") Shot(PpmPicture(file), Orientation.UPRIGHT) else JVM_DECODER.decode(file.readBytes())

private fun assessAll(bundle: Bundle, command: Command): Int {
    Assessor(bundle, openEngine(bundle, command.engine)).use { assessor ->
        command.pixelsOut?.mkdirs()
        command.files.forEachIndexed { place, file ->
            val found = assessor.assess { decode(file) }
            println(line(bundle, file, found).write(indented = false))
            command.pixelsOut?.let { folder -> found.pixels?.let { File(folder, name(place)).writeBytes(it) } }
        }
    }
    return 0
}

private fun name(place: Int): String = String.format(java.util.Locale.ROOT, "%04d.rgb", place + 1)

private fun line(bundle: Bundle, file: File, found: Assessment): Json = Json.of(
    "file" to Json.of(file.path),
    "state" to Json.of(found.state.code),
    "trouble" to text(found.trouble?.code),
    "detail" to text(found.detail),
    "decision" to text(found.score?.let { if (bundle.contract.refers(it)) State.REFER.code else State.NO_SIGN.code }),
    "score" to number(found.score),
    "probabilities" to probabilities(bundle.contract.classes, found.probabilities),
    "findings" to Json.Array(found.findings.map { Json.Text(it.code) }),
    "pixels_sha256" to text(found.pixels?.let(::sha256)),
    "milliseconds" to times(found.timings),
    "runtime" to text(found.runtime),
    "delegate" to text(found.delegate),
)

private fun probabilities(classes: List<String>, values: FloatArray?): Json {
    if (values == null) return Json.Null
    return Json.Object(classes.indices.associate { classes[it] to number(values[it].toDouble()) })
}

private fun times(found: Timings): Json = Json.of(
    "decode" to number(found.decode),
    "quality" to number(found.quality),
    "pixels" to number(found.pixels),
    "inference" to number(found.inference),
)

private fun text(value: String?): Json = if (value == null) Json.Null else Json.Text(value)

private fun number(value: Double?): Json = if (value == null) Json.Null else Json.of(value)
