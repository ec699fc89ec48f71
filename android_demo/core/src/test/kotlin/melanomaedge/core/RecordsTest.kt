package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import java.util.Locale

class RecordsTest {
    private val bundle = BundleVerifier(null, VolatileReleaseMemory()).verify(MemoryFiles(ToyBundle.files()))
    private val probabilities = floatArrayOf(0.3f, 0.6f, 0.1f)
    private val quality = QualityMeasures(1200, 133, 1653, 17261, 0, 5254)
    private val input = sha256("photo".toByteArray())

    private val noAnswer = Decision(State.RETAKE, emptyList(), null)

    private fun record(decision: Decision, time: String = "2026-11-21T18:00:00Z") =
        AuditRecord.of(time, bundle, "tflite", "litert", input, decision)

    private fun decided(): AuditRecord = record(bundle.decide(emptyList(), probabilities, null))

    private fun undecided(): AuditRecord =
        record(bundle.decide(listOf(Finding.BLURRED, Finding.COLOURLESS), null, null))

    private fun observation(): Json = FhirObservation.of(bundle, decided(), probabilities, quality)

    private fun <T> inGermany(action: () -> T): T {
        val before = Locale.getDefault()
        Locale.setDefault(Locale.GERMANY)
        try {
            return action()
        } finally {
            Locale.setDefault(before)
        }
    }

    @Test
    fun `an audit record is read back`() {
        for (record in listOf(decided(), undecided())) {
            val text = record.toJson().write()
            assertEquals(record, AuditRecord.read(Json.parse(text.toByteArray(), "record"), "record"))
        }
    }

    @Test
    fun `an audit record holds these keys and no others`() {
        val keys = listOf(
            "schema", "time", "bundle_name", "release", "bundle_sha256", "signed", "synthetic", "model_sha256",
            "input_sha256", "state", "score", "threshold", "findings", "runtime",
        )
        assertEquals(keys, (undecided().toJson() as Json.Object).members.keys.toList())
        assertEquals(Json.Null, undecided().toJson().at("score"))
    }

    @Test
    fun `an audit record that was edited into nonsense is refused`() {
        val json = decided().toJson()
        val bad = listOf(
            json.with("state", value = Json.of("benign")),
            json.with("findings", value = Json.of(listOf(Json.of("ugly")))),
            json.with("time", value = Json.of("yesterday")),
            json.with("photo", value = Json.of("...")),
            json.without("score"),
        )
        for (document in bad) {
            val refused = assertThrows(Refused::class.java) { AuditRecord.read(document, "record") }
            assertEquals(Reason.BAD_DOCUMENT, refused.reason)
        }
    }

    @Test
    fun `times are UTC`() {
        record(noAnswer, "2026-11-21T18:00:00.123Z")
        for (time in listOf("2026-11-21T18:00:00", "2026-11-21T18:00:00+01:00", "21.11.2026", "")) {
            assertThrows(IllegalArgumentException::class.java) { record(noAnswer, time) }
        }
    }

    @Test
    fun `records are the same in a country of decimal commas`() {
        val here = decided().toJson().write() to observation().write()
        val there = inGermany { decided().toJson().write() to observation().write() }
        assertEquals(here, there)
        assertTrue(there.first.contains("\"score\": 0.30000001192092896"))
    }

    @Test
    fun `an observation is preliminary, of artificial intelligence, and of nobody`() {
        val json = observation()
        assertEquals(Json.of("Observation"), json.at("resourceType"))
        assertEquals(Json.of("preliminary"), json.at("status"))
        assertEquals(Json.of("AIAST"), json.at("meta", "security", 0, "code"))
        assertEquals(Json.of("imaging"), json.at("category", 0, "coding", 0, "code"))
        assertEquals(Json.of("refer"), json.at("valueCodeableConcept", "coding", 0, "code"))
        assertEquals(Json.of("2026-11-21T18:00:00Z"), json.at("effectiveDateTime"))
        val keys = (json as Json.Object).members.keys
        assertTrue(listOf("subject", "performer", "encounter", "bodySite", "identifier").none { it in keys })
    }

