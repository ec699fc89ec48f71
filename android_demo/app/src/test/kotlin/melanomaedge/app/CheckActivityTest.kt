package melanomaedge.app

import android.os.Bundle
import android.view.View
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
import org.robolectric.android.controller.ActivityController

/** From photo to answer: rotation, leaving, the death of the process, and everything that can break. */
@RunWith(RobolectricTestRunner::class)
class CheckActivityTest {
    private fun begun(phone: Phone): ActivityController<CheckActivity> {
        phone.services.background.holding = true
        return phone.start(CheckActivity::class.java, CheckActivity.of(phone.app, phone.photo(Scenes.good)))
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
        val file = Handover.CAMERA.file(phone.app, Handover.CAMERA.newName()).apply { writeBytes(Scenes.good) }
        val screen = begun(phone)
        screen.get().press(R.id.cancel)
        screen.pause().stop().destroy()
        assertFalse(file.exists())
        phone.services.background.release()
        assertNull(phone.next(screen.get()))
        assertEquals(0, answers(phone).size)
    }

    @Test
    fun `after the death of the process no answer is made up`() {
        val phone = Phone().ready()
        val first = begun(phone)
        val state = Bundle().also { first.saveInstanceState(it) }
        phone.app.checks.forget(state.getString("check")!!)
        val second = Robolectric.buildActivity(CheckActivity::class.java, first.get().intent).setup(state).get()
        assertTrue(second.getString(R.string.check_lost_note) in second.text)
        assertFalse(second.findViewById<View>(R.id.working).isShown)
        assertNull(phone.next(second))
    }

    @Test
    fun `the photo is deleted as soon as there is an answer`() {
        val phone = Phone().ready()
        val file = Handover.CAMERA.file(phone.app, Handover.CAMERA.newName()).apply { writeBytes(Scenes.good) }
        phone.start(CheckActivity::class.java, CheckActivity.of(phone.app, phone.photo(Scenes.good)))
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
