package melanomaedge.core

private val MANIFEST = Manifest.FILE
private const val CONTRACT = BundleForge.CONTRACT
private val GOLDEN = Golden.FILE
private val OUTLIER = Json.of(
    "centre" to Json.of(listOf(Json.of(0.0))),
    "directions" to Json.of(listOf(Json.of("fw=="))),
    "steps" to Json.of(listOf(Json.of(0.0078))),
    "limit" to Json.of(1.0),
)

internal fun Tampered.contracts() {
    val safeguarded = (BundleForge(good).json(CONTRACT) as Json.Object).members["safeguards"] is Json.Object
    repaired("labels swapped in contract.json, hashes repaired", Reason.CONTRACT_MISMATCH) {
        edit(CONTRACT) { swapped(it) }
        repair()
    }
    repaired("labels swapped in contract and models, hashes and seals repaired", Reason.GOLDEN_MISMATCH) {
        editContract { swapped(it) }
        repair()
    }
    repaired("labels swapped and golden decisions made to fit", null) {
        editContract { swapped(it) }
        refit()
        repair()
    }
    repaired("threshold changed in contract.json", Reason.CONTRACT_MISMATCH) {
        edit(CONTRACT) { it.with("operating_point", "threshold", value = opposite()) }
        repair()
    }
    repaired("threshold changed in contract and models", Reason.PARITY_MISMATCH) {
        editContract { it.with("operating_point", "threshold", value = opposite()) }
        repair()
    }
    repaired("threshold changed in contract, models and parity reports", Reason.GOLDEN_MISMATCH) {
        val threshold = opposite()
        editContract { it.with("operating_point", "threshold", value = threshold) }
        formats.forEach { put("parity/$it.json", "threshold", value = threshold) }
        repair()
    }
    repaired("newer contract", Reason.NEWER_SCHEMA) {
        editContract { it.with("schema", value = Json.of("melanoma-edge/contract/2")) }
        repair()
    }
    repaired("another pixel recipe", Reason.BAD_DOCUMENT) {
        editContract { it.with("pixels", "version", value = Json.of(2)) }
        repair()
    }
    repaired("unknown key in the contract", Reason.BAD_DOCUMENT) {
        edit(CONTRACT) { it.with("moon", value = Json.of("full")) }
        repair()
    }
    repaired("safeguards loosened in the manifest", if (safeguarded) Reason.CONTRACT_MISMATCH else null) {
        put(MANIFEST, "safeguards", "quality", "least_sharpness", value = Json.of(0))
    }
    if (safeguarded) {
        repaired("safeguards loosened in manifest, contract and models", null) {
            val path = arrayOf("safeguards", "quality", "least_sharpness")
            editContract { it.with(*path, value = Json.of(0)) }
            put(MANIFEST, *path, value = Json.of(0))
            repair()
        }
    }
    repaired("safeguards that make no sense", if (safeguarded) Reason.CONTRACT_MISMATCH else Reason.BAD_DOCUMENT) {
        put(MANIFEST, "safeguards", "uncertain_from", value = Json.of(1.0))
    }
    repaired("outlier limits beside models without embedding", Reason.CONTRACT_MISMATCH) {
        if (safeguarded) {
            editArtifact("tflite") { it.without("outputs", it.embedding()) }
        } else {
            put(MANIFEST, "safeguards", "outlier", value = OUTLIER)
        }
        repair()
    }
    if (safeguarded) {
        repaired("outlier limits beside an embedding of another length", Reason.CONTRACT_MISMATCH) {
            editArtifact("tflite") { it.with("outputs", it.embedding(), "shape", 1, value = Json.of(3)) }
            repair()
        }
    }
    for ((kind, text) in listOf("no base64" to "f*==", "base64 that no encoder writes" to "fx==")) {
        repaired("outlier direction that is $kind", Reason.BAD_DOCUMENT) {
            put(MANIFEST, "safeguards", "outlier", value = OUTLIER.with("directions", 0, value = Json.of(text)))
        }
    }
    repaired("synthetic model called real", Reason.CONTRACT_MISMATCH) {
        val synthetic = json(MANIFEST).at("synthetic") as Json.Flag
        put(MANIFEST, "synthetic", value = Json.Flag(!synthetic.value))
    }
    repaired("another name", Reason.CONTRACT_MISMATCH) { put(MANIFEST, "name", value = Json.of("other")) }
}

/** Return the place of the embedding among a model's outputs. */
private fun Json.embedding(): Int =
    (at("outputs") as Json.Array).items.indexOfFirst { it.at("name") == Json.of("embedding") }

/** Return the contract with the label of the target and the first other one in each other's place. */
private fun swapped(contract: Json): Json {
    val classes = (contract.at("classes") as Json.Array).items
    val target = classes.indexOf(contract.at("target_classes", 0))
    val other = if (target == 0) 1 else 0
    val order = classes.indices.map { if (it == target) other else if (it == other) target else it }
    return contract.with("classes", value = Json.Array(order.map { classes[it] }))
}

/** Return a threshold at which at least one golden vector is decided otherwise. */
private fun BundleForge.opposite(): Json {
    val vectors = (json(GOLDEN).at("vectors") as Json.Array).items
    return Json.of(if (vectors.any { it.at("decision") == Json.of("refer") }) 1.0 else 0.0)
}

/** Make golden decisions and states those of the contract. */
private fun BundleForge.refit() {
    val contract = Contract.read(json(CONTRACT))
    val vectors = (json(GOLDEN).at("vectors") as Json.Array).items.map { vector ->
        val answer = (vector.at("answers", "litert") as Json.Array).items.map { (it as Json.Number).text.toDouble() }
        val decision = Json.of(if (contract.refers(contract.targetScore { answer[it] })) "refer" else "no-sign")
        vector.with("decision", value = decision).with("state", value = decision)
    }
    put(GOLDEN, "vectors", value = Json.Array(vectors))
}

