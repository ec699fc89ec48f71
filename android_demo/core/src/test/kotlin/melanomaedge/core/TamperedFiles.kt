package melanomaedge.core

private val MANIFEST = Manifest.FILE
private val SIGNATURE = Manifest.SIGNATURE

internal fun Tampered.touchedFiles() {
    for (name in good.keys.filter { it != MANIFEST && it != SIGNATURE }.sorted()) {
        clumsy("one bit changed in $name", Reason.CHANGED_FILE) { files[name] = files.getValue(name).flipped() }
        clumsy("$name missing", Reason.MISSING_FILE) { files -= name }
        repaired("$name missing, hashes repaired", Reason.MISSING_FILE) {
            files -= name
            val listed = json(MANIFEST).at("files") as Json.Object
            put(MANIFEST, "files", value = Json.Object(listed.members - name))
        }
    }
    clumsy("manifest.json missing", Reason.MISSING_FILE) { files -= MANIFEST }
    clumsy("extra file", Reason.EXTRA_FILE) { files["notes.txt"] = "hello".toByteArray() }
    repaired("extra file, hashes repaired", Reason.EXTRA_FILE) {
        files["notes.txt"] = "hello".toByteArray()
        repair()
    }
    clumsy("model cut off", Reason.CHANGED_FILE) {
        files["model.tflite"] = files.getValue("model.tflite").let { it.copyOf(it.size - 1) }
    }
    clumsy("empty model", Reason.CHANGED_FILE) { files["model.tflite"] = ByteArray(0) }
    clumsy("two files swapped", Reason.CHANGED_FILE) {
        val first = files.getValue("golden/01.rgb")
        files["golden/01.rgb"] = files.getValue("golden/02.rgb")
        files["golden/02.rgb"] = first
    }
    releases()
}

private fun Tampered.releases() {
    val release = (BundleForge(good).json(MANIFEST).at("release") as Json.Number).text.toInt()
    val other = sha256("other".toByteArray())
    resigned("older release after a newer one", Reason.OLDER_RELEASE, AcceptedRelease(release + 1, other)) {}
    resigned("same release, other content", Reason.OTHER_CONTENT, AcceptedRelease(release, other)) {}
    repaired("release raised", null) { put(MANIFEST, "release", value = Json.of(release + 1)) }
    resigned("release zero", Reason.BAD_DOCUMENT) { put(MANIFEST, "release", value = Json.of(0)) }
    resigned("release beyond 31 bits", Reason.BAD_DOCUMENT) {
        put(MANIFEST, "release", value = Json.Number("2147483648"))
    }
}

internal fun Tampered.signatures() {
    badlySigned("signature missing", Reason.UNSIGNED) { files -= SIGNATURE }
    badlySigned("signature of another key", Reason.BAD_SIGNATURE) { sign(TestKeys.stranger) }
    badlySigned("signature over another manifest", Reason.BAD_SIGNATURE) {
        files[SIGNATURE] = TestKeys.sign("{}".toByteArray(), TestKeys.trusted)
    }
    badlySigned("signature garbage", Reason.BAD_SIGNATURE) { files[SIGNATURE] = ByteArray(71) { it.toByte() } }
    badlySigned("signature empty", Reason.BAD_SIGNATURE) { files[SIGNATURE] = ByteArray(0) }
    badlySigned("signature of zeros", Reason.BAD_SIGNATURE) {
        files[SIGNATURE] = byteArrayOf(0x30, 6, 2, 1, 0, 2, 1, 0)
    }
    badlySigned("signature with a byte behind", Reason.BAD_SIGNATURE) {
        files[SIGNATURE] = files.getValue(SIGNATURE) + 0
    }
    badlySigned("one bit changed in manifest.sig", Reason.BAD_SIGNATURE) {
        files[SIGNATURE] = files.getValue(SIGNATURE).flipped()
    }
    repaired("one bit changed in manifest.json", Reason.CHANGED_FILE) {
        val manifest = files.getValue(MANIFEST)
        val text = String(manifest, Charsets.ISO_8859_1)
        val start = text.indexOf("\"sha256\": \"", text.indexOf("\"files\"")) + "\"sha256\": \"".length
        // Every digit but none of the letters a to f stays a digit.
        files[MANIFEST] = manifest.flipped((start until manifest.size).first { text[it].isDigit() })
    }
}

