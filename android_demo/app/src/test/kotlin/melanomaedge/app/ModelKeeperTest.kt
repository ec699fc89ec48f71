package melanomaedge.app

import java.io.ByteArrayInputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import java.util.concurrent.CountDownLatch
import java.util.concurrent.TimeUnit
import melanomaedge.app.model.BundleStore
import melanomaedge.app.model.Installed
import melanomaedge.app.model.ModelKeeper
import melanomaedge.app.model.ModelState
import melanomaedge.core.FileReleaseMemory
import melanomaedge.core.Json
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.ReleaseMemory
import melanomaedge.core.TestKeys
import melanomaedge.core.with
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNull
import org.junit.Assert.assertSame
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/** Which bundle is used, and what it takes to replace it. */
@RunWith(RobolectricTestRunner::class)
class ModelKeeperTest {
    private val newer = Demo.newer
    private val older = Demo.zip
    private val next = Demo.manifest.release + 1

    private fun offer(phone: Phone, zip: ByteArray): Installed? {
        phone.app.models.install { ByteArrayInputStream(zip) }
        return phone.app.models.take()
    }

    private fun inUse(phone: Phone) = (phone.app.models.state as ModelState.Ready).model.bundle

    private fun refusal(outcome: Installed?) = (outcome as Installed.Refused).refusal.code

    private fun folder(phone: Phone) = File(phone.app.noBackupFilesDir, "bundle").list().orEmpty().toSet()

    @Test
    fun `a newer release takes the place of the one in use, and stays after a restart`() {
        val phone = Phone().ready()
        val outcome = offer(phone, newer) as Installed.Done
        assertSame(outcome.model.bundle, inUse(phone))
        assertEquals(next, inUse(phone).manifest.release)
        assertEquals(setOf("bundle.zip"), folder(phone))
        assertNull(phone.app.models.take())
        val again = restarted(phone)
        assertEquals(next, (again.state as ModelState.Ready).model.bundle.manifest.release)
    }

    @Test
    fun `an older release is refused, and the one in use stays`() {
        val phone = Phone().ready()
        offer(phone, newer)
        assertEquals("older-release", refusal(offer(phone, older)))
        assertEquals(next, inUse(phone).manifest.release)
        assertEquals(setOf("bundle.zip"), folder(phone))
    }

    @Test
    fun `the built-in bundle does not come back after a newer one, even when that is gone`() {
        val phone = Phone().ready()
        offer(phone, newer)
        File(phone.app.noBackupFilesDir, "bundle/bundle.zip").delete()
        assertEquals("older-release", (restarted(phone).state as ModelState.NotTrusted).refusal.code)
    }

    @Test
    fun `an update of the app brings its newer bundle into use`() {
        val phone = Phone().ready()
        offer(phone, newer)
        phone.services.bundle = release(next + 4)
        assertEquals(next + 4, (restarted(phone).state as ModelState.Ready).model.bundle.manifest.release)
        phone.services.bundle = older
        assertEquals("older-release", (restarted(phone).state as ModelState.NotTrusted).refusal.code)
    }

    @Test
    fun `the built-in bundle is used where the installed one is refused, and its own reason is told where it is refused too`() {
        val phone = Phone().ready()
        offer(phone, newer)
        File(phone.app.noBackupFilesDir, "bundle/bundle.zip").writeBytes(newer.copyOf(2000))
        phone.services.bundle = release(next + 4)
        assertEquals(next + 4, (restarted(phone).state as ModelState.Ready).model.bundle.manifest.release)
        phone.services.bundle = older
        assertEquals("bad-archive", (restarted(phone).state as ModelState.NotTrusted).refusal.code)
    }

    @Test
    fun `the installed bundle is used where the newer built-in one does not answer its golden photos`() {
        val phone = Phone().ready()
        offer(phone, newer)
        phone.services.bundle = release(next + 4)
        phone.services.engine = { if (it.manifest.release > next) throw Refused(Reason.GOLDEN_MISS, "off") else FakeEngine(it) }
        assertEquals(next, (restarted(phone).state as ModelState.Ready).model.bundle.manifest.release)
    }

    @Test
    fun `an installed bundle of another name stays in use, whatever the releases`() {
        val phone = Phone().ready()
        val other = Demo.changed {
            editContract { it.with("name", value = Json.of("other")) }
            put("manifest.json", "name", value = Json.of("other"))
            formats.forEach { put("parity/$it.json", "run", value = Json.of("other")) }
        }
        offer(phone, other)
        phone.services.bundle = release(next + 4)
        assertEquals("other", (restarted(phone).state as ModelState.Ready).model.bundle.manifest.name)
    }

    @Test
    fun `a release that cannot be remembered is not used, not even after a restart, and its engine is closed`() {
        val phone = Phone().ready()
        offer(phone, newer)
        val closed = CountDownLatch(1)
        phone.services.engine = { bundle -> FakeEngine(bundle, closing = { if (bundle.manifest.release == next + 1) closed.countDown() }) }
        val keeper = keeper(phone) { throw Refused(Reason.RELEASE_MEMORY, "cannot be written") }
        keeper.install { ByteArrayInputStream(release(next + 1)) }
        assertEquals("release-memory", refusal(keeper.take()))
        assertTrue(closed.await(10, TimeUnit.SECONDS))
        assertEquals(setOf("bundle.zip"), folder(phone))
        assertEquals(next, (restarted(phone).state as ModelState.Ready).model.bundle.manifest.release)
    }

