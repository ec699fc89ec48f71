package melanomaedge.app

import android.app.Activity
import android.content.ComponentName
import android.content.Intent
import android.content.IntentFilter
import android.net.Uri
import android.os.Bundle
import android.provider.MediaStore
import android.view.View
import melanomaedge.app.check.CheckActivity
import melanomaedge.app.files.Handover
import melanomaedge.app.history.HistoryActivity
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.home.StatementActivity
import melanomaedge.app.model.ModelActivity
import melanomaedge.app.model.RefusedActivity
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf

/** The start: who may take a photo, how photos arrive, and what happens when they do not. */
@RunWith(RobolectricTestRunner::class)
class HomeActivityTest {
    private fun installed(phone: Phone, vararg actions: String) {
        shadowOf(phone.app).checkActivities(true)
        for (action in actions) {
            val camera = ComponentName("other.app", action)
            shadowOf(phone.app.packageManager).addActivityIfNotPresent(camera)
            val filter = IntentFilter(action).apply {
                addCategory(Intent.CATEGORY_DEFAULT)
                addCategory(Intent.CATEGORY_OPENABLE)
                if (action != MediaStore.ACTION_IMAGE_CAPTURE) addDataType("image/*")
            }
            shadowOf(phone.app.packageManager).addIntentFilterForActivity(camera, filter)
        }
    }

    private fun started(screen: Activity): String? = shadowOf(screen).nextStartedActivity?.component?.className

    private fun taken(home: HomeActivity): Pair<Intent, Uri> {
        home.press(R.id.take_photo)
        val asked = shadowOf(home).nextStartedActivityForResult.intent
        return asked to asked.clipData!!.getItemAt(0).uri
    }

    @Test
    fun `the statement of intended use comes first, and only once`() {
        val phone = Phone()
        val home = phone.open(HomeActivity::class.java)
        assertEquals(StatementActivity::class.java.name, started(home))
        assertTrue(home.isFinishing)
        val statement = phone.open(StatementActivity::class.java)
        assertTrue(home.getString(R.string.use_synthetic) in statement.text)
        statement.pressText(R.string.statement_accept)
        assertEquals(HomeActivity::class.java.name, started(statement))
        assertNull(started(phone.open(HomeActivity::class.java)))
    }

    @Test
    fun `who does not accept gets no further`() {
        val phone = Phone().apply { app.models.open() }
        val statement = phone.open(StatementActivity::class.java)
        statement.pressText(R.string.statement_decline)
        assertTrue(statement.isFinishing)
        assertEquals(StatementActivity::class.java.name, started(phone.open(HomeActivity::class.java)))
    }

    @Test
    fun `without a trusted model there is no photo`() {
        val home = Phone(TestServices(ByteArray(0))).open(HomeActivity::class.java)
        assertEquals(RefusedActivity::class.java.name, started(home))
        assertTrue(home.isFinishing)
    }

    @Test
    fun `while the model is being checked there is no photo`() {
        val phone = Phone().apply { services.background.holding = true }
        val home = phone.open(HomeActivity::class.java)
        assertFalse(home.findViewById<View>(R.id.take_photo).isShown)
        assertTrue(home.getString(R.string.opening_model) in home.text)
    }

    @Test
    fun `the model is named with all that speaks against it`() {
        val home = Phone().ready().open(HomeActivity::class.java)
        val parity = home.getString(R.string.parity_pass, "${Demo.manifest.lesions}")
        for (text in listOf(home.getString(R.string.banner_synthetic), home.getString(R.string.banner_unsigned), parity)) assertTrue(text, text in home.text)
    }

    @Test
    fun `the camera app gets one file to write, and its photo is checked`() {
        val phone = Phone().ready().also { installed(it, MediaStore.ACTION_IMAGE_CAPTURE) }
        val home = phone.open(HomeActivity::class.java)
        val (asked, uri) = taken(home)
        assertEquals(Intent.FLAG_GRANT_READ_URI_PERMISSION or Intent.FLAG_GRANT_WRITE_URI_PERMISSION, asked.flags)
        Handover.CAMERA.file(phone.app, uri.lastPathSegment!!).writeBytes(Scenes.good)
        shadowOf(home).receiveResult(asked, Activity.RESULT_OK, null)
        val next = shadowOf(home).nextStartedActivity
        assertEquals(CheckActivity::class.java.name to uri, next.component!!.className to next.data)
    }

