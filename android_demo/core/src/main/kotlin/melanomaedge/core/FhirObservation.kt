package melanomaedge.core

/**
 * Write a decision as an Observation of FHIR R4, for a clinician's system.
 *
 * It is `preliminary` and labelled as asserted by artificial intelligence: a clinician, not this software, makes it
 * final. It names no patient, performer or body site; whoever imports it adds them. The same values give the same text.
 */
object FhirObservation {
    private const val TERMINOLOGY = "http://terminology.hl7.org/CodeSystem"
    private const val UNITS = "http://unitsofmeasure.org"
    private const val OWN = "urn:melanoma-edge"
    private const val DEVICE = "model"
    private val ASSERTED_BY_AI =
        coding("$TERMINOLOGY/v3-ObservationValue", "AIAST", "Artificial Intelligence asserted")
    private val IMAGING = coding("$TERMINOLOGY/observation-category", "imaging", "Imaging")
    private val NOT_PERFORMED = coding("$TERMINOLOGY/data-absent-reason", "not-performed", "Not Performed")

    /**
     * Return the observation.
     *
     * [probabilities] are in class order, null where the model gave none, not finite where it failed; [quality] is null
     * where nothing was measured. A photo that is not answered has no score and no probabilities here: a low one would
     * be read as an answer.
     */
    fun of(bundle: Bundle, record: AuditRecord, probabilities: FloatArray?, quality: QualityMeasures?): Json = Json.of(
        "resourceType" to Json.of("Observation"),
        "meta" to Json.of("security" to list(ASSERTED_BY_AI)),
        "contained" to list(device(bundle, record)),
        "status" to Json.of("preliminary"),
        "category" to list(Json.of("coding" to list(IMAGING))),
        "code" to concept("observation", "lesion-triage", "Triage of a skin lesion's image: ${bundle.manifest.target}"),
        "effectiveDateTime" to Json.of(record.time),
        "issued" to Json.of(record.time),
        "valueCodeableConcept" to concept("state", record.state.code, words(record.state, bundle.manifest.target)),
        "note" to Json.of(notes(bundle).map { Json.of("text" to Json.of(it)) }),
        "method" to Json.of("text" to Json.of("Neural network on the device, runtime ${record.runtime}")),
        "device" to Json.of("reference" to Json.of("#$DEVICE")),
        "component" to Json.of(components(bundle.contract, record, probabilities, quality)),
    )

    private fun words(state: State, target: String): String = when (state) {
        State.REFER -> "Refer: suspicion of $target"
        State.REFER_UNCERTAIN -> "Refer: uncertain"
        State.RETAKE -> "No answer: photo to be taken again"
        State.NOT_ASSESSABLE -> "No answer: not assessable"
        State.NO_SIGN -> "No sign of $target found; routine care rules apply"
    }

    private fun notes(bundle: Bundle): List<String> = listOfNotNull(
        bundle.contract.intendedUse.ifBlank { null },
        "Unsigned development bundle.".takeIf { !bundle.signed },
        "Trained on synthetic images: not for use on people.".takeIf { bundle.manifest.synthetic },
    )

    private fun device(bundle: Bundle, record: AuditRecord): Json {
        val manifest = bundle.manifest
        val limits = if (manifest.limitsChanged) ", at limits that are not the usual ones" else ""
        val parity = "Parity with the reference: ${manifest.verdict} on ${manifest.lesions} lesions$limits."
        return Json.of(
            "resourceType" to Json.of("Device"),
            "id" to Json.of(DEVICE),
            "identifier" to Json.of(
                listOf(
                    identifier("sha256 of the bundle's manifest", record.bundleSha256),
                    identifier("sha256 of the model", record.modelSha256),
                ),
            ),
            "deviceName" to list(Json.of("name" to Json.of(manifest.name), "type" to Json.of("model-name"))),
            "version" to list(identifier("release of the bundle", "${manifest.release}")),
            "note" to list(Json.of("text" to Json.of(parity))),
        )
    }

    private fun components(
        contract: Contract,
        record: AuditRecord,
        probabilities: FloatArray?,
        quality: QualityMeasures?,
    ): List<Json> {
        val target = contract.targetClasses.joinToString(" + ")
        val score = concept("score", "target-score", "Score: probability of $target")
        val threshold = concept("score", "threshold", "Score from which a lesion is referred")
        val answered = record.state != State.RETAKE && record.state != State.NOT_ASSESSABLE
        val shares = if (answered) probabilities?.map { it.toDouble() }.orEmpty() else emptyList()
        val classes = contract.classes.mapIndexed { i, name ->
            component(concept("class", name, "Probability of $name"), shares.getOrNull(i)?.takeIf { it.isFinite() })
        }
        val findings = record.findings.map {
            Json.of(
                "code" to concept("quality", "finding", "What speaks against scoring the photo"),
                "valueCodeableConcept" to concept("finding", it.code, it.code),
            )
        }
        val asked = component(score, record.score.takeIf { answered })
        val scores = listOf(asked, component(threshold, contract.threshold))
        return scores + classes + findings + quality?.let { measures(it) }.orEmpty()
    }

    private fun measures(quality: QualityMeasures): List<Json> = listOf(
        "short-side" to quality.shortSide,
        "aspect-percent" to quality.aspectPercent,
        "sharpness" to quality.sharpness,
        "brightness" to quality.brightness,
        "clipped-permille" to quality.clippedPermille,
        "colour" to quality.colour,
    ).map { (name, value) ->
        Json.of("code" to concept("quality", name, "Quality of the photo: $name"), "valueInteger" to Json.of(value))
    }

    /** Return a component with a share from 0 to 1, or with the statement that there is none. */
    private fun component(code: Json, share: Double?): Json = Json.of(
        "code" to code,
        "valueQuantity" to share?.let {
            Json.of("value" to Json.of(it), "system" to Json.of(UNITS), "code" to Json.of("1"))
        },
        "dataAbsentReason" to if (share == null) Json.of("coding" to list(NOT_PERFORMED)) else null,
    )

    private fun identifier(type: String, value: String) = Json.of("type" to text(type), "value" to Json.of(value))

    private fun concept(system: String, code: String, words: String) =
        Json.of("coding" to list(coding("$OWN:$system", code, null)), "text" to Json.of(words))

    private fun coding(system: String, code: String, display: String?) =
        Json.of("system" to Json.of(system), "code" to Json.of(code), "display" to display?.let { Json.of(it) })

    private fun text(words: String) = Json.of("text" to Json.of(words))

    private fun list(vararg items: Json) = Json.of(items.toList())
}
