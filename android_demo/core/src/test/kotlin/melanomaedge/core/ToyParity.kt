package melanomaedge.core

/** Make the parity report of a toy model: what Python wrote about a real one, cut down to the numbers that count. */
object ToyParity {
    fun report(format: String): Json = Json.of(
        "schema" to Json.of(ParityReport.SCHEMA),
        "run" to Json.of("toy"),
        "verdict" to Json.of("PASS"),
        "split" to Json.of("test"),
        "images" to Json.of(464),
        "groups" to Json.of(375),
        "melanomas" to Json.of(96),
        "target" to Json.of("melanoma"),
        "synthetic" to Json.Flag(true),
        "reference" to ToyBundle.contract.at("provenance", "reference_sha256"),
        "threshold" to Json.of(0.3),
        "limits" to limits,
        "resamples" to Json.of(2000),
        "seed" to Json.of(0),
        "artifacts" to Json.of(listOf(model(format))),
    )

    val limits: Json = Json.of(
        "class_agreement" to Json.of(0.93),
        "decision_agreement" to Json.of(0.97),
        "sensitivity_loss" to Json.of(0.05),
        "specificity_loss" to Json.of(0.03),
        "balanced_accuracy_change" to Json.of(-0.02),
        "macro_auc_change" to Json.of(-0.01),
        "melanoma_auc_change" to Json.of(-0.01),
        "melanomas_lost" to Json.Null,
        "mean_score_change" to Json.of(0.02),
        "calibration_change" to Json.of(0.03),
    )

    private fun model(format: String): Json = Json.of(
        "path" to Json.of("model.$format"),
        "sha256" to Json.of(""),
        "bytes" to Json.of(0),
        "format" to Json.of(format),
        "precision" to Json.of("int8"),
        "runtime" to Json.of(if (format == "onnx") "onnxruntime" else "litert"),
        "runtime_options" to Json.of(),
        "verdict" to Json.of("PASS"),
        "checks" to Json.of(
            listOf(
                check("class_agreement", 0.984, 0.93, 0.969),
                check("decision_agreement", 0.986, 0.97, 0.973),
                check("sensitivity_loss", 0.0, 0.05, 0.027),
                check("specificity_loss", 0.003, 0.03, 0.0203),
                check("balanced_accuracy_change", -0.002, -0.02, -0.013),
                check("macro_auc_change", -0.0008, -0.01, -0.002),
                check("melanoma_auc_change", -0.0008, -0.01, -0.0025),
                check("melanomas_lost", 0.0, 1.0, 0.0),
                check("mean_score_change", 0.004, 0.02, 0.004),
                check("calibration_change", 0.002, 0.03, 0.002),
                check("finite_outputs", 0.0, 0.0, null),
                check("constant_output", 0.99, 0.0099, null),
                check("labels_match", 0.0, 0.0, null),
                check("shape_match", null, null, null),
            ),
        ),
        "float" to headlines,
        "exported" to headlines,
        "flips" to Json.of(listOf(flip)),
    )

    private fun check(name: String, value: Double?, limit: Double?, wouldPassAt: Double?): Json = Json.of(
        "name" to Json.of(name),
        "value" to number(value),
        "limit" to number(limit),
        "status" to Json.of("PASS"),
        "would_pass_at" to number(wouldPassAt),
        "why" to Json.of("because"),
    )

    private val headlines: Json = Json.Object(
        listOf(
            "accuracy", "balanced_accuracy", "macro_auc", "melanoma_auc", "sensitivity", "specificity", "brier", "ece",
        ).associateWith { Json.of("value" to Json.of(0.6), "low" to Json.of(0.5), "high" to Json.of(0.7)) },
    )

    private val flip: Json = Json.of(
        "image_id" to Json.of("SYN_1_0"),
        "group" to Json.of("SYN_1"),
        "label" to Json.of("BKL"),
        "float_class" to Json.of("NV"),
        "exported_class" to Json.of("BKL"),
        "float_score" to Json.of(0.06),
        "exported_score" to Json.of(0.05),
        "melanoma_lost" to Json.Flag(false),
    )

    private fun number(value: Double?): Json = value?.let { Json.of(it) } ?: Json.Null
}
