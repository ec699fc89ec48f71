package melanomaedge.app

import java.io.ByteArrayInputStream
import java.io.File
import java.io.IOException
import java.io.InputStream
import melanomaedge.app.model.Installed
import melanomaedge.app.model.ModelState
import melanomaedge.core.Json
import melanomaedge.core.Reason
import melanomaedge.core.Refused
import melanomaedge.core.TestKeys
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

    /** The keeper of a new process on the same device. */
    private fun restarted(phone: Phone) = phone.app.newKeeper().apply { open() }
}
