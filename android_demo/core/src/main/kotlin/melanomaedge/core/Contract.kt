package melanomaedge.core

import kotlin.math.abs

/** Hold the threshold frozen on validation, and what it can claim. */
data class OperatingPoint(
    val threshold: Double,
    val targetSensitivity: Double,
    val positives: Int,
    val misses: Int,
    val certified: Boolean,
)

/** Say where weights come from, by hash. */
data class Provenance(
    val tool: String,
    val method: String,
    val sources: List<String>,
    val licences: List<String>,
    val synthetic: Boolean,
    val catalogSha256: String,
    val weightsSha256: String,
    val referenceSha256: String,
)

/**
 * State what a model takes, what it answers and how the answer becomes a decision.
 *
 * [classes] is the order of the outputs. The graph takes raw pixel values 0 to 255; the temperature lies in the graph
 * and is applied nowhere else. Reading refuses every pixel recipe but the one that this code carries out.
 */
data class Contract(
    val name: String,
    val classes: List<String>,
    val target: String,
    val targetClasses: List<String>,
    val melanomaClasses: List<String>,
    val malignantClasses: List<String>,
    val classPrior: List<Double>,
    val inputSize: Int,
    val imageTypes: List<String>,
    val temperature: Double,
    val operatingPoint: OperatingPoint,
    val intendedUse: String,
    val provenance: Provenance,
    val safeguards: Safeguards?,
) {
    /** The target score from which a lesion is referred. */
    val threshold: Double get() = operatingPoint.threshold

    private val targetColumns = targetClasses.map { classes.indexOf(it) }.toIntArray()

    /**
     * Return the sum of the probabilities of [targetClasses], in their order, in double: to the bit what Python has.
     *
     * [probabilities] holds one value per class.
     */
    fun targetScore(probabilities: FloatArray): Double = targetScore { probabilities[it].toDouble() }

    internal fun targetScore(probability: (Int) -> Double): Double {
        var sum = 0.0
        for (column in targetColumns) sum += probability(column)
        return sum
    }

    /** Tell whether a target score is referred. */
    fun refers(score: Double): Boolean = score >= threshold

    companion object {
        const val SCHEMA = "melanoma-edge/contract/1"
        val TARGETS = listOf("melanoma", "malignant")

        private const val LARGEST_INPUT = 1024
        private const val MOST_CLASSES = 1000
        private const val CLOSE = 1e-6
        private val RECIPE = mapOf(
            "version" to Json.Number("1"),
            "orientation" to Json.Text("exif"),
            "colour" to Json.Text("srgb"),
            "channels" to Json.Text("rgb"),
            "crop" to Json.Text("centre-square"),
            "resize" to Json.Text("pillow-bilinear"),
        )
        private val RANGE = Json.Array(listOf(Json.Number("0"), Json.Number("255")))

        /** Read a contract; refuses another schema, unknown or missing keys, and contradictions. */
        fun read(json: Json, where: String = "contract"): Contract {
            Fields.checkSchema(json, SCHEMA, where)
            val contract = Fields.of(json, where) { contract(this, where) }
            val problem = problem(contract) ?: return contract
            throw Refused(Reason.BAD_DOCUMENT, "$where: $problem")
        }

        private fun contract(fields: Fields, where: String): Contract {
            fields.text("schema")
            if (fields.value("input_range") != RANGE) throw Refused(Reason.BAD_DOCUMENT, "$where: input range unknown")
            if (fields.value("pixels") != Json.Object(RECIPE)) {
                throw Refused(Reason.BAD_DOCUMENT, "$where: pixel recipe unknown to this version")
            }
            return Contract(
                name = fields.text("name"),
                classes = fields.texts("classes"),
                target = fields.oneOf("target", TARGETS),
                targetClasses = fields.texts("target_classes"),
                melanomaClasses = fields.texts("melanoma_classes"),
                malignantClasses = fields.texts("malignant_classes"),
                classPrior = fields.numbers("class_prior"),
                inputSize = fields.int("input_size", 1..LARGEST_INPUT),
                imageTypes = fields.texts("image_types"),
                temperature = fields.number("temperature"),
                operatingPoint = fields.nested("operating_point") { point(this) },
                intendedUse = fields.text("intended_use"),
                provenance = fields.nested("provenance") { provenance(this) },
                safeguards = if (fields.has("safeguards")) safeguards(fields, where) else null,
            )
        }

        private fun safeguards(fields: Fields, where: String): Safeguards? =
            fields.orNull("safeguards") { key -> Safeguards.read(value(key), "$where.$key") }

        private fun point(fields: Fields) = OperatingPoint(
            threshold = fields.number("threshold"),
            targetSensitivity = fields.number("target_sensitivity"),
            positives = fields.int("positives"),
            misses = fields.int("misses"),
            certified = fields.flag("certified"),
        )

        private fun provenance(fields: Fields) = Provenance(
            tool = fields.text("tool"),
            method = fields.text("method"),
            sources = fields.texts("sources"),
            licences = fields.texts("licences"),
            synthetic = fields.flag("synthetic"),
            catalogSha256 = fields.sha256("catalog_sha256"),
            weightsSha256 = fields.sha256("weights_sha256"),
            referenceSha256 = fields.sha256("reference_sha256"),
        )

        private fun problem(contract: Contract): String? {
            val classes = contract.classes
            val parts = listOf(contract.targetClasses, contract.melanomaClasses, contract.malignantClasses)
            val prior = contract.classPrior
            val point = contract.operatingPoint
            return when {
                classes.size !in 2..MOST_CLASSES || classes.toSet().size != classes.size ->
                    "classes must be two or more different names"
                parts.any { !classes.containsAll(it) || it.toSet().size != it.size } ->
                    "target, melanoma and malignant classes must be among classes, each once"
                contract.targetClasses.isEmpty() || contract.targetClasses.size == classes.size ->
                    "target_classes must not be empty or everything"
                prior.size != classes.size || prior.any { it < 0 } || abs(prior.sum() - 1) >= CLOSE ->
                    "class_prior must be one share per class, summing to 1"
                contract.temperature <= 0 -> "temperature must be positive"
                point.threshold !in 0.0..1.0 -> "threshold must lie between 0 and 1"
                point.targetSensitivity !in 0.0..1.0 -> "target sensitivity must lie between 0 and 1"
                point.misses > point.positives -> "misses must not be more than positives"
                else -> contract.safeguards?.problem(point.threshold)
            }
        }
    }
}
