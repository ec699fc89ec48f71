package melanomaedge.core

/** Hold the size and hash of one file of a bundle. */
data class FileEntry(val sha256: String, val bytes: Int)

/** Name one model file of a bundle. */
data class Artifact(val path: String, val precision: String, val sha256: String, val bytes: Int)

/**
 * State what a bundle holds and what was found about it.
 *
 * [lesions] and [melanomas] count what parity was judged on; with [limitsChanged] its limits were not the usual ones.
 * [chain] goes from the catalog to the parity reports by sha256, [chainSha256] closes it. [artifacts] has the keys
 * `tflite` and, where the bundle has one, `onnx`. [files] is every file but the manifest and its signature.
 */
data class Manifest(
    val name: String,
    val release: Int,
    val tool: String,
    val synthetic: Boolean,
    val target: String,
    val verdict: Verdict,
    val limitsChanged: Boolean,
    val lesions: Int,
    val melanomas: Int,
    val artifacts: Map<String, Artifact>,
    val safeguards: Safeguards,
    val chain: Map<String, String>,
    val chainSha256: String,
    val files: Map<String, FileEntry>,
) {
    companion object {
        const val SCHEMA = "melanoma-edge/bundle/1"
        const val FILE = "manifest.json"
        const val SIGNATURE = "manifest.sig"

        private val FORMATS = listOf("tflite", "onnx")
        private val LINKS = listOf(
            "catalog", "weights", "reference", "contract", "tflite", "parity_tflite", "onnx", "parity_onnx",
        )
        private val BYTES = 0..Limits.FILE_BYTES

        /** Read a manifest; refuses another schema, unknown or missing keys, and a verdict of FAIL. */
        fun read(json: Json, where: String = FILE): Manifest {
            Fields.checkSchema(json, SCHEMA, where)
            return Fields.of(json, where) { manifest(this, where) }
        }

        private fun manifest(fields: Fields, where: String): Manifest {
            fields.text("schema")
            val artifacts = fields.nested("artifacts") { artifacts(this) }
            val chain = fields.nested("chain") { links("onnx" in artifacts) }
            return Manifest(
                name = fields.text("name"),
                release = fields.int("release", 1..Int.MAX_VALUE),
                tool = fields.text("tool"),
                synthetic = fields.flag("synthetic"),
                target = fields.oneOf("target", Contract.TARGETS),
                verdict = Verdict.passing(fields.text("verdict"), where),
                limitsChanged = fields.flag("limits_changed"),
                lesions = fields.int("lesions"),
                melanomas = fields.int("melanomas"),
                artifacts = artifacts,
                safeguards = Safeguards.read(fields.value("safeguards"), "$where.safeguards"),
                chain = chain - "sha256",
                chainSha256 = chain.getValue("sha256"),
                files = fields.map("files") { item, at -> Fields.of(item, at) { entry(this) } },
            )
        }

        private fun entry(fields: Fields) = FileEntry(fields.sha256("sha256"), fields.int("bytes", BYTES))

        private fun artifacts(fields: Fields): Map<String, Artifact> =
            FORMATS.filter { it == "tflite" || fields.has(it) }.associateWith { format ->
                fields.nested(format) {
                    val path = oneOf("path", listOf("model.$format"))
                    Artifact(path, text("precision"), sha256("sha256"), int("bytes", BYTES))
                }
            }

        /** Return the links of the chain in the order in which they are hashed, then `sha256`. */
        private fun Fields.links(onnx: Boolean): Map<String, String> =
            (LINKS.filter { onnx || !it.endsWith("onnx") } + "sha256").associateWith { sha256(it) }
    }
}
