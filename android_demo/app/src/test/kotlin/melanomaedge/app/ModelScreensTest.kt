package melanomaedge.app

import android.app.Activity
import android.content.Intent
import android.net.Uri
import java.io.ByteArrayInputStream
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.model.ModelActivity
import melanomaedge.app.model.RefusedActivity
import melanomaedge.core.TestKeys
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf

/** The screens about the model: all its facts, another bundle, and the reasons of a refusal. */
@RunWith(RobolectricTestRunner::class)
class ModelScreensTest {
    /** Chooses a file as a person would in the system's chooser. */
    private fun choose(phone: Phone, screen: Activity, zip: ByteArray) {
        val uri = Uri.parse("content://documents/bundle")
        shadowOf(phone.app.contentResolver).registerInputStreamSupplier(uri) { ByteArrayInputStream(zip) }
        screen.pressText(R.string.model_install)
        val asked = shadowOf(screen).nextStartedActivityForResult.intent
        assertEquals(Intent.ACTION_OPEN_DOCUMENT, asked.action)
        shadowOf(screen).receiveResult(asked, Activity.RESULT_OK, Intent().setData(uri))
    }

    /** What was started last. */
    private fun next(screen: Activity) = shadowOf(screen).nextStartedActivity

    @Test
    fun `all hashes, all facts and the model card are shown`() {
        val text = Phone().ready().open(ModelActivity::class.java).text
        val manifest = Demo.files.getValue("manifest.json").decodeToString()
        for (hash in Regex("[0-9a-f]{64}").findAll(manifest)) assertTrue(hash.value, hash.value in text)
        assertTrue(Demo.files.getValue("model_card.md").decodeToString().trim() in text)
        for (fact in listOf(Demo.manifest.name, "int8", "XNNPACK", "litert", "dermoscopic", "Melanoma")) assertTrue(fact, fact in text)
    }

    @Test
    fun `a signature is claimed only where the app has a key`() {
        val signed = Phone(TestServices(Scenes.signed, TestKeys.trusted.public)).ready().open(ModelActivity::class.java)
        assertTrue(signed.getString(R.string.model_signed) in signed.text)
        assertFalse(signed.getString(R.string.banner_unsigned) in signed.text)
    }

    @Test
    fun `without a key no signature is claimed`() {
        val screen = Phone(TestServices(Scenes.signed)).ready().open(ModelActivity::class.java)
        assertTrue(screen.getString(R.string.banner_unsigned) in screen.text)
        assertFalse(screen.getString(R.string.model_signed) in screen.text)
    }

    @Test
    fun `a newer bundle is installed, and the screen shows it`() {
        val phone = Phone().ready()
        val screen = phone.open(ModelActivity::class.java)
        choose(phone, screen, Demo.newer)
        assertTrue(screen.getString(R.string.model_installed, Demo.manifest.name, Demo.manifest.release + 1) in screen.text)
        assertEquals(listOf(Intent.ACTION_OPEN_DOCUMENT), generateSequence { next(screen) }.map { it.action }.toList())
        assertTrue(screen.getString(R.string.model_line, Demo.manifest.name, Demo.manifest.release + 1) in screen.text)
    }

    @Test
    fun `a worse bundle is refused on a screen of its own, and the model in use stays`() {
        val phone = Phone().ready()
        val screen = phone.open(ModelActivity::class.java)
        choose(phone, screen, Demo.zip.copyOf(2000))
        val refused = phone.open(RefusedActivity::class.java, next(screen))
        assertTrue(refused.getString(R.string.reason_bad_archive) in refused.text)
        assertTrue(refused.getString(R.string.refused_offer_note) in refused.text)
        assertTrue(screen.getString(R.string.model_line, Demo.manifest.name, Demo.manifest.release) in screen.text)
    }

    @Test
    fun `the refused screen at the start leads out as soon as there is a model`() {
        val phone = Phone(TestServices(ByteArray(10))).apply { app.models.open() }
        val screen = phone.start(RefusedActivity::class.java, RefusedActivity.atStart(phone.app))
        assertTrue(screen.get().getString(R.string.refused_start_note) in screen.get().text)
        choose(phone, screen.get(), Demo.newer)
        assertEquals(HomeActivity::class.java.name, next(screen.get()).component!!.className)
        assertTrue(screen.get().isFinishing)
    }

    @Test
    fun `checking again helps when the reason is gone`() {
        val phone = Phone(TestServices(ByteArray(10))).apply { app.models.open() }
        val screen = phone.open(RefusedActivity::class.java, RefusedActivity.atStart(phone.app))
        screen.pressText(R.string.refused_again)
        assertFalse(screen.isFinishing)
        phone.services.bundle = Demo.zip
        screen.pressText(R.string.refused_again)
        assertEquals(HomeActivity::class.java.name, next(screen).component!!.className)
    }

    @Test
    fun `an offer refused on the refused screen replaces that screen`() {
        val phone = Phone().ready()
        val screen = phone.start(ModelActivity::class.java)
        choose(phone, screen.get(), ByteArray(5))
        screen.pause().stop()
        val refused = phone.start(RefusedActivity::class.java, next(screen.get()))
        choose(phone, refused.get(), ByteArray(5))
        assertEquals(RefusedActivity::class.java.name, next(refused.get()).component!!.className)
        assertTrue(refused.get().isFinishing)
        screen.start().resume()
        assertFalse(screen.get().isFinishing)
    }
}
