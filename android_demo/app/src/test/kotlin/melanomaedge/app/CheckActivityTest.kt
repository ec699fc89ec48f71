package melanomaedge.app

import android.net.Uri
import android.os.Bundle
import android.view.View
import java.io.File
import java.util.concurrent.CountDownLatch
import melanomaedge.app.check.CheckActivity
import melanomaedge.app.files.Handover
import melanomaedge.app.result.ResultActivity
import melanomaedge.core.State
import melanomaedge.engine.Trouble
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotNull
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.Shadows.shadowOf
import org.robolectric.android.controller.ActivityController

/** From photo to answer: rotation, leaving, the death of the process, and everything that can break. */
@RunWith(RobolectricTestRunner::class)
class CheckActivityTest {
    private fun begun(phone: Phone, photo: Uri = phone.photo(Scenes.good)): ActivityController<CheckActivity> {
        phone.services.background.holding = true
        return phone.start(CheckActivity::class.java, CheckActivity.of(phone.app, photo))
    }

    /** A photo that the camera app has written for us. */
    private fun taken(phone: Phone): Pair<File, Uri> {
        val name = Handover.CAMERA.newName()
        return Handover.CAMERA.file(phone.app, name).apply { writeBytes(Scenes.good) } to Handover.CAMERA.uri(phone.app, name)
    }

    private fun answers(phone: Phone) = phone.app.history.read().answers

    @Test
    fun `the answer opens when it is there, and not before`() {
        val phone = Phone().ready()
        val screen = begun(phone)
        assertNull(phone.next(screen.get()))
        assertTrue(screen.get().findViewById<View>(R.id.working).isShown)
        phone.services.background.release()
        assertEquals(ResultActivity::class.java.name, phone.next(screen.get())!!.component!!.className)
        assertTrue(screen.get().isFinishing)
        assertEquals(1, answers(phone).size)
    }

    @Test
    fun `rotation goes on with the same check`() {
        val phone = Phone().ready()
        val first = begun(phone)
        val state = Bundle().also { first.saveInstanceState(it) }
        first.pause().stop()
        val second = Robolectric.buildActivity(CheckActivity::class.java, first.get().intent).setup(state)
        first.destroy()
        phone.services.background.release()
        assertNotNull(phone.next(second.get()))
        assertEquals(1, answers(phone).size)
    }

    @Test
    fun `leaving gives the check up, and nothing is kept of it`() {
        val phone = Phone().ready()
        val (file, photo) = taken(phone)
        val (later, _) = taken(phone)
        val screen = begun(phone, photo)
        screen.get().press(R.id.cancel)
        screen.pause().stop().destroy()
        assertFalse(file.exists())
        phone.services.background.release()
        assertTrue("the next photo stays", later.exists())
        assertNull(phone.next(screen.get()))
        assertEquals(0, answers(phone).size)
    }

    @Test
    fun `after the death of the process no answer is made up`() {
        val phone = Phone().ready()
        val (file, photo) = taken(phone)
        val first = begun(phone, photo)
        val state = Bundle().also { first.saveInstanceState(it) }
        phone.app.checks.forget(state.getString("check")!!)
        val second = Robolectric.buildActivity(CheckActivity::class.java, first.get().intent).setup(state).get()
        assertTrue(second.getString(R.string.check_lost_note) in second.text)
        assertFalse(second.findViewById<View>(R.id.working).isShown)
        assertNull(phone.next(second))
        assertFalse("the photo is gone, as the screen says", file.exists())
    }

    @Test
    fun `a second photo gives the first one up, and its screen does not wait for ever`() {
        val phone = Phone().ready()
        val (file, photo) = taken(phone)
        val first = begun(phone, photo)
        val second = begun(phone)
        assertTrue(first.get().isFinishing)
        phone.services.background.release()
        val answer = phone.next(second.get())!!.getStringExtra("answer")
        assertNull("one answer is shown", phone.next(second.get()))
        assertEquals(answer, answers(phone).single().id)
        assertFalse(file.exists())
    }

    @Test
    fun `a first screen that comes back only after the second photo goes too`() {
        val phone = Phone().ready()
        val first = begun(phone).pause().stop()
        begun(phone)
        first.restart().start()
        assertTrue(first.get().isFinishing)
    }

