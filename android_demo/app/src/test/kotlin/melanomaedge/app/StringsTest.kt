package melanomaedge.app

import android.content.res.Configuration
import java.util.Locale
import melanomaedge.app.photo.PhotoProblem
import melanomaedge.app.ui.adviceFor
import melanomaedge.app.ui.bandText
import melanomaedge.app.ui.className
import melanomaedge.app.ui.lookOf
import melanomaedge.app.ui.wordFor
import melanomaedge.core.Band
import melanomaedge.core.Contract
import melanomaedge.core.Finding
import melanomaedge.core.Reason
import melanomaedge.core.State
import melanomaedge.core.Unfit
import melanomaedge.engine.Trouble
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** The words: all of them in both languages, none of them a promise. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class StringsTest {
    private val app get() = RuntimeEnvironment.getApplication()
    private val english = inLanguage("en")
    private val german = inLanguage("de")

    private fun inLanguage(language: String) =
        app.createConfigurationContext(Configuration(app.resources.configuration).apply { setLocale(Locale.forLanguageTag(language)) })

    private val strings: Map<String, Int> = R.string::class.java.fields.associate { it.name to it.getInt(null) }

    @Test
    fun `every string stands in both languages`() {
        val same = strings.filter { (_, id) -> english.getString(id) == german.getString(id) }.keys
        assertEquals(SAME_IN_BOTH, same)
    }

    @Test
    fun `both languages take the same arguments`() {
        for ((name, id) in strings) assertEquals(name, arguments(english.getString(id)), arguments(german.getString(id)))
    }

    @Test
    fun `no string calls a lesion harmless`() {
        val promise = Regex("benign|gutartig|harmless|harmlos|healthy|gesund|all clear|unbedenklich|\u2713|\u2714|\u2705", RegexOption.IGNORE_CASE)
        for ((name, id) in strings) {
            for (text in listOf(english.getString(id), german.getString(id))) assertFalse("$name: $text", promise.containsMatchIn(text))
        }
    }

    @Test
    fun `every reason, finding, trouble and problem has its own words`() {
        val reasons = Reason.values().map { english.getString(wordFor(it)) }
        assertEquals(reasons.toSet().size, reasons.size)
        val findings = Finding.values().map { english.getString(adviceFor(it).wrong) to english.getString(adviceFor(it).better) }
        assertEquals(findings.toSet().size, findings.size)
        assertTrue(Trouble.values().all { german.getString(wordFor(it)).length > 10 })
        assertTrue(PhotoProblem.values().all { german.getString(wordFor(it)).length > 10 })
        assertEquals(Unfit.values().map { it.name }, Unfit.values().map { PhotoProblem.of(it).name })
    }

    @Test
    fun `the five answers differ in words and in picture`() {
        for (target in Contract.TARGETS) {
            val looks = State.values().map { lookOf(it, target) }
            assertEquals(State.values().size, looks.map { english.getString(it.word) + english.getString(it.note) }.toSet().size)
            assertEquals(State.values().size, looks.map { it.icon }.toSet().size)
        }
        val no = State.NO_SIGN
        assertNotEquals(english.getString(lookOf(no, "melanoma").word), english.getString(lookOf(no, "malignant").word))
    }

    @Test
    fun `bands and classes are written as people here write them`() {
        assertEquals(listOf("under 1%", "1% to 5%", "5% to 20%", "20% to 50%", "over 50%"), Band.values().map { english.bandText(it) })
        assertEquals("5\u00A0% bis 20\u00A0%", german.bandText(Band.FROM_5_TO_20))
        assertEquals("Nävus", german.className("NV"))
        assertEquals("Not labelled malignant", english.className("benign"))
        assertEquals("something new", english.className("something new"))
    }

    private fun arguments(text: String) = Regex("%[0-9]\\$[a-z]|%%").findAll(text).map { it.value }.toList().sorted()

    private companion object {
        val SAME_IN_BOTH = setOf("app_name", "bullet", "details_stage", "fact_name", "model_fact", "model_hash", "model_manifest", "state_spoken")
    }
}
