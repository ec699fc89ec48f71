package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Hold observations against the elements that FHIR R4 defines for the types which they use. */
class FhirShapeTest {
    private val bundle = BundleVerifier(null, VolatileReleaseMemory()).verify(MemoryFiles(ToyBundle.files()))
    private val quality = QualityMeasures(1200, 133, 1653, 17261, 0, 5254)

    private fun observation(findings: List<Finding>, probabilities: FloatArray?): Json {
        val decision = bundle.decide(findings, probabilities, null)
        val hash = sha256("photo".toByteArray())
        val record = AuditRecord.of("2026-11-21T18:00:00Z", bundle, "tflite", "litert", hash, decision)
        return FhirObservation.of(bundle, record, probabilities, quality.takeIf { findings.isEmpty() })
    }

    @Test
    fun `observations are made of R4's elements, and of all that must be there`() {
        val answers = listOf(floatArrayOf(1f, 0f, 0f), floatArrayOf(0f, 1f, 0f), floatArrayOf(1e-30f, 1f, 0f), null)
        for (probabilities in answers) {
            check(observation(emptyList(), probabilities), "Observation", "Observation")
            check(observation(Finding.values().toList(), probabilities), "Observation", "Observation")
        }
    }

    @Test
    fun `the shape notices what R4 does not know`() {
        val good = observation(emptyList(), null)
        val bad = listOf(
            good.with("verdict", value = Json.of("PASS")),
            good.without("status"),
            good.with("component", 0, "code", value = Json.of("score")),
            good.with("contained", 0, "version", 0, "value", value = Json.of(3)),
            good.with("component", value = Json.of(emptyList())),
            good.with("issued", value = Json.of("")),
        )
        for (json in bad) {
            assertTrue(runCatching { check(json, "Observation", "Observation") }.exceptionOrNull() is AssertionError)
        }
    }

    private fun check(json: Json, type: String, where: String) {
        val shape = SHAPES.getValue(type)
        val members = (json as? Json.Object ?: throw AssertionError("$where is no object")).members
        assertEquals(emptySet<String>(), members.keys - shape.keys.map { name(it) }.toSet(), where)
        for ((key, kind) in shape) {
            val value = members[name(key)]
            if (value != null) checkValue(value, key, kind, "$where.${name(key)}")
            assertTrue(value != null || !key.endsWith("!"), "$where.${name(key)} is missing")
        }
    }

    private fun name(key: String): String = key.removeSuffix("!").removeSuffix("[]")

    private fun checkValue(value: Json, key: String, kind: String, where: String) {
        if (!key.removeSuffix("!").endsWith("[]")) return checkOne(value, kind, where)
        val items = (value as? Json.Array ?: throw AssertionError("$where is no list")).items
        assertTrue(items.isNotEmpty(), "$where is empty")
        items.forEachIndexed { i, item -> checkOne(item, kind, "$where[$i]") }
    }

    private fun checkOne(value: Json, kind: String, where: String) {
        val pattern = PATTERNS[kind] ?: return check(value, kind, where)
        val text = if (kind in NUMBERS) (value as? Json.Number)?.text else (value as? Json.Text)?.value
        assertTrue(text != null && pattern.matches(text), "$where is no $kind: $value")
    }

    private companion object {
        val NUMBERS = setOf("decimal", "integer")
        val PATTERNS = mapOf(
            "string" to Regex("[ \\r\\n\\t\\S]+"),
            "code" to Regex("[^\\s]+(\\s[^\\s]+)*"),
            "id" to Regex("[A-Za-z0-9\\-.]{1,64}"),
            "uri" to Regex("(http|urn):\\S+"),
            "dateTime" to Regex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z"),
            "decimal" to Regex("-?(0|[1-9][0-9]*)(\\.[0-9]+)?([eE][+-]?[0-9]+)?"),
            "integer" to Regex("[0]|[-+]?[1-9][0-9]*"),
            "preliminary" to Regex("preliminary"),
            "type of name" to Regex("udi-label-name|user-friendly-name|manufacturer-name|model-name|other"),
        )

        /** Elements by type: `!` marks what must be there, `[]` what is a list. */
        val SHAPES: Map<String, Map<String, String>> = mapOf(
            "Observation" to mapOf(
                "resourceType!" to "string", "meta!" to "Meta", "contained[]!" to "Device", "status!" to "preliminary",
                "category[]!" to "CodeableConcept", "code!" to "CodeableConcept", "effectiveDateTime!" to "dateTime",
                "issued!" to "dateTime", "valueCodeableConcept!" to "CodeableConcept", "note[]" to "Annotation",
                "method" to "CodeableConcept", "device!" to "Reference", "component[]!" to "Component",
            ),
            "Meta" to mapOf("security[]!" to "Coding"),
            "Device" to mapOf(
                "resourceType!" to "string", "id!" to "id", "identifier[]!" to "Identifier",
                "deviceName[]!" to "DeviceName", "version[]!" to "Identifier", "note[]" to "Annotation",
            ),
            "DeviceName" to mapOf("name!" to "string", "type!" to "type of name"),
            "Identifier" to mapOf("type" to "CodeableConcept", "value!" to "string"),
            "CodeableConcept" to mapOf("coding[]" to "Coding", "text" to "string"),
            "Coding" to mapOf("system!" to "uri", "code!" to "code", "display" to "string"),
            "Annotation" to mapOf("text!" to "string"),
            "Reference" to mapOf("reference!" to "string"),
            "Quantity" to mapOf("value!" to "decimal", "system!" to "uri", "code!" to "code"),
            "Component" to mapOf(
                "code!" to "CodeableConcept", "valueQuantity" to "Quantity", "valueInteger" to "integer",
                "valueCodeableConcept" to "CodeableConcept", "dataAbsentReason" to "CodeableConcept",
            ),
        )
    }
}