    @Test
    fun `a camera app that gives nothing, and one that was left, are told apart`() {
        val phone = Phone().ready().also { installed(it, MediaStore.ACTION_IMAGE_CAPTURE) }
        val home = phone.open(HomeActivity::class.java)
        shadowOf(home).receiveResult(taken(home).first, Activity.RESULT_OK, null)
        assertTrue(home.getString(R.string.no_photo_arrived) in home.text)
        val (asked, uri) = taken(home)
        val file = Handover.CAMERA.file(phone.app, uri.lastPathSegment!!).apply { writeBytes(Scenes.good) }
        shadowOf(home).receiveResult(asked, Activity.RESULT_CANCELED, null)
        assertFalse(home.getString(R.string.no_photo_arrived) in home.text)
        assertFalse(file.exists())
        val started = generateSequence { shadowOf(home).nextStartedActivity }.map { it.action }.toSet()
        assertEquals(setOf(MediaStore.ACTION_IMAGE_CAPTURE), started)
    }

    @Test
    fun `a phone without camera app says so`() {
        val home = Phone().ready().also { installed(it) }.open(HomeActivity::class.java)
        home.press(R.id.take_photo)
        assertTrue(home.getString(R.string.no_camera) in home.text)
        home.press(R.id.pick_photo)
        assertTrue(home.getString(R.string.no_picker) in home.text)
    }

    @Test
    fun `the photo picker is asked first`() = checkPicked(PICKER, Intent.ACTION_OPEN_DOCUMENT, Intent.ACTION_GET_CONTENT)

    @Test
    fun `an Android without photo picker shows its documents`() = checkPicked(Intent.ACTION_OPEN_DOCUMENT, Intent.ACTION_GET_CONTENT)

    @Test
    fun `any app that gives photos will do`() = checkPicked(Intent.ACTION_GET_CONTENT)

    private fun checkPicked(vararg actions: String) {
        val home = Phone().ready().also { installed(it, *actions) }.open(HomeActivity::class.java)
        home.press(R.id.pick_photo)
        val asked = shadowOf(home).nextStartedActivityForResult.intent
        assertEquals(actions.first(), asked.action)
        val photo = Uri.parse("content://gallery/1")
        shadowOf(home).receiveResult(asked, Activity.RESULT_OK, Intent().setData(photo))
        assertEquals(CheckActivity::class.java.name to photo, shadowOf(home).nextStartedActivity.run { component!!.className to data })
    }

    @Test
    fun `a photo taken while Android had ended the app is checked once the model is`() {
        val phone = Phone().ready().also { installed(it, MediaStore.ACTION_IMAGE_CAPTURE) }
        val first = phone.start(HomeActivity::class.java)
        val (asked, uri) = taken(first.get())
        val file = Handover.CAMERA.file(phone.app, uri.lastPathSegment!!).apply { writeBytes(Scenes.good) }
        val state = Bundle().also { first.saveInstanceState(it) }
        val again = Robolectric.buildActivity(HomeActivity::class.java).create(state)
        assertTrue("the photo that the camera app has just written is not swept away", file.exists())
        resultArrives(again.get(), asked)
        again.start().restoreInstanceState(state).resume().visible()
        assertEquals(uri, shadowOf(again.get()).nextStartedActivity.data)
    }

    /** The new process never asked; Android gives it the old one's result all the same. */
    private fun resultArrives(home: HomeActivity, asked: Intent) {
        home.startActivityForResult(asked, 1)
        shadowOf(home).nextStartedActivity
        shadowOf(home).receiveResult(asked, Activity.RESULT_OK, null)
    }

    @Test
    fun `a fresh start deletes what an earlier run left behind`() {
        val phone = Phone().ready()
        val left = Handover.CAMERA.file(phone.app, Handover.CAMERA.newName()).apply { writeText("left") }
        phone.open(HomeActivity::class.java)
        assertFalse(left.exists())
    }

    @Test
    fun `all other screens are reached from here`() {
        val home = Phone().ready().open(HomeActivity::class.java)
        val ways = mapOf(R.id.open_model to ModelActivity::class, R.id.open_history to HistoryActivity::class, R.id.open_statement to StatementActivity::class)
        for ((button, screen) in ways) {
            home.press(button)
            assertEquals(screen.java.name, started(home))
        }
    }

    private companion object {
        const val PICKER = "android.provider.action.PICK_IMAGES"
    }
}
