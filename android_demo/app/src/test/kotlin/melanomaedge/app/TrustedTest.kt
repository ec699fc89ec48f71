package melanomaedge.app

import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.concurrent.thread
import melanomaedge.app.model.ModelState
import melanomaedge.app.model.Trusted
import melanomaedge.app.photo.PhotoFile
import melanomaedge.engine.Assessor
import melanomaedge.engine.EngineRoom
import melanomaedge.engine.PictureSource
import melanomaedge.engine.Trouble
import org.junit.Assert.assertEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/** A model that is closed while a photo is under way. */
@RunWith(RobolectricTestRunner::class)
class TrustedTest {
    private val bundle = (Phone().ready().app.models.state as ModelState.Ready).model.bundle
    private val begun = CountDownLatch(1)
    private val never = CountDownLatch(1)
    private var made = 0

    private fun room(): EngineRoom {
        made++
        return EngineRoom(PATIENCE) { Assessor(bundle, FakeEngine(bundle)) }
    }

    private val model = Trusted(bundle, "litert", "XNNPACK", room(), ::room)
    private val good = PictureSource { PhotoFile.decode(Scenes.good) }
    private val stuck = PictureSource {
        begun.countDown()
        never.await()
        good.open()
    }

    @Test
    fun `closing does not wait for the photo, and no engine is made after it`() {
        val asking = thread { model.assess(stuck) }
        begun.await()
        val start = System.nanoTime()
        model.close()
        assertTrue(TimeUnit.NANOSECONDS.toMillis(System.nanoTime() - start) < PATIENCE / 2)
        asking.join()
        assertEquals(Trouble.STUCK, model.assess(good).trouble)
        never.countDown()
        assertEquals(1, made)
    }

    @Test
    fun `a stuck engine is replaced while the model is in use`() {
        assertEquals(Trouble.TIME_OUT, model.assess(stuck).trouble)
        assertEquals(null, model.assess(good).trouble)
        never.countDown()
        assertEquals(2, made)
    }

    private companion object {
        const val PATIENCE = 2_000L
    }
}
