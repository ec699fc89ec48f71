package melanomaedge.core

/** Describe one float32 output of a model; a side of -1 is free. */
data class OutputNote(val name: String, val shape: List<Int>)

/**
 * Hold what a model file says of itself, its seal found intact.
 *
 * [contract] is the document as it stands in the file; [outputs] are in the file's order.
 */
data class SealedModel(val format: String, val precision: String, val contract: Json, val outputs: List<OutputNote>)

/**
 * Read the document inside an exported model and check the seal over the whole file.
 *
 * The document is one line of ASCII JSON that begins with a marker and ends with the seal, so that it is found by a
 * plain search in a file of any format. The seal is the sha256 of the file with the seal's 64 digits as zeros.
 */
object Seal {
    const val SCHEMA = "melanoma-edge/artifact/1"

    private const val DIGITS = 64
    private const val PROBABILITIES = "probabilities"
    private val MARKER = "{\"schema\": \"melanoma-edge/artifact/".toByteArray(Charsets.US_ASCII)
    private val TAIL = "\"}".length

    /** Read a model file; refuses one without document, with two, changed in any byte, or of another schema. */
    fun read(model: ByteArray, where: String): SealedModel {
        val start = find(model, 0)
        if (start < 0) throw broken(where, "no contract inside: not a model of melanoma-edge, or cut off")
        if (find(model, start + 1) >= 0) throw broken(where, "two contracts inside")
        val end = end(model, start) ?: throw broken(where, "the contract inside is damaged")
        val json = document(model.copyOfRange(start, end), where)
        Fields.checkSchema(json, SCHEMA, where)
        checkSeal(model, end - TAIL - DIGITS, json, where)
        return Fields.of(json, where) { sealed(this) }
    }

    private fun document(bytes: ByteArray, where: String): Json {
        if (bytes.any { it < 0 }) throw broken(where, "the contract inside is not ASCII")
        try {
            return Json.parse(bytes, where)
        } catch (error: Refused) {
            throw Refused(Reason.BROKEN_SEAL, error.detail, error)
        }
    }

    private fun checkSeal(model: ByteArray, place: Int, json: Json, where: String) {
        val digits = ((json as Json.Object).members["sha256"] as? Json.Text)?.value
        val unsealed = model.copyOf()
        unsealed.fill('0'.code.toByte(), place, place + DIGITS)
        if (sha256(unsealed) != digits) {
            throw broken(where, "the model was changed or damaged: its seal does not match")
        }
    }

    private fun sealed(fields: Fields): SealedModel {
        fields.text("schema")
        fields.sha256("sha256")
        fields.orNull("calibration") { key -> nested(key) { calibration(this) } }
        if (fields.has("rounding")) fields.orNull("rounding") { text(it) }
        if (fields.has("kept")) fields.map("kept") { item, at -> Fields.text(item, at) }
        val contract = fields.value("contract")
        val outputs = if (fields.has("outputs")) fields.orNull("outputs") { outputs(this, it) } else null
        return SealedModel(fields.text("format"), fields.text("precision"), contract, outputs ?: alone(contract))
    }

    private fun calibration(fields: Fields) {
        fields.int("images")
        fields.int("seed")
        fields.sha256("sha256")
        fields.map("class_counts") { item, at -> Fields.int(item, at) }
    }

    private fun outputs(fields: Fields, key: String): List<OutputNote> = fields.list(key) { item, at ->
        Fields.of(item, at) {
            text("meaning")
            OutputNote(text("name"), list("shape") { side, place -> Fields.int(side, place, -1..Int.MAX_VALUE) })
        }
    }

    /** Return the only output of files that name none. */
    private fun alone(contract: Json): List<OutputNote> {
        val classes = (contract as? Json.Object)?.members?.get("classes") as? Json.Array
        return listOf(OutputNote(PROBABILITIES, listOf(1, classes?.items?.size ?: 0)))
    }

    private fun find(bytes: ByteArray, from: Int): Int {
        for (start in from..bytes.size - MARKER.size) {
            var matched = 0
            while (matched < MARKER.size && bytes[start + matched] == MARKER[matched]) matched++
            if (matched == MARKER.size) return start
        }
        return -1
    }

    /** Return where the object that begins at [start] ends, or null when it does not within what JSON may take. */
    private fun end(bytes: ByteArray, start: Int): Int? {
        var depth = 0
        var quoted = false
        var at = start
        val last = minOf(bytes.size.toLong(), start.toLong() + Limits.JSON_BYTES).toInt()
        while (at < last) {
            when (bytes[at].toInt().toChar()) {
                '\\' -> if (quoted) at++
                '"' -> quoted = !quoted
                '{' -> if (!quoted) depth++
                '}' -> if (!quoted && --depth == 0) return at + 1
            }
            at++
        }
        return null
    }

    private fun broken(where: String, what: String) = Refused(Reason.BROKEN_SEAL, "$where: $what")
}
