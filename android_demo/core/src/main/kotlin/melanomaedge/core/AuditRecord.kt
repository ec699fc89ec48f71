package melanomaedge.core

/**
 * Hold what was decided, on what and by what, without image and without identity.
 *
 * [time] is ISO 8601 in UTC; [inputSha256] is of the photo's file, so that whoever has the photo can tell that it was
 * this one. [score] is null where no score was given. [signed] and [synthetic] are the bundle's.
 */
data class AuditRecord(
    val time: String,
    val bundleName: String,
    val release: Int,
    val bundleSha256: String,
    val signed: Boolean,
    val synthetic: Boolean,
    val modelSha256: String,
    val inputSha256: String,
    val state: State,
    val score: Double?,
    val threshold: Double,
    val findings: List<Finding>,
    val runtime: String,
) {
    init {
        require(TIME.matches(time)) { "time must be ISO 8601 in UTC" }
        require(isSha256(inputSha256)) { "the input's hash must be a sha256" }
    }

    /** Return the record as JSON. */
    fun toJson(): Json = Json.of(
        "schema" to Json.of(SCHEMA),
        "time" to Json.of(time),
        "bundle_name" to Json.of(bundleName),
        "release" to Json.of(release),
        "bundle_sha256" to Json.of(bundleSha256),
        "signed" to Json.Flag(signed),
        "synthetic" to Json.Flag(synthetic),
        "model_sha256" to Json.of(modelSha256),
        "input_sha256" to Json.of(inputSha256),
        "state" to Json.of(state.code),
        "score" to (score?.let { Json.of(it) } ?: Json.Null),
        "threshold" to Json.of(threshold),
        "findings" to Json.of(findings.map { Json.of(it.code) }),
        "runtime" to Json.of(runtime),
    )

    companion object {
        const val SCHEMA = "melanoma-edge/audit/1"

        private val TIME = Regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\\.[0-9]{3})?Z")

        /** Return the record of a decision by one of a bundle's models, `tflite` or `onnx`. */
        fun of(
            time: String,
            bundle: Bundle,
            format: String,
            runtime: String,
            inputSha256: String,
            decision: Decision,
        ): AuditRecord = AuditRecord(
            time = time,
            bundleName = bundle.manifest.name,
            release = bundle.manifest.release,
            bundleSha256 = bundle.sha256,
            signed = bundle.signed,
            synthetic = bundle.manifest.synthetic,
            modelSha256 = bundle.manifest.artifacts.getValue(format).sha256,
            inputSha256 = inputSha256,
            state = decision.state,
            score = decision.score,
            threshold = bundle.contract.threshold,
            findings = decision.findings,
            runtime = runtime,
        )

        /** Read a record that [toJson] wrote; refuses anything else. */
        fun read(json: Json, where: String): AuditRecord {
            Fields.checkSchema(json, SCHEMA, where)
            try {
                return Fields.of(json, where) { record(this, where) }
            } catch (error: IllegalArgumentException) {
                throw Refused(Reason.BAD_DOCUMENT, "$where: ${error.message}", error)
            }
        }

        private fun record(fields: Fields, where: String): AuditRecord {
            fields.text("schema")
            return AuditRecord(
                time = fields.text("time"),
                bundleName = fields.text("bundle_name"),
                release = fields.int("release"),
                bundleSha256 = fields.sha256("bundle_sha256"),
                signed = fields.flag("signed"),
                synthetic = fields.flag("synthetic"),
                modelSha256 = fields.sha256("model_sha256"),
                inputSha256 = fields.sha256("input_sha256"),
                state = State.of(fields.text("state")) ?: unknown(where, "state"),
                score = fields.orNull("score") { number(it) },
                threshold = fields.number("threshold"),
                findings = fields.texts("findings").map { Finding.of(it) ?: unknown(where, "finding") },
                runtime = fields.text("runtime"),
            )
        }

        private fun unknown(where: String, what: String): Nothing =
            throw Refused(Reason.BAD_DOCUMENT, "$where: unknown $what")
    }
}
