package melanomaedge.core

private val MANIFEST = Manifest.FILE
private const val TFLITE = "parity/tflite.json"

internal fun Tampered.parityReports() {
    val reports = if ("model.onnx" in good) listOf(TFLITE, "parity/onnx.json") else listOf(TFLITE)
    repaired("parity FAIL", Reason.PARITY_FAILED) {
        reports.forEach { fail(it, words = "FAIL") }
        put(MANIFEST, "verdict", value = Json.of("FAIL"))
        repair()
    }
    repaired("parity FAIL, manifest says PASS", Reason.PARITY_FAILED) {
        fail(TFLITE, words = "FAIL")
        repair()
    }
    repaired("parity FAIL edited to PASS in words", Reason.PARITY_MISMATCH) {
        fail(TFLITE, words = "PASS")
        repair()
    }
    repaired("parity FAIL edited to PASS in words and numbers, hashes repaired", null) {
        check(TFLITE, "sensitivity_loss", "would_pass_at", Json.of(0.0001))
        repair()
    }
    repaired("limits of parity loosened", Reason.PARITY_MISMATCH) {
        loosen(TFLITE)
        repair()
    }
    repaired("limits of parity loosened, and said so", null) {
        reports.forEach { loosen(it) }
        put(MANIFEST, "limits_changed", value = Json.Flag(true))
        repair()
    }
    repaired("PASS made INCONCLUSIVE in the manifest", Reason.PARITY_MISMATCH) {
        put(MANIFEST, "verdict", value = Json.of("INCONCLUSIVE"))
    }
    repaired("INCONCLUSIVE made PASS in the manifest", Reason.PARITY_MISMATCH) {
        undecided(TFLITE)
        repair()
    }
    repaired("check left out", Reason.PARITY_MISMATCH) {
        edit(TFLITE) { it.without("artifacts", 0, "checks", 2) }
        repair()
    }
    repaired("parity of another model", Reason.PARITY_MISMATCH) {
        put(TFLITE, "artifacts", 0, "sha256", value = Json.of(sha256("other".toByteArray())))
        repairManifest()
    }
    repaired("parity with another reference", Reason.PARITY_MISMATCH) {
        put(TFLITE, "reference", value = Json.of(sha256("other".toByteArray())))
        repair()
    }
    repaired("parity on the training split", Reason.PARITY_MISMATCH) {
        put(TFLITE, "split", value = Json.of("train"))
        repair()
    }
    repaired("parity of no model", Reason.PARITY_MISMATCH) {
        put(TFLITE, "artifacts", value = Json.Array(emptyList()))
        repair()
    }
    repaired("more lesions than were judged", Reason.PARITY_MISMATCH) {
        put(MANIFEST, "lesions", value = Json.of(99999))
    }
    repaired("newer parity report", Reason.NEWER_SCHEMA) {
        put(TFLITE, "schema", value = Json.of("melanoma-edge/parity/2"))
        repair()
    }
}

private fun BundleForge.fail(report: String, words: String) {
    check(report, "sensitivity_loss", "would_pass_at", Json.of(0.2))
    check(report, "sensitivity_loss", "status", Json.of(words))
    put(report, "artifacts", 0, "verdict", value = Json.of(words))
    put(report, "verdict", value = Json.of(words))
}

private fun BundleForge.undecided(report: String) {
    check(report, "sensitivity_loss", "would_pass_at", Json.of(0.2))
    check(report, "sensitivity_loss", "status", Json.of("INCONCLUSIVE"))
    put(report, "artifacts", 0, "verdict", value = Json.of("INCONCLUSIVE"))
    put(report, "verdict", value = Json.of("INCONCLUSIVE"))
}

private fun BundleForge.loosen(report: String) {
    put(report, "limits", "sensitivity_loss", value = Json.of(0.5))
    check(report, "sensitivity_loss", "limit", Json.of(0.5))
}

private fun BundleForge.check(report: String, name: String, key: String, value: Json) {
    val checks = (json(report).at("artifacts", 0, "checks") as Json.Array).items
    put(report, "artifacts", 0, "checks", checks.indexOfFirst { it.at("name") == Json.of(name) }, key, value = value)
}