    @Test
    fun `the first bundle that cannot be remembered leaves the built-in one in use`() {
        val phone = Phone().ready()
        val keeper = keeper(phone) { throw Refused(Reason.RELEASE_MEMORY, "cannot be written") }
        keeper.install { ByteArrayInputStream(newer) }
        assertEquals("release-memory", refusal(keeper.take()))
        assertEquals(emptySet<String>(), folder(phone))
    }

    @Test
    fun `a release that cannot be put in its place is not remembered`() {
        val phone = Phone().ready()
        val place = File(phone.app.noBackupFilesDir, "bundle/bundle.zip")
        File(place, "in the way").mkdirs()
        assertEquals("unexpected", refusal(offer(phone, newer)))
        place.deleteRecursively()
        assertEquals(next - 1, (restarted(phone).state as ModelState.Ready).model.bundle.manifest.release)
    }

    @Test
    fun `the engine of the model that was replaced is closed`() {
        val closed = CountDownLatch(1)
        val phone = Phone(TestServices(engine = { bundle -> FakeEngine(bundle, closing = { if (bundle.manifest.release < next) closed.countDown() }) })).ready()
        offer(phone, newer)
        assertTrue(closed.await(10, TimeUnit.SECONDS))
    }

    @Test
    fun `whatever is thrown while a bundle is read, it is refused`() {
        val phone = Phone().ready()
        phone.app.models.install { throw OutOfMemoryError() }
        assertEquals("unexpected", refusal(phone.app.models.take()))
        assertFalse(phone.app.models.installing)
    }

    @Test
    fun `a second bundle waits until the first is checked`() {
        val phone = Phone().ready()
        phone.services.background.holding = true
        assertTrue(phone.app.models.install { ByteArrayInputStream(newer) })
        assertFalse(phone.app.models.install { error("never read") })
        phone.services.background.release()
        assertTrue(phone.app.models.take() is Installed.Done)
    }

    @Test
    fun `a bundle that fails its golden vectors does not shut out the one before it`() {
        val phone = Phone(TestServices(engine = { if (it.manifest.release == next) throw Refused(Reason.GOLDEN_MISS, "off") else FakeEngine(it) })).ready()
        assertEquals("golden-miss", refusal(offer(phone, newer)))
        assertEquals(next - 1, (restarted(phone).state as ModelState.Ready).model.bundle.manifest.release)
    }

    @Test
    fun `with a key only its bundles are taken`() {
        val phone = Phone(TestServices(Scenes.signed, TestKeys.trusted.public)).ready()
        assertTrue(inUse(phone).signed)
        assertEquals("unsigned", refusal(offer(phone, newer)))
        val strange = Demo.changed { put("manifest.json", "release", value = Json.of(next + 1)) }
        assertEquals("unsigned", refusal(offer(phone, strange)))
    }

    @Test
    fun `a key that is none lets nothing in`() {
        val services = object : Services by TestServices() {
            override fun key() = "no key".toByteArray()
        }
        val phone = Phone().apply { app.services = services }
        phone.app.models.open()
        assertEquals("bad-key", (phone.app.models.state as ModelState.NotTrusted).refusal.code)
    }

    @Test
    fun `without a key a signed bundle is a development bundle too`() {
        assertFalse(inUse(Phone(TestServices(Scenes.signed)).ready()).signed)
    }

    @Test
    fun `a file that cannot be read, or never ends, is refused`() {
        val phone = Phone().ready()
        phone.app.models.install { throw IOException("gone") }
        assertEquals("unexpected", refusal(phone.app.models.take()))
        val broken = object : InputStream() {
            override fun read(): Int = throw IOException("torn off")
        }
        phone.app.models.install { broken }
        assertEquals("unreadable", refusal(phone.app.models.take()))
        val endless = object : InputStream() {
            override fun read() = 0

            override fun read(into: ByteArray, from: Int, count: Int) = count
        }
        phone.app.models.install { endless }
        assertEquals("too-large", refusal(phone.app.models.take()))
        assertEquals(emptySet<String>(), folder(phone))
    }

    @Test
    fun `a damaged record of releases lets nothing in`() {
        val phone = Phone().ready()
        File(phone.app.noBackupFilesDir, "releases.json").writeText("{}")
        assertEquals("release-memory", (restarted(phone).state as ModelState.NotTrusted).refusal.code)
    }

    private fun release(number: Int) = Demo.changed { put("manifest.json", "release", value = Json.of(number)) }

    /** A keeper whose record of releases does [accepting] instead of being written. */
    private fun keeper(phone: Phone, accepting: () -> Unit): ModelKeeper {
        val real = FileReleaseMemory(File(phone.app.noBackupFilesDir, "releases.json"))
        val memory = object : ReleaseMemory by real {
            override fun accept(name: String, release: Int, manifestSha256: String) = accepting()
        }
        return ModelKeeper(phone.services, BundleStore(File(phone.app.noBackupFilesDir, "bundle"), phone.services::builtIn), memory)
    }

    /** The keeper of a new process on the same device. */
    private fun restarted(phone: Phone) = phone.app.newKeeper().apply { open() }
}
