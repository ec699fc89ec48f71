package melanomaedge.app

import android.app.Activity
import android.content.Intent
import android.view.View
import java.util.Locale
import melanomaedge.app.check.CheckActivity
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.result.DetailsActivity
import melanomaedge.app.result.ResultActivity
import melanomaedge.core.Json
import melanomaedge.core.with
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** The five answers, and what stands beside each of them. */
@RunWith(RobolectricTestRunner::class)
class ResultActivityTest {
    private fun result(photo: ByteArray, target: Double, bundle: ByteArray = Demo.zip): ResultActivity {
        val phone = Phone(TestServices(bundle, engine = { FakeEngine(it, target) })).ready()
        return phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, phone.check(photo)))
    }

    private fun Activity.says(vararg texts: Int) = texts.forEach { assertTrue(getString(it), getString(it).replace("\u00AD", "") in text) }

    private fun Activity.doesNotSay(vararg texts: Int) = texts.forEach { assertFalse(getString(it) in text) }

    @Test
    fun `refer says suspicion, a range and what to do`() {
        val screen = result(Scenes.good, 0.62)
        screen.says(R.string.state_refer, R.string.state_refer_melanoma, R.string.next_refer_1, R.string.band_melanoma, R.string.band_low)
        assertTrue("over 50%" in screen.text)
        assertFalse("the score itself is not shown", "62" in screen.text)
    }

    @Test
    fun `a score a little below the limit may be uncertain, and is referred too`() {
        val screen = result(Scenes.good, Scenes.uncertainFrom * 1.5, Scenes.uncertain)
        screen.says(R.string.state_uncertain, R.string.state_uncertain_note, R.string.next_uncertain_1)
        screen.doesNotSay(R.string.state_no_sign_melanoma, R.string.state_refer_melanoma)
    }

    @Test
    fun `retake says what was wrong and how to do better, whatever the score`() {
        val screen = result(Scenes.grey, 0.99)
        screen.says(R.string.state_retake, R.string.finding_too_small, R.string.finding_too_small_fix, R.string.finding_blurred_fix)
        screen.doesNotSay(R.string.band_melanoma, R.string.state_refer_melanoma)
    }

    @Test
    fun `not assessable gives no range`() {
        val screen = result(Scenes.print, 0.001)
        screen.says(R.string.state_unassessable, R.string.finding_colourless, R.string.next_unassessable_1)
        screen.doesNotSay(R.string.band_melanoma, R.string.state_no_sign_melanoma)
    }

    @Test
    fun `no melanoma sign found is no relief`() {
        val screen = result(Scenes.good, 0.0001)
        screen.says(R.string.state_no_sign_melanoma, R.string.state_no_sign_note, R.string.next_no_sign_1, R.string.next_no_sign_3)
        assertTrue("under 1%" in screen.text)
    }

    @Test
    fun `a model of malignancy does not speak of melanoma`() {
        val malignant = Demo.changed {
            editContract { it.with("target", value = Json.of("malignant")) }
            put("manifest.json", "target", value = Json.of("malignant"))
            formats.forEach { put("parity/$it.json", "target", value = Json.of("malignant")) }
        }
        val screen = result(Scenes.good, 0.62, malignant)
        screen.says(R.string.state_refer_malignant, R.string.band_malignant)
        screen.doesNotSay(R.string.state_refer_melanoma, R.string.band_melanoma)
    }

    @Test
    fun `a good photo's answer names its model and says that it is no diagnosis`() = checkModelOf(Scenes.good)

    @Test
    fun `a bad photo's answer does so too`() = checkModelOf(Scenes.grey)

    @Test
    fun `and that of no photo at all`() = checkModelOf(ByteArray(3))

    private fun checkModelOf(photo: ByteArray) {
        val screen = result(photo, 0.3)
        screen.says(R.string.disclaimer, R.string.banner_synthetic, R.string.banner_unsigned, R.string.about_answer)
        for (text in listOf(screen.getString(R.string.model_line, Demo.manifest.name, Demo.manifest.release), screen.getString(R.string.parity_pass, "${Demo.manifest.lesions}"))) assertTrue(text, text in screen.text)
    }

    @Test
    fun `the answer is announced as one sentence`() {
        val card = result(Scenes.good, 0.62).findViewById<View>(R.id.state)
        assertEquals(View.ACCESSIBILITY_LIVE_REGION_ASSERTIVE, card.accessibilityLiveRegion)
        assertEquals("REFER: Melanoma suspicion", card.contentDescription)
    }

    @Test
    @Config(qualifiers = "de")
    fun `German numbers have German signs`() {
        assertEquals(Locale.GERMAN.language, RuntimeEnvironment.getApplication().resources.configuration.locales[0].language)
        val text = result(Scenes.good, 0.1).text
        assertTrue(text, "5\u00A0% bis 20\u00A0%" in text && Regex("ab [0-9]+(,[0-9])?\u00A0%").containsMatchIn(text))
    }

    @Test
    fun `an answer is the same after the death of the process, and its picture is gone`() {
        val phone = Phone(TestServices(engine = { FakeEngine(it, 0.62, map = true) })).ready()
        val id = phone.check(Scenes.good)
        val before = phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, id)).text
        phone.app.checks.forget(id)
        assertEquals(before, phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, id)).text)
        phone.open(DetailsActivity::class.java, DetailsActivity.of(phone.app, id)).says(R.string.details_picture_gone)
    }

    @Test
    fun `leaving an answer forgets the picture`() {
        val phone = Phone().ready()
        val id = phone.check(Scenes.good)
        val screen = phone.start(ResultActivity::class.java, ResultActivity.of(phone.app, id))
        screen.get().findViewById<View>(R.id.back).performClick()
        screen.pause().stop().destroy()
        assertEquals(null, phone.app.checks.find(id))
    }

    @Test
    fun `the next photo begins at the start`() {
        val phone = Phone().ready()
        val screen = phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, phone.check(Scenes.good)))
        screen.pressText(R.string.new_photo)
        val next = phone.next(screen)!!
        assertEquals(HomeActivity::class.java.name, next.component!!.className)
        assertTrue(next.flags and Intent.FLAG_ACTIVITY_CLEAR_TOP != 0)
    }

    @Test
    fun `details show every class, the smallest too, and the map of the model`() {
        val phone = Phone(TestServices(engine = { FakeEngine(it, 0.25, map = true) })).ready()
        val screen = phone.open(DetailsActivity::class.java, DetailsActivity.of(phone.app, phone.check(Scenes.good)))
        val classes = listOf(R.string.class_mel, R.string.class_nv, R.string.class_bcc, R.string.class_ak, R.string.class_bkl, R.string.class_df, R.string.class_vasc)
        screen.says(*classes.toIntArray())
        screen.says(R.string.details_map_note)
        assertTrue("20% to 50%" in screen.text && "litert" in screen.text && "XNNPACK" in screen.text)
        assertEquals(1, screen.content.seen().count { it.contentDescription == screen.getString(R.string.details_map_text) })
    }

    @Test
    fun `details say which measure a photo missed`() {
        val phone = Phone().ready()
        val text = phone.open(DetailsActivity::class.java, DetailsActivity.of(phone.app, phone.check(Scenes.dark))).text
        assertTrue(text, Regex("Brightness: .*: not met").containsMatchIn(text))
        assertTrue(Regex("Shorter side: .*: met").containsMatchIn(text))
    }

    @Test
    fun `an answer whose photo is still under way cannot be opened`() {
        val phone = Phone().ready().apply { services.background.holding = true }
        phone.open(CheckActivity::class.java, CheckActivity.of(phone.app, phone.photo(Scenes.good)))
        phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, "nonsense")).says(R.string.answer_gone)
    }
}
