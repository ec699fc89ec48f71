package melanomaedge.core

/** Name what speaks against scoring a photo, in the order in which findings are listed. */
enum class Finding(val code: String) {
    TOO_SMALL("too-small"),
    ASPECT("aspect"),
    BLURRED("blurred"),
    TOO_DARK("too-dark"),
    TOO_BRIGHT("too-bright"),
    CLIPPED("clipped"),
    COLOURLESS("colourless"),
    OUTLIER("outlier");

    /** Whether another photo of the same lesion can do better. */
    val retake: Boolean get() = this != COLOURLESS && this != OUTLIER

    companion object {
        /** Return the finding of a code, or null. */
        fun of(code: String): Finding? = values().find { it.code == code }
    }
}

/** Hold six whole numbers measured of one photo; sharpness, brightness and colour are in hundredths. */
data class QualityMeasures(
    val shortSide: Int,
    val aspectPercent: Int,
    val sharpness: Int,
    val brightness: Int,
    val clippedPermille: Int,
    val colour: Int,
) {
    internal companion object {
        fun read(fields: Fields) = QualityMeasures(
            shortSide = fields.int("short_side"),
            aspectPercent = fields.int("aspect_percent"),
            sharpness = fields.int("sharpness"),
            brightness = fields.int("brightness"),
            clippedPermille = fields.int("clipped_permille"),
            colour = fields.int("colour"),
        )
    }
}

/** Hold what a photo must keep to be scored, in the units of [QualityMeasures]. */
data class QualityLimits(
    val smallestSide: Int,
    val largestAspectPercent: Int,
    val leastSharpness: Int,
    val leastBrightness: Int,
    val mostBrightness: Int,
    val mostClippedPermille: Int,
    val leastColour: Int,
)

/**
 * Hold what the embeddings of known lesions have in common; of what more than [limit] is foreign is no lesion we know.
 *
 * [centre] is their mean. In [directions] they spread most: each has one whole number for every value of an embedding,
 * and is a vector of length 1 once multiplied by its number of [steps].
 */
class OutlierModel(val centre: DoubleArray, val directions: List<ByteArray>, val steps: DoubleArray, val limit: Double) {
    /**
     * Return how much of an embedding's way from the centre lies in no direction: a squared length.
     *
     * Summed in double from the first value to the last; infinite where it is no number.
     */
    fun score(embedding: FloatArray): Double {
        val offsets = DoubleArray(centre.size) { embedding[it].toDouble() - centre[it] }
        var distance = 0.0
        for (offset in offsets) distance += offset * offset
        for ((k, direction) in directions.withIndex()) {
            var along = 0.0
            for (i in offsets.indices) along += offsets[i] * direction[i].toDouble()
            along *= steps[k]
            distance -= along * along
        }
        return if (distance.isFinite()) distance else Double.POSITIVE_INFINITY
    }

    /** Tell whether more of an embedding is foreign than the limit allows, or it is not one of the expected length. */
    fun isOutlier(embedding: FloatArray): Boolean = embedding.size != centre.size || score(embedding) > limit

    internal fun problem(): String? = when {
        centre.size !in 1..LONGEST || directions.size !in 1..MOST ->
            "outlier limits must have 1 to $LONGEST values and 1 to $MOST directions"
        directions.any { it.size != centre.size } || steps.size != directions.size ->
            "outlier centre and directions must be of one length, with a step for each direction"
        steps.any { it < 0 } || limit < 0 -> "outlier steps and limit must not be negative"
        else -> null
    }

    private companion object {
        const val MOST = 64
        const val LONGEST = 4096
    }
}

/**
 * Hold when a photo is not scored, or its score is called uncertain.
 *
 * [outlier] is null where the model has no embedding; [uncertainFrom] is null where no score is called uncertain.
 */
data class Safeguards(val quality: QualityLimits, val outlier: OutlierModel?, val uncertainFrom: Double?) {
    /** Say what is wrong beside an operating threshold, or nothing. */
    internal fun problem(threshold: Double): String? = when {
        quality.leastBrightness > quality.mostBrightness -> "brightness must rise"
        uncertainFrom != null && (uncertainFrom < 0 || uncertainFrom >= threshold) ->
            "uncertain_from must lie below the threshold"
        else -> outlier?.problem()
    }

    internal companion object {
        private const val BRIGHTEST = 25500

        fun read(json: Json, where: String): Safeguards = Fields.of(json, where) {
            Safeguards(
                quality = nested("quality") { quality(this) },
                outlier = orNull("outlier") { key -> nested(key) { outlier(this) } },
                uncertainFrom = orNull("uncertain_from") { key -> number(key) },
            )
        }

        private fun quality(fields: Fields) = QualityLimits(
            smallestSide = fields.int("smallest_side", 1..Int.MAX_VALUE),
            largestAspectPercent = fields.int("largest_aspect_percent", 100..Int.MAX_VALUE),
            leastSharpness = fields.int("least_sharpness"),
            leastBrightness = fields.int("least_brightness", 0..BRIGHTEST),
            mostBrightness = fields.int("most_brightness", 0..BRIGHTEST),
            mostClippedPermille = fields.int("most_clipped_permille", 0..1000),
            leastColour = fields.int("least_colour", 0..BRIGHTEST),
        )

        private fun outlier(fields: Fields) = OutlierModel(
            centre = fields.numbers("centre").toDoubleArray(),
            directions = fields.list("directions") { item, at -> Fields.base64(item, at) },
            steps = fields.numbers("steps").toDoubleArray(),
            limit = fields.number("limit"),
        )
    }
}
