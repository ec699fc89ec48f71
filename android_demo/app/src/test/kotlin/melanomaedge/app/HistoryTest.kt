package melanomaedge.app

import android.app.AlertDialog
import android.content.DialogInterface
import android.content.Intent
import android.net.Uri
import android.view.WindowManager
import java.io.File
import melanomaedge.app.files.Handover
import melanomaedge.app.history.History
import melanomaedge.app.history.HistoryActivity
import melanomaedge.app.result.ResultActivity
import melanomaedge.core.Json
import melanomaedge.core.at
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.shadows.ShadowAlertDialog

/** What the device keeps of answers, how it is deleted, and what is handed out. */
@RunWith(RobolectricTestRunner::class)
class HistoryTest {
    private val phone = Phone(TestServices(engine = { FakeEngine(it, 0.3) })).ready()
    private val file = File(phone.app.noBackupFilesDir, "history.jsonl")

    private fun checked(vararg photos: ByteArray) = photos.map(phone::check)

    private fun list() = phone.open(HistoryActivity::class.java)

    private fun agree() {
        val dialog = ShadowAlertDialog.getLatestDialog() as AlertDialog
        assertTrue(dialog.window!!.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0)
        dialog.getButton(DialogInterface.BUTTON_POSITIVE).performClick()
        shadowOf(phone.app.mainLooper).idle()
    }

    @Test
    fun `an answer comes back as it was`() {
        checked(Scenes.good, Scenes.grey, ByteArray(4))
        val again = History(file).read()
        assertEquals(phone.app.history.read().answers, again.answers)
        assertFalse(again.damaged)
        assertEquals(listOf("not-assessable", "retake", "refer"), again.answers.map { it.audit.state.code })
    }

    @Test
    fun `no picture and no address of one is kept`() {
        checked(Scenes.good)
        val line = file.readText()
        assertTrue("${line.length}", line.length < 8000)
        assertFalse("gallery" in line || "EXIF" in line)
    }

    @Test
    fun `the newest stay`() {
        checked(Scenes.print)
        val line = file.readText()
        file.writeText(line.repeat(History.MOST))
        val (newest) = checked(Scenes.good)
        val answers = phone.app.history.read().answers
        assertEquals(History.MOST to newest, answers.size to answers.first().id)
    }

    @Test
    fun `a damaged line is told of, and the others are shown`() {
        checked(Scenes.good)
        file.appendText("{\"schema\": \"melanoma-edge/answer/1\"}\nnonsense\n")
        val shelf = phone.app.history.read()
        assertEquals(1 to true, shelf.answers.size to shelf.damaged)
        assertTrue(list().run { getString(R.string.history_damaged) in text })
    }

    @Test
    fun `one answer is deleted, after a question`() {
        val (first, second) = checked(Scenes.good, Scenes.grey)
        val screen = list()
        screen.content.seen().first { it.id == R.id.row_delete }.performClick()
        assertEquals(2, phone.app.history.read().answers.size)
        agree()
        assertEquals(listOf(first), phone.app.history.read().answers.map { it.id })
        assertEquals(null, phone.app.history.find(second))
        assertEquals(1, screen.content.seen().count { it.id == R.id.row_open })
    }

    @Test
    fun `all answers are deleted, after a question`() {
        checked(Scenes.good, Scenes.grey)
        val screen = list()
        screen.pressText(R.string.history_delete_all)
        agree()
        assertFalse(file.exists())
        assertTrue(screen.getString(R.string.history_empty) in screen.text)
    }

    @Test
    fun `an answer is opened from the list`() {
        val (id) = checked(Scenes.good)
        val screen = list()
        screen.content.seen().first { it.id == R.id.row_open }.performClick()
        val next = phone.next(screen)!!
        assertEquals(ResultActivity::class.java.name to id, next.component!!.className to next.getStringExtra("answer"))
    }

    @Test
    fun `an answer is shared as one Observation without anybody's name`() {
        checked(Scenes.good)
        val screen = list()
        screen.content.seen().first { it.id == R.id.row_share }.performClick()
        val json = shared(phone.next(screen)!!)
        assertEquals(Json.of("Observation"), json.at("resourceType"))
        assertEquals(Json.of("preliminary"), json.at("status"))
        assertFalse(json.write().contains(Regex("\"(subject|performer|patient)\"")))
    }

    @Test
    fun `all answers are shared as one collection`() {
        checked(Scenes.good, Scenes.print)
        val screen = list()
        screen.pressText(R.string.history_share_all)
        val json = shared(phone.next(screen)!!)
        assertEquals(Json.of("Bundle"), json.at("resourceType"))
        assertEquals(2, (json.at("entry") as Json.Array).items.size)
    }

    @Test
    fun `a device that is full still shows the answer`() {
        file.mkdirs()
        val screen = phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, phone.check(Scenes.good)))
        assertTrue(screen.getString(R.string.state_refer) in screen.text)
        assertTrue(screen.getString(R.string.answer_not_kept) in screen.text)
    }

    /** What the app that is chosen in the share sheet reads. */
    @Suppress("DEPRECATION")
    private fun shared(chooser: Intent): Json {
        val intent = chooser.getParcelableExtra<Intent>(Intent.EXTRA_INTENT)!!
        assertEquals(Intent.ACTION_SEND, intent.action)
        assertTrue(intent.flags and Intent.FLAG_GRANT_READ_URI_PERMISSION != 0)
        val uri = intent.getParcelableExtra<Uri>(Intent.EXTRA_STREAM)!!
        assertEquals(uri, intent.clipData!!.getItemAt(0).uri)
        return Json.parse(Handover.EXPORT.file(phone.app, uri.lastPathSegment!!).readBytes(), "export")
    }
}
