package melanomaedge.core

import java.util.Random

/** Make a small whole bundle whose models are noise around a true document; it needs no runtime. */
object ToyBundle {
    const val SIDE = 4

    private const val WEIGHTS = 400
    private val HASHES = (0..9).map { sha256(byteArrayOf(it.toByte())) }

    val contract: Json by lazy {
        Json.of(
            "schema" to Json.of(Contract.SCHEMA),
            "name" to Json.of("toy"),
            "classes" to texts("MEL", "NV", "BKL"),
            "target" to Json.of("melanoma"),
            "target_classes" to texts("MEL"),
            "melanoma_classes" to texts("MEL"),
            "malignant_classes" to texts("MEL"),
            "class_prior" to numbers(0.25, 0.5, 0.25),
            "input_size" to Json.of(SIDE),
            "input_range" to Json.of(listOf(Json.of(0), Json.of(255))),
            "image_types" to texts("dermoscopic"),
            "pixels" to Json.of(
                "version" to Json.of(1),
                "orientation" to Json.of("exif"),
                "colour" to Json.of("srgb"),
                "channels" to Json.of("rgb"),
                "crop" to Json.of("centre-square"),
                "resize" to Json.of("pillow-bilinear"),
            ),
            "temperature" to Json.of(1.25),
            "operating_point" to Json.of(
                "threshold" to Json.of(0.3),
                "target_sensitivity" to Json.of(0.95),
                "positives" to Json.of(90),
                "misses" to Json.of(0),
                "certified" to Json.Flag(true),
            ),
            "intended_use" to Json.of("Für Tests: never for use on people."),
            "provenance" to Json.of(
                "tool" to Json.of("melanoma-edge 0.1.0"),
                "method" to Json.of("train"),
                "sources" to texts("synthetic"),
                "licences" to texts("none needed (generated)"),
                "synthetic" to Json.Flag(true),
                "catalog_sha256" to Json.of(HASHES[0]),
                "weights_sha256" to Json.of(HASHES[1]),
                "reference_sha256" to Json.of(HASHES[2]),
            ),
            "safeguards" to safeguards,
        )
    }

    private val safeguards: Json by lazy {
        Json.of(
            "quality" to Json.of(
                "smallest_side" to Json.of(SIDE),
                "largest_aspect_percent" to Json.of(200),
                "least_sharpness" to Json.of(600),
                "least_brightness" to Json.of(5000),
                "most_brightness" to Json.of(23000),
                "most_clipped_permille" to Json.of(50),
                "least_colour" to Json.of(300),
            ),
            "outlier" to Json.of(
                "centre" to numbers(0.0, 1.0),
                "directions" to texts("wAA="),
                "steps" to numbers(0.015625),
                "limit" to Json.of(9.0),
            ),
            "uncertain_from" to Json.of(0.1),
        )
    }

    /** Return the files of the bundle, signed with [TestKeys.trusted]. */
    fun files(onnx: Boolean = true): Map<String, ByteArray> {
        val formats = if (onnx) listOf("tflite", "onnx") else listOf("tflite")
        val files = HashMap<String, ByteArray>()
        files["contract.json"] = contract.write().toByteArray()
        files["model_card.md"] = "# toy\n".toByteArray()
        files["golden/golden.json"] = golden(formats).write().toByteArray()
        for ((i, extension) in listOf("01" to "jpg", "02" to "png")) {
            files["golden/$i.$extension"] = Random(i.toLong()).bytes(60)
            files["golden/$i.rgb"] = Random(i.toLong()).bytes(3 * SIDE * SIDE)
        }
        for (format in formats) {
            files["model.$format"] = model(format)
            files["parity/$format.json"] = ToyParity.report(format).write().toByteArray()
        }
        files[Manifest.FILE] = manifest(formats).write().toByteArray()
        val forge = BundleForge(files)
        formats.forEach { forge.seal(it) }
        return forge.repair().sign().files
    }

    private fun model(format: String): ByteArray {
        val document = Json.of(
            "schema" to Json.of(Seal.SCHEMA),
            "format" to Json.of(format),
            "precision" to Json.of("int8"),
            "contract" to contract,
            "calibration" to Json.Null,
            "outputs" to Json.of(listOf(output("probabilities", 3), output("embedding", 2))),
            "rounding" to Json.Null,
            "kept" to Json.of(),
        )
        val noise = Random(format.hashCode().toLong())
        return noise.bytes(WEIGHTS) + BundleForge.sealable(document).toByteArray() + noise.bytes(WEIGHTS)
    }

    private fun output(name: String, length: Int): Json = Json.of(
        "name" to Json.of(name),
        "shape" to Json.of(listOf(Json.of(1), Json.of(length))),
        "meaning" to Json.of("what tests need"),
    )

    private fun manifest(formats: List<String>): Json = Json.of(
        "schema" to Json.of(Manifest.SCHEMA),
        "name" to Json.of("toy"),
        "release" to Json.of(3),
        "tool" to Json.of("melanoma-edge 0.1.0"),
        "synthetic" to Json.Flag(true),
        "target" to Json.of("melanoma"),
        "verdict" to Json.of("PASS"),
        "limits_changed" to Json.Flag(false),
        "lesions" to Json.of(375),
        "melanomas" to Json.of(96),
        "artifacts" to Json.Object(
            formats.associateWith { Json.of("path" to Json.of("model.$it"), "precision" to Json.of("int8")) },
        ),
        "safeguards" to safeguards,
    )

    private fun golden(formats: List<String>): Json = Json.of(
        "schema" to Json.of(Golden.SCHEMA),
        "input_size" to Json.of(SIDE),
        "tolerance" to Json.of(0.001),
        "vectors" to Json.of(
            listOf(
                vector("01", "jpeg", formats, State.REFER, State.REFER, 0.75, 0.125, 0.125),
                vector("02", "png", formats, State.NO_SIGN, State.REFER_UNCERTAIN, 0.125, 0.75, 0.125),
            ),
        ),
    )

    private fun vector(
        id: String,
        format: String,
        formats: List<String>,
        decision: State,
        state: State,
        vararg answer: Double,
    ): Json {
        val runtimes = listOf("litert", "litert-plain") + if ("onnx" in formats) listOf("onnxruntime") else emptyList()
        val extension = if (format == "jpeg") "jpg" else "png"
        return Json.of(
            "id" to Json.of(id),
            "photo" to Json.of("golden/$id.$extension"),
            "format" to Json.of(format),
            "orientation" to Json.of(1),
            "width" to Json.of(1200),
            "height" to Json.of(1000),
            "pixels" to Json.of("golden/$id.rgb"),
            "quality" to Json.Object(QUALITY.associateWith { Json.of(1000) }),
            "answers" to Json.Object(runtimes.associateWith { numbers(*answer) }),
            "decision" to Json.of(decision.code),
            "state" to Json.of(state.code),
        )
    }

    private val QUALITY =
        listOf("short_side", "aspect_percent", "sharpness", "brightness", "clipped_permille", "colour")

    private fun texts(vararg values: String) = Json.of(values.map { Json.of(it) })

    private fun numbers(vararg values: Double) = Json.of(values.map { Json.of(it) })

    private fun Random.bytes(count: Int) = ByteArray(count).also { nextBytes(it) }
}
