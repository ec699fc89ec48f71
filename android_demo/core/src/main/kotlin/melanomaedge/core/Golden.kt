package melanomaedge.core

/**
 * Hold one photo with the bytes and the answers that every implementation must get from it.
 *
 * [photo] and [pixels] are names of files of the bundle; [width] and [height] are of the upright picture. [answers] has
 * the probabilities in class order by runtime. [decision] is `refer` or `no-sign`, before any safeguard; [state] after.
 */
data class GoldenVector(
    val id: String,
    val photo: String,
    val format: String,
    val orientation: Int,
    val width: Int,
    val height: Int,
    val pixels: String,
    val quality: QualityMeasures,
    val answers: Map<String, List<Double>>,
    val decision: String,
    val state: State,
) {
    /** Whether the score alone is referred. */
    val refers: Boolean get() = decision == State.REFER.code
}

/** Hold a bundle's golden vectors, and how far a probability may be from its answer. */
data class Golden(val inputSize: Int, val tolerance: Double, val vectors: List<GoldenVector>) {
    companion object {
        const val SCHEMA = "melanoma-edge/golden/1"
        const val FILE = "golden/golden.json"
        const val LARGEST_TOLERANCE = 0.01

        private const val LARGEST_SIDE = 65535
        private val EXTENSIONS = mapOf("jpeg" to "jpg", "png" to "png")
        private val DECISIONS = listOf(State.REFER.code, State.NO_SIGN.code)
        private val RUNTIMES = listOf("litert", "litert-plain")

        /** Read the golden vectors; [onnx] says whether the bundle has that model, and then its answers. */
        fun read(json: Json, onnx: Boolean, where: String = FILE): Golden {
            Fields.checkSchema(json, SCHEMA, where)
            val golden = Fields.of(json, where) {
                text("schema")
                Golden(int("input_size"), number("tolerance"), list("vectors") { item, at -> vector(item, at, onnx) })
            }
            val ids = golden.vectors.map { it.id }
            if (golden.tolerance <= 0 || golden.tolerance > LARGEST_TOLERANCE) bad(where, "tolerance out of range")
            if (ids.isEmpty() || ids.toSet().size != ids.size) bad(where, "vectors must have different ids")
            return golden
        }

        private fun vector(json: Json, at: String, onnx: Boolean): GoldenVector = Fields.of(json, at) {
            val id = text("id")
            val format = oneOf("format", EXTENSIONS.keys)
            GoldenVector(
                id = id,
                photo = oneOf("photo", listOf("golden/$id.${EXTENSIONS[format]}")),
                format = format,
                orientation = int("orientation", 1..8),
                width = int("width", 1..LARGEST_SIDE),
                height = int("height", 1..LARGEST_SIDE),
                pixels = oneOf("pixels", listOf("golden/$id.rgb")),
                quality = nested("quality") { QualityMeasures.read(this) },
                answers = nested("answers") { answers(this, onnx) },
                decision = oneOf("decision", DECISIONS),
                state = State.of(text("state")) ?: bad(at, "state unknown"),
            )
        }

        private fun answers(fields: Fields, onnx: Boolean): Map<String, List<Double>> {
            val runtimes = if (onnx) RUNTIMES + "onnxruntime" else RUNTIMES
            return runtimes.associateWith { fields.numbers(it) }
        }

        private fun bad(where: String, what: String): Nothing = throw Refused(Reason.BAD_DOCUMENT, "$where: $what")
    }
}
