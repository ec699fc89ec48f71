package melanomaedge.app.history

import melanomaedge.app.photo.PhotoProblem
import melanomaedge.core.AuditRecord
import melanomaedge.core.Fields
import melanomaedge.core.Json
import melanomaedge.core.QualityLimits
import melanomaedge.core.QualityMeasures
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.Verdict
import melanomaedge.engine.Trouble

/** Writes answers as lines of JSON and reads them back; what is not exactly such a line is refused, never guessed. */
internal object AnswerJson {
    private const val SCHEMA = "melanoma-edge/answer/1"

    fun write(answer: Answer): String = Json.of(
        "schema" to Json.of(SCHEMA),
        "id" to Json.of(answer.id),
        "audit" to answer.audit.toJson(),
        "model" to model(answer.model),
        "failure" to (answer.failure?.let(::failure) ?: Json.Null),
        "classes" to Json.of(answer.classes.map(::share)),
        "quality" to (answer.quality?.let(::measures) ?: Json.Null),
        "limits" to limits(answer.limits),
        "delegate" to text(answer.delegate),
        "fhir" to answer.fhir,
    ).write(indented = false)

    fun read(line: String): Answer {
        val json = Json.parse(line.toByteArray(), WHERE)
        Fields.checkSchema(json, SCHEMA, WHERE)
        return Fields.of(json, WHERE) {
            text("schema")
            Answer(
                id = text("id"),
                audit = AuditRecord.read(value("audit"), WHERE),
                model = nested("model") { model(this) },
                failure = orNull("failure") { key -> nested(key) { failure(this) } },
                classes = list("classes") { item, at -> Fields.of(item, at) { share(this) } },
                quality = orNull("quality") { key -> nested(key) { measures(this) } },
                limits = nested("limits") { limits(this) },
                delegate = orNull("delegate") { text(it) },
                fhir = value("fhir"),
            )
        }
    }

    private fun model(model: ModelFacts) = Json.of(
        "target" to Json.of(model.target),
        "verdict" to Json.of(model.verdict.name),
        "lesions" to Json.of(model.lesions),
        "limits_changed" to Json.Flag(model.limitsChanged),
    )

    private fun model(fields: Fields) = ModelFacts(
        target = fields.text("target"),
        verdict = named(Verdict.values(), fields.text("verdict")),
        lesions = fields.int("lesions"),
        limitsChanged = fields.flag("limits_changed"),
    )

    private fun failure(failure: Failure) = Json.of(
        "trouble" to Json.of(failure.trouble.name),
        "problem" to text(failure.problem?.name),
        "detail" to text(failure.detail),
    )

    private fun failure(fields: Fields) = Failure(
        trouble = named(Trouble.values(), fields.text("trouble")),
        problem = fields.orNull("problem") { named(PhotoProblem.values(), text(it)) },
        detail = fields.orNull("detail") { text(it) },
    )

    private fun share(share: ClassShare) = Json.of(
        "name" to Json.of(share.name),
        "probability" to Json.of(share.probability),
        "target" to Json.Flag(share.target),
    )

    private fun share(fields: Fields) = ClassShare(fields.text("name"), fields.number("probability"), fields.flag("target"))

    private fun measures(quality: QualityMeasures) = quality.run {
        numbers(shortSide, aspectPercent, sharpness, brightness, clippedPermille, colour)
    }

    private fun measures(fields: Fields) = numbers(fields, MEASURES).let { QualityMeasures(it[0], it[1], it[2], it[3], it[4], it[5]) }

    private fun limits(limits: QualityLimits) = limits.run {
        numbers(smallestSide, largestAspectPercent, leastSharpness, leastBrightness, mostBrightness, mostClippedPermille, leastColour)
    }

    private fun limits(fields: Fields) =
        numbers(fields, LIMITS).let { QualityLimits(it[0], it[1], it[2], it[3], it[4], it[5], it[6]) }

    private fun numbers(vararg values: Int) = Json.of("values" to Json.of(values.map { Json.of(it) }))

    private fun numbers(fields: Fields, count: Int): List<Int> {
        val values = fields.list("values") { item, at -> Fields.int(item, at) }
        if (values.size != count) throw Refused(Reason.BAD_DOCUMENT, "$WHERE: ${values.size} values instead of $count")
        return values
    }

    private fun text(value: String?): Json = value?.let { Json.of(it) } ?: Json.Null

    private fun <T : Enum<T>> named(values: Array<T>, name: String): T =
        values.find { it.name == name } ?: throw Refused(Reason.BAD_DOCUMENT, "$WHERE: unknown $name")

    private const val WHERE = "answer"
    private const val MEASURES = 6
    private const val LIMITS = 7
}
