package melanomaedge.app

import java.time.Instant
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import kotlin.math.abs
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf

/** What the app takes on a phone, where tests put nothing in its place. */
@RunWith(RobolectricTestRunner::class)
class PhoneServicesTest {
    private val app = RuntimeEnvironment.getApplication() as MelanomaApp
    private val services = app.services

    @Test
    fun `the bundle is the one in the assets, and there is no key unless one is put there`() {
        assertArrayEquals(Demo.zip, services.builtIn().use { it.readBytes() })
        assertNull(services.key())
    }

    @Test
    fun `work leaves the main thread and comes back to it`() {
        val main = Thread.currentThread()
        val done = CountDownLatch(1)
        var worker = main
        services.background.execute {
            worker = Thread.currentThread()
            done.countDown()
        }
        assertTrue(done.await(10, TimeUnit.SECONDS))
        assertNotEquals(main, worker)
        var back: Thread? = null
        services.main.execute { back = Thread.currentThread() }
        shadowOf(app.mainLooper).idle()
        assertEquals(main, back)
    }

    @Test
    fun `the clock is the phone's`() {
        assertTrue(abs(services.now().epochSecond - Instant.now().epochSecond) < 10)
        assertTrue(services.patience in 5_000..60_000)
    }
}