    @Test
    fun `the device is contained, referred to and named by hash`() {
        val json = observation()
        val device = json.at("contained", 0)
        assertEquals(Json.of("Device"), device.at("resourceType"))
        assertEquals(Json.of("#" + device.at("id").text), json.at("device", "reference"))
        assertEquals(Json.of(bundle.sha256), device.at("identifier", 0, "value"))
        assertEquals(Json.of(sha256(bundle.tflite)), device.at("identifier", 1, "value"))
        assertEquals(Json.of("toy"), device.at("deviceName", 0, "name"))
        assertEquals(Json.of("3"), device.at("version", 0, "value"))
        assertEquals(Json.of("Parity with the reference: PASS on 375 lesions."), device.at("note", 0, "text"))
    }

    @Test
    fun `an unsigned synthetic bundle says so in the observation`() {
        val notes = (observation().at("note") as Json.Array).items.map { it.at("text") }
        assertTrue(Json.of("Unsigned development bundle.") in notes)
        assertTrue(Json.of("Trained on synthetic images: not for use on people.") in notes)
    }

    @Test
    fun `components hold score, threshold, classes and quality`() {
        val components = components(observation())
        val codes = components.map { it.at("code", "coding", 0, "code").text }
        val expected = listOf(
            "target-score", "threshold", "MEL", "NV", "BKL",
            "short-side", "aspect-percent", "sharpness", "brightness", "clipped-permille", "colour",
        )
        assertEquals(expected, codes)
        assertEquals(Json.Number("0.6000000238418579"), components[3].at("valueQuantity", "value"))
        assertEquals(Json.of(1200), components[5].at("valueInteger"))
    }

    @Test
    fun `where no score was given the observation says that there is none`() {
        val json = FhirObservation.of(bundle, undecided(), floatArrayOf(Float.NaN, 0f, 0f), null)
        val components = components(json)
        assertEquals(Json.of("not-performed"), components[0].at("dataAbsentReason", "coding", 0, "code"))
        assertEquals(Json.of("not-performed"), components[2].at("dataAbsentReason", "coding", 0, "code"))
        val findings = components.takeLast(2).map { it.at("valueCodeableConcept", "text").text }
        assertEquals(listOf("blurred", "colourless"), findings)
        assertFalse(json.write().contains("NaN"))
    }

    @Test
    fun `what is not answered has no score, although the model gave one`() {
        val record = record(bundle.decide(listOf(Finding.BLURRED), probabilities, null))
        assertEquals(State.RETAKE, record.state)
        val components = components(FhirObservation.of(bundle, record, probabilities, quality))
        val shares = components.filter { "valueQuantity" in (it as Json.Object).members }
        assertEquals(listOf("threshold"), shares.map { it.at("code", "coding", 0, "code").text })
    }

    @Test
    fun `each component has a code and one value, or says why none`() {
        for (json in listOf(observation(), FhirObservation.of(bundle, undecided(), null, null))) {
            for (component in components(json)) {
                val keys = (component as Json.Object).members.keys
                assertEquals(1, keys.count { it.startsWith("value") || it == "dataAbsentReason" })
                assertTrue("code" in keys)
            }
        }
    }

    @Test
    fun `no state is worded as an all-clear`() {
        for (state in State.values()) {
            val json = FhirObservation.of(bundle, record(Decision(state, emptyList(), null)), null, null)
            val words = json.at("valueCodeableConcept", "text").text
            assertFalse(Regex("benign|healthy|harmless|%s", RegexOption.IGNORE_CASE).containsMatchIn(words))
        }
    }

    private fun components(json: Json): List<Json> = (json.at("component") as Json.Array).items
}