internal fun Tampered.models() {
    repaired("one bit changed in the model, hashes repaired", Reason.BROKEN_SEAL) {
        files["model.tflite"] = files.getValue("model.tflite").let { it.flipped(it.size - 1) }
        repair()
    }
    repaired("model cut off, hashes repaired", Reason.BROKEN_SEAL) {
        files["model.tflite"] = files.getValue("model.tflite").let { it.copyOf(it.size - 1) }
        repair()
    }
    repaired("model without document", Reason.BROKEN_SEAL) {
        files["model.tflite"] = ByteArray(1000)
        repair()
    }
    repaired("model with two documents", Reason.BROKEN_SEAL) {
        val model = files.getValue("model.tflite")
        val (start, end) = BundleForge.documentOf(model)
        files["model.tflite"] = model + model.copyOfRange(start, end)
        seal("tflite")
        repair()
    }
    repaired("model of a newer schema", Reason.NEWER_SCHEMA) {
        editArtifact("tflite") { it.with("schema", value = Json.of("melanoma-edge/artifact/2")) }
        repair()
    }
    repaired("another sealed model", Reason.PARITY_MISMATCH) {
        files["model.tflite"] = files.getValue("model.tflite") + ByteArray(4)
        seal("tflite")
        repairManifest()
    }
    repaired("model's hash in the manifest is another", Reason.CHANGED_FILE) {
        put(MANIFEST, "artifacts", "tflite", "sha256", value = Json.of(sha256("other".toByteArray())))
    }
    repaired("precision called another", Reason.CONTRACT_MISMATCH) {
        put(MANIFEST, "artifacts", "tflite", "precision", value = Json.of("float99"))
    }
    if (Flatbuffer.isModel(good.getValue("model.tflite"))) {
        repaired("other weights, seal and hashes repaired", null, byEngine = true) {
            val model = files.getValue("model.tflite")
            for (at in Flatbuffer.largestBuffer(model)) model[at] = (model[at].toInt() xor 0x55).toByte()
            seal("tflite")
            repair()
        }
    }
    if ("model.onnx" !in good) return
    repaired("models swapped", Reason.CONTRACT_MISMATCH) {
        val first = files.getValue("model.tflite")
        files["model.tflite"] = files.getValue("model.onnx")
        files["model.onnx"] = first
        repair()
    }
    repaired("contract inside the ONNX model is another than in the TFLite model", Reason.CONTRACT_MISMATCH) {
        editArtifact("onnx") { it.with("contract", "operating_point", "threshold", value = Json.of(1.0)) }
        repair()
    }
}

internal fun Tampered.goldenVectors() {
    repaired("golden answers changed, hashes repaired", null, byEngine = true) {
        edit(GOLDEN) { golden -> golden.answers { answer -> shifted(answer) } }
        repair()
    }
    repaired("golden bytes replaced, hashes repaired", null, byEngine = true) {
        for (name in files.keys.filter { it.endsWith(".rgb") }) {
            files[name] = files.getValue(name).map { (255 - (it.toInt() and 255)).toByte() }.toByteArray()
        }
        repair()
    }
    repaired("golden bytes of another size", Reason.GOLDEN_MISMATCH) {
        files["golden/01.rgb"] = files.getValue("golden/01.rgb") + ByteArray(3)
        repair()
    }
    repaired("golden decision changed", Reason.GOLDEN_MISMATCH) {
        val refers = json(GOLDEN).at("vectors", 0, "decision") == Json.of("refer")
        put(GOLDEN, "vectors", 0, "decision", value = Json.of(if (refers) "no-sign" else "refer"))
        repair()
    }
    repaired("golden states contradict the decisions", Reason.GOLDEN_MISMATCH) {
        val vectors = (json(GOLDEN).at("vectors") as Json.Array).items.map {
            val refers = it.at("decision") == Json.of("refer")
            it.with("state", value = Json.of(if (refers) "no-sign" else "refer"))
        }
        put(GOLDEN, "vectors", value = Json.Array(vectors))
        repair()
    }
    repaired("golden answers of a class too few", Reason.GOLDEN_MISMATCH) {
        edit(GOLDEN) { golden -> golden.answers { Json.Array(it.dropLast(1)) } }
        repair()
    }
    repaired("tolerance widened", Reason.BAD_DOCUMENT) {
        put(GOLDEN, "tolerance", value = Json.of(1.0))
        repair()
    }
    repaired("no golden vectors", Reason.BAD_DOCUMENT) {
        put(GOLDEN, "vectors", value = Json.Array(emptyList()))
        repair()
    }
    repaired("golden photo elsewhere", Reason.BAD_DOCUMENT) {
        put(GOLDEN, "vectors", 0, "photo", value = Json.of("/etc/passwd"))
        repair()
    }
    repaired("newer golden vectors", Reason.NEWER_SCHEMA) {
        put(GOLDEN, "schema", value = Json.of("melanoma-edge/golden/2"))
        repair()
    }
}

private fun Json.answers(change: (List<Json>) -> Json): Json {
    val vectors = (at("vectors") as Json.Array).items.map { vector ->
        val answers = (vector.at("answers") as Json.Object).members.mapValues { change((it.value as Json.Array).items) }
        vector.with("answers", value = Json.Object(answers))
    }
    return with("vectors", value = Json.Array(vectors))
}

/** Return an answer whose last class, never the target's, is likelier by four times the largest tolerance. */
private fun shifted(answer: List<Json>): Json {
    val last = (answer.last() as Json.Number).text.toDouble()
    return Json.Array(answer.dropLast(1) + Json.of(last + 4 * Golden.LARGEST_TOLERANCE))
}
