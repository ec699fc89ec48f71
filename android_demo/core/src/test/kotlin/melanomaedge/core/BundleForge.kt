package melanomaedge.core

import java.util.TreeMap

/**
 * Change a bundle as one would who wants the change not to be noticed: hashes, chain and seals made again.
 *
 * The files are copied; models keep their length, so that real ones can still be opened.
 */
class BundleForge(good: Map<String, ByteArray>) {
    val files: MutableMap<String, ByteArray> = TreeMap(good.mapValues { it.value.copyOf() })

    val formats: List<String> get() = listOf("tflite", "onnx").filter { "model.$it" in files }

    fun json(name: String): Json = Json.parse(files.getValue(name), name)

    /** Change one JSON document. */
    fun edit(name: String, change: (Json) -> Json): BundleForge = apply { write(name, change(json(name))) }

    /** Put a value into one JSON document. */
    fun put(name: String, vararg path: Any, value: Json): BundleForge = edit(name) { it.with(*path, value = value) }

    /** Change the contract, in the bundle and in its models. */
    fun editContract(change: (Json) -> Json): BundleForge = apply {
        edit(CONTRACT, change)
        formats.forEach { format -> editArtifact(format) { it.with("contract", value = json(CONTRACT)) } }
    }

    /** Change the document inside a model, and seal it again. */
    fun editArtifact(format: String, change: (Json) -> Json): BundleForge = apply {
        val model = files.getValue("model.$format")
        val (start, end) = documentOf(model)
        val old = Json.parse(model.copyOfRange(start, end), "document")
        val text = sealable(change(old), end - start)
        files["model.$format"] = model.copyOf(start) + text.toByteArray() + model.copyOfRange(end, model.size)
        seal(format)
    }

    /** Make a model's seal again. */
    fun seal(format: String): BundleForge = apply {
        val model = files.getValue("model.$format")
        val place = documentOf(model).second - "\"}".length - UNSEALED.length
        UNSEALED.toByteArray().copyInto(model, place)
        sha256(model).toByteArray().copyInto(model, place)
    }

    /** Make parity reports name the models that are there. */
    fun repairParity(): BundleForge = apply {
        for (format in formats) {
            val model = files.getValue("model.$format")
            put("parity/$format.json", "artifacts", 0, "sha256", value = Json.of(sha256(model)))
            put("parity/$format.json", "artifacts", 0, "bytes", value = Json.of(model.size))
        }
    }

    /** Make the manifest's hashes, sizes and chain again. */
    fun repairManifest(): BundleForge = apply {
        val listed = files.filterKeys { it != Manifest.FILE && it != Manifest.SIGNATURE }.mapValues { entry(it.value) }
        put(Manifest.FILE, "files", value = Json.Object(listed))
        for (format in formats) {
            val model = files.getValue("model.$format")
            put(Manifest.FILE, "artifacts", format, "sha256", value = Json.of(sha256(model)))
            put(Manifest.FILE, "artifacts", format, "bytes", value = Json.of(model.size))
        }
        repairChain()
    }

    fun repair(): BundleForge = repairParity().repairManifest()

    fun sign(keys: java.security.KeyPair = TestKeys.trusted): BundleForge = apply {
        files[Manifest.SIGNATURE] = TestKeys.sign(files.getValue(Manifest.FILE), keys)
    }

    private fun repairChain() {
        val names = listOf("contract" to CONTRACT) +
            formats.flatMap { listOf(it to "model.$it", "parity_$it" to "parity/$it.json") }
        val provenance = listOf("catalog", "weights", "reference")
            .map { it to json(CONTRACT).at("provenance", "${it}_sha256") }
        val links = provenance + names.map { (key, name) -> key to Json.of(sha256(files.getValue(name))) }
        val text = links.joinToString("") { (key, hash) -> "$key ${(hash as Json.Text).value}\n" }
        val chain = links.toMap() + ("sha256" to Json.of(sha256(text.toByteArray())))
        put(Manifest.FILE, "chain", value = Json.Object(chain))
    }

    private fun entry(bytes: ByteArray) = Json.of("sha256" to Json.of(sha256(bytes)), "bytes" to Json.of(bytes.size))

    private fun write(name: String, json: Json) {
        files[name] = json.write().toByteArray()
    }

    companion object {
        const val CONTRACT = "contract.json"

        private const val UNSEALED = "0000000000000000000000000000000000000000000000000000000000000000"
        private const val MARKER = "{\"schema\": \"melanoma-edge/artifact/"

        /** Return where the document in a model begins and ends. */
        fun documentOf(model: ByteArray): Pair<Int, Int> {
            val text = String(model, Charsets.ISO_8859_1)
            val start = text.indexOf(MARKER)
            val tail = Regex("\"sha256\": ?\"[0-9a-f]{64}\"}").findAll(text, start).first()
            return Pair(start, tail.range.last + 1)
        }

        /** Return a document in ASCII as models carry it: its seal last and zeros, filled up to a length. */
        fun sealable(document: Json, length: Int = 0): String {
            val schema = (document.at("schema") as Json.Text).value
            val body = ascii(document.without("schema").without("sha256").write(indented = false))
            val head = "{\"schema\": \"$schema\", " + body.substring(1, body.length - 1) + ", "
            val tail = "\"sha256\": \"$UNSEALED\"}"
            val spaces = length - head.length - tail.length
            check(length == 0 || spaces >= 0) { "the document does not fit where it was" }
            return head + " ".repeat(maxOf(0, spaces)) + tail
        }

        private fun ascii(text: String) = text.map { if (it.code < 128) "$it" else escaped(it) }.joinToString("")

        private fun escaped(letter: Char) = "\\u" + letter.code.toString(16).padStart(4, '0')
    }
}