internal fun Tampered.documents() {
    resigned("older schema", Reason.OLDER_SCHEMA) {
        put(MANIFEST, "schema", value = Json.of("melanoma-edge/bundle/0"))
    }
    resigned("newer schema", Reason.NEWER_SCHEMA) {
        put(MANIFEST, "schema", value = Json.of("melanoma-edge/bundle/2"))
    }
    resigned("newer schema with keys that we do not know", Reason.NEWER_SCHEMA) {
        put(MANIFEST, "schema", value = Json.of("melanoma-edge/bundle/2"))
        put(MANIFEST, "moon", value = Json.of("full"))
    }
    resigned("another kind of document", Reason.BAD_DOCUMENT) { files[MANIFEST] = files.getValue("contract.json") }
    resigned("unknown key", Reason.BAD_DOCUMENT) { put(MANIFEST, "moon", value = Json.of("full")) }
    resigned("key missing", Reason.BAD_DOCUMENT) { edit(MANIFEST) { it.without("synthetic") } }
    resigned("number as text", Reason.BAD_DOCUMENT) { put(MANIFEST, "release", value = Json.of("1")) }
    resigned("upper-case hash", Reason.BAD_DOCUMENT) {
        put(MANIFEST, "chain", "weights", value = Json.of("A".repeat(64)))
    }
    resigned("path out of the bundle", Reason.BAD_DOCUMENT) {
        put(MANIFEST, "artifacts", "tflite", "path", value = Json.of("../model.tflite"))
    }
    text("NaN in JSON", Reason.BAD_JSON) { it.replaceFirst("\"release\": [0-9]+".toRegex(), "\"release\": NaN") }
    text("number too large for a double", Reason.BAD_JSON) {
        it.replaceFirst("\"release\": [0-9]+".toRegex(), "\"release\": 1e999")
    }
    text("duplicate key", Reason.BAD_JSON) { it.replaceFirst("{", "{\"release\": 1,") }
    text("comment in JSON", Reason.BAD_JSON) { "// hello\n$it" }
    text("text after JSON", Reason.BAD_JSON) { "$it{}" }
    text("byte order mark", Reason.BAD_JSON) { "\uFEFF$it" }
    text("JSON cut off", Reason.BAD_JSON) { it.dropLast(3) }
    text("JSON of a hundred thousand brackets", Reason.BAD_JSON) { "[".repeat(100_000) }
    text("JSON of two megabytes", Reason.TOO_LARGE) { it + " ".repeat(2 shl 20) }
    resigned("manifest is not UTF-8", Reason.BAD_JSON) { files[MANIFEST] = files.getValue(MANIFEST) + 0xFF.toByte() }
    resigned("manifest is empty", Reason.BAD_JSON) { files[MANIFEST] = ByteArray(0) }
    repaired("link of the chain changed", Reason.BROKEN_CHAIN) {
        put(MANIFEST, "chain", "catalog", value = Json.of(sha256("other".toByteArray())))
    }
    repaired("link of the chain changed, its end repaired", Reason.BROKEN_CHAIN) {
        val links = json(MANIFEST).at("chain") as Json.Object
        val changed = (links.members - "sha256" + ("catalog" to Json.of(sha256("other".toByteArray())))).toMap()
        val text = changed.entries.joinToString("") { (key, hash) -> "$key ${hash.text}\n" }
        put(MANIFEST, "chain", value = Json.Object(changed + ("sha256" to Json.of(sha256(text.toByteArray())))))
    }
    repaired("end of the chain changed", Reason.BROKEN_CHAIN) {
        put(MANIFEST, "chain", "sha256", value = Json.of(sha256("other".toByteArray())))
    }
}

private fun Tampered.text(name: String, reason: Reason, change: (String) -> String) = resigned(name, reason) {
    files[MANIFEST] = change(String(files.getValue(MANIFEST), Charsets.UTF_8)).toByteArray()
}
