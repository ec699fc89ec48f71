package melanomaedge.core

/** Answer whether an exported model decides as its reference does. */
enum class Verdict {
    PASS,
    INCONCLUSIVE,
    FAIL;

    companion object {
        internal fun of(text: String, where: String): Verdict = values().find { it.name == text }
            ?: throw Refused(Reason.BAD_DOCUMENT, "$where: verdict must be PASS, INCONCLUSIVE or FAIL")

        /** Return a verdict with which a bundle may exist. */
        internal fun passing(text: String, where: String): Verdict = of(text, where).also {
            if (it == FAIL) throw Refused(Reason.PARITY_FAILED, "$where: the verdict is FAIL")
        }

        internal fun worst(verdicts: Iterable<Verdict>): Verdict = verdicts.maxOrNull() ?: PASS
    }
}

/** Answer one question of the gate; numbers are null where there are none. */
data class ParityCheck(
    val name: String,
    val value: Double?,
    val limit: Double?,
    val status: Verdict,
    val wouldPassAt: Double?,
    val why: String,
)

/**
 * Hold what parity found about one model file, [lesions] of the test split counted.
 *
 * [verdict] is made again of the recorded numbers when the report is read. [runtimeOptions] are settings of the runtime
 * that are not its defaults and can change what it answers.
 */
data class ParityReport(
    val run: String,
    val verdict: Verdict,
    val split: String,
    val images: Int,
    val lesions: Int,
    val melanomas: Int,
    val target: String,
    val synthetic: Boolean,
    val reference: String,
    val threshold: Double,
    val limits: Map<String, Double?>,
    val model: JudgedModel,
) {
    /** Whether the limits of the gate were not the usual ones. */
    val limitsChanged: Boolean get() = limits != USUAL

    companion object {
        const val SCHEMA = "melanoma-edge/parity/1"

        internal const val LOST = "melanomas_lost"
        private const val LESIONS_PER_LOST = 50
        private val USUAL: Map<String, Double?> = mapOf(
            "class_agreement" to 0.93,
            "decision_agreement" to 0.97,
            "sensitivity_loss" to 0.05,
            "specificity_loss" to 0.03,
            "balanced_accuracy_change" to -0.02,
            "macro_auc_change" to -0.01,
            "melanoma_auc_change" to -0.01,
            LOST to null,
            "mean_score_change" to 0.02,
            "calibration_change" to 0.03,
        )

        /** Read a report and judge again; refuses one whose words and numbers contradict each other. */
        fun read(json: Json, where: String): ParityReport {
            Fields.checkSchema(json, SCHEMA, where)
            val report = Fields.of(json, where) { report(this, where) }
            val found = Remake(where, report.allowed()).verdict(report.model.checks)
            if (found != report.verdict || found != report.model.verdict) {
                throw Refused(Reason.PARITY_MISMATCH, "$where: says ${report.verdict}, its numbers say $found")
            }
            return report
        }

        private fun report(fields: Fields, where: String): ParityReport {
            fields.text("schema")
            fields.int("resamples")
            fields.int("seed")
            val models = fields.list("artifacts") { item, at -> JudgedModel.read(item, at) }
            if (models.size != 1) throw Refused(Reason.PARITY_MISMATCH, "$where: judges ${models.size} models, not one")
            return ParityReport(
                run = fields.text("run"),
                verdict = Verdict.of(fields.text("verdict"), where),
                split = fields.text("split"),
                images = fields.int("images"),
                lesions = fields.int("groups"),
                melanomas = fields.int("melanomas"),
                target = fields.text("target"),
                synthetic = fields.flag("synthetic"),
                reference = fields.sha256("reference"),
                threshold = fields.number("threshold"),
                limits = fields.nested("limits") { USUAL.keys.associateWith { key -> orNull(key) { number(it) } } },
                model = models.single(),
            )
        }

        private fun ParityReport.allowed(): Map<String, Double> = limits.mapValues { (name, limit) ->
            limit ?: if (name == LOST) maxOf(1, melanomas / LESIONS_PER_LOST).toDouble() else Double.NaN
        }
    }
}

/** Hold the verdict on one model file. */
data class JudgedModel(
    val path: String,
    val sha256: String,
    val bytes: Int,
    val format: String,
    val precision: String,
    val runtime: String,
    val runtimeOptions: Map<String, String>,
    val verdict: Verdict,
    val checks: List<ParityCheck>,
) {
    internal companion object {
        private val HEADLINES = listOf(
            "accuracy", "balanced_accuracy", "macro_auc", "melanoma_auc", "sensitivity", "specificity", "brier", "ece",
        )

        fun read(json: Json, where: String): JudgedModel = Fields.of(json, where) {
            nested("float") { headlines(this) }
            orNull("exported") { key -> nested(key) { headlines(this) } }
            list("flips") { item, at -> Fields.of(item, at) { flip(this) } }
            JudgedModel(
                path = text("path"),
                sha256 = sha256("sha256"),
                bytes = int("bytes"),
                format = text("format"),
                precision = text("precision"),
                runtime = text("runtime"),
                runtimeOptions = map("runtime_options") { item, at -> Fields.text(item, at) },
                verdict = Verdict.of(text("verdict"), where),
                checks = list("checks") { item, at -> Fields.of(item, at) { check(this, at) } },
            )
        }

        private fun check(fields: Fields, where: String) = ParityCheck(
            name = fields.text("name"),
            value = fields.orNull("value") { number(it) },
            limit = fields.orNull("limit") { number(it) },
            status = Verdict.of(fields.text("status"), where),
            wouldPassAt = fields.orNull("would_pass_at") { number(it) },
            why = fields.text("why"),
        )

        private fun headlines(fields: Fields) {
            for (name in HEADLINES) {
                fields.orNull(name) { key -> nested(key) { listOf("value", "low", "high").forEach { number(it) } } }
            }
        }

        private fun flip(fields: Fields) {
            listOf("image_id", "group", "label", "float_class", "exported_class").forEach { fields.text(it) }
            listOf("float_score", "exported_score").forEach { fields.number(it) }
            fields.flag("melanoma_lost")
        }
    }
}

/**
 * Judge again what a report recorded: every check of the gate must be there, at the report's limits, with the status
 * that its own numbers give.
 */
internal class Remake(private val where: String, private val allowed: Map<String, Double>) {
    fun verdict(checks: List<ParityCheck>): Verdict {
        val names = checks.map { it.name }
        val found = Verdict.worst(checks.map { it.status })
        val all = SOUND + allowed.keys
        if (names.toSet().size != names.size || found != Verdict.FAIL && names.toSet() != all) {
            throw Refused(Reason.PARITY_MISMATCH, "$where: checks left out, unknown or given twice")
        }
        checks.find { !fits(it) }?.let {
            throw Refused(Reason.PARITY_MISMATCH, "$where: check ${it.name} contradicts its own numbers")
        }
        return found
    }

    private fun fits(check: ParityCheck): Boolean {
        val sound = check.name in SOUND
        val number = if (sound) check.value else check.wouldPassAt
        if (!sound && check.limit != allowed[check.name]) return false
        if (number == null || check.limit == null) return sound || check.status == Verdict.INCONCLUSIVE
        val within = if (check.name in AT_LEAST) number >= check.limit else number <= check.limit
        return within == (check.status == Verdict.PASS)
    }

    private companion object {
        val SOUND = setOf("finite_outputs", "constant_output", "labels_match", "shape_match")
        val AT_LEAST = setOf(
            "class_agreement", "decision_agreement", "constant_output",
            "balanced_accuracy_change", "macro_auc_change", "melanoma_auc_change",
        )
    }
}