    @Test
    fun `what breaks after the model has answered makes the photo not assessable`() {
        val phone = Phone(TestServices(engine = { FakeEngine(it, 0.9) })).ready()
        var asked = 0
        phone.services.clock = { if (asked++ == 0) error("no clock at /secret") else phone.services.time }
        phone.check(Scenes.good)
        val answer = answers(phone).single()
        assertEquals(State.NOT_ASSESSABLE to Trouble.ENGINE_FAILED, answer.audit.state to answer.failure!!.trouble)
        assertEquals("java.lang.IllegalStateException", answer.failure.detail)
        assertNull(answer.audit.score)
    }

    @Test
    fun `where not even that can be told, the screen does not wait for ever`() {
        val phone = Phone().ready()
        val (file, photo) = taken(phone)
        val screen = begun(phone, photo)
        phone.services.clock = { error("no clock") }
        phone.services.background.release()
        assertTrue(screen.get().isFinishing)
        assertNull(phone.next(screen.get()))
        assertEquals(false to 0, file.exists() to answers(phone).size)
    }

    @Test
    fun `what another app throws while it gives a photo is not kept in its words`() {
        val phone = Phone().ready()
        val uri = Uri.parse("content://gallery/strange")
        shadowOf(phone.app.contentResolver).registerInputStreamSupplier(uri) { throw IllegalArgumentException("no /storage/Anna.jpg") }
        phone.start(CheckActivity::class.java, CheckActivity.of(phone.app, uri))
        assertEquals("java.lang.IllegalArgumentException", answers(phone).single().failure!!.detail)
    }

    @Test
    fun `our own words about a photo are kept`() {
        val phone = Phone().ready()
        phone.check(Scenes.good.copyOf(Scenes.good.size / 2))
        assertTrue(answers(phone).single().failure!!.detail!!.length > "melanomaedge.core.UnfitPhoto: ".length)
    }

    @Test
    fun `the photo is deleted as soon as there is an answer`() {
        val phone = Phone().ready()
        val (file, photo) = taken(phone)
        phone.start(CheckActivity::class.java, CheckActivity.of(phone.app, photo))
        assertFalse(file.exists())
        val words = listOf(phone.app.cacheDir, phone.app.filesDir, phone.app.noBackupFilesDir).flatMap { it.walk().filter { file -> file.isFile } }
        assertEquals(listOf("history.jsonl", "releases.json"), words.map { it.name }.sorted())
    }

    @Test
    fun `a camera's photo is read through our own provider`() {
        val phone = Phone().ready()
        val name = Handover.CAMERA.newName()
        Handover.CAMERA.file(phone.app, name).writeBytes(Scenes.good)
        phone.open(CheckActivity::class.java, CheckActivity.of(phone.app, Handover.CAMERA.uri(phone.app, name)))
        assertEquals(State.NO_SIGN, answers(phone).single().audit.state)
    }

    @Test
    fun `an engine that crashes gives no answer`() = fails(Trouble.ENGINE_FAILED) { error("native code failed") }

    @Test
    fun `a lack of memory gives no answer`() = fails(Trouble.OUT_OF_MEMORY) { throw OutOfMemoryError() }

    @Test
    fun `an engine that never comes back gives no answer, and the next photo gets a new one`() {
        val never = CountDownLatch(1)
        var made = 0
        val services = TestServices(engine = { bundle -> if (made++ == 0) FakeEngine(bundle) { never.await() } else FakeEngine(bundle) }, patience = PATIENCE)
        val phone = Phone(services).ready()
        phone.check(Scenes.good)
        phone.check(Scenes.good)
        never.countDown()
        assertEquals(listOf(State.NO_SIGN, State.NOT_ASSESSABLE), answers(phone).map { it.audit.state })
        assertEquals(Trouble.TIME_OUT, answers(phone).last().failure!!.trouble)
    }

    private fun fails(trouble: Trouble, doing: () -> Unit) {
        val phone = Phone(TestServices(engine = { FakeEngine(it, 0.9, doing = doing) })).ready()
        phone.check(Scenes.good)
        val answer = answers(phone).single()
        assertEquals(State.NOT_ASSESSABLE to trouble, answer.audit.state to answer.failure!!.trouble)
        assertNull(answer.audit.score)
        assertEquals(emptyList<Any>(), answer.classes)
    }

    private companion object {
        const val PATIENCE = 3_000L
    }
}
