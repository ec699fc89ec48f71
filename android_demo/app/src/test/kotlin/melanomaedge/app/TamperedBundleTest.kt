package melanomaedge.app

import android.graphics.Bitmap
import java.io.File
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.model.ModelState
import melanomaedge.app.model.RefusedActivity
import melanomaedge.app.ui.wordFor
import melanomaedge.core.FileReleaseMemory
import melanomaedge.core.Reason
import melanomaedge.core.Tampered
import melanomaedge.core.TamperedBundle
import melanomaedge.core.TestKeys
import melanomaedge.core.BundleForge
import melanomaedge.engine.Engines
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.ParameterizedRobolectricTestRunner
import org.robolectric.ParameterizedRobolectricTestRunner.Parameters
import org.robolectric.RuntimeEnvironment
import org.robolectric.Shadows.shadowOf
import org.robolectric.annotation.Config

/** Every tampered bundle as the app's own: refused, with its reason on the screen, and no photo can be taken. */
@RunWith(ParameterizedRobolectricTestRunner::class)
@Config(sdk = [34])
class TamperedBundleTest(private val number: Int, private val name: String) {
    @Test
    fun `is refused in an app with a key`() = refused(tampered.withKey, true)

    @Test
    fun `is refused in an app without a key, or by the golden vectors, or needs the signature`() {
        val reason = tampered.withoutKey ?: Reason.GOLDEN_MISS.takeIf { tampered.byEngine }
        if (reason == null) taken() else refused(reason, false)
    }

    private val tampered: TamperedBundle get() = cases[number].also { assertEquals(name, it.name) }

    private fun phone(withKey: Boolean): Phone {
        val phone = Phone(TestServices(tampered.zip, TestKeys.trusted.public.takeIf { withKey }, { Engines.open(it) }))
        tampered.accepted?.let {
            FileReleaseMemory(File(phone.app.noBackupFilesDir, "releases.json")).accept(bundleName, it.release, it.manifestSha256)
        }
        return phone
    }

    private fun refused(reason: Reason?, withKey: Boolean) {
        RuntimeEnvironment.setQualifiers("en-w360dp-h640dp-notnight-hdpi")
        val phone = phone(withKey)
        val home = phone.open(HomeActivity::class.java)
        assertEquals(RefusedActivity::class.java.name, shadowOf(home).nextStartedActivity.component!!.className)
        assertTrue(home.isFinishing)
        val screen = phone.open(RefusedActivity::class.java, RefusedActivity.atStart(phone.app))
        val word = screen.getString(wordFor(reason!!))
        assertTrue("$name: $word not in ${screen.text}", word in screen.text && "${reason.code}: " in screen.text)
        if (!withKey || tampered.withoutKey == null) pictures += Shots.take(screen, "refused ${"%03d".format(number)} $name")
    }

    /** Nothing but a signature can tell this bundle from a good one, and the screen says that there is none. */
    private fun taken() {
        val phone = phone(false).ready()
        val home = phone.open(HomeActivity::class.java)
        assertTrue(phone.app.models.state is ModelState.Ready)
        assertTrue(home.getString(R.string.banner_unsigned) in home.text)
        assertNotEquals(null, tampered.withKey)
    }

    companion object {
        private val pictures = ArrayList<Bitmap>()
        private val good by lazy { BundleForge(Demo.files).sign().files.toMap() }
        private const val SHEET = 30
        private val bundleName by lazy { Demo.manifest.name }
        private val cases by lazy { Tampered.cases(good) }

        @JvmStatic
        @Parameters(name = "{1}")
        fun all(): List<Array<Any>> = cases.mapIndexed { i, case -> arrayOf<Any>(i, case.name) }

        private var left = -1

        /** Called after each bundle. */
        @JvmStatic
        @AfterClass
        fun sheets() {
            if (left < 0) left = cases.size
            if (--left == 0) save()
        }

        private fun save() = pictures.chunked(SHEET).forEachIndexed { i, some -> Shots.sheet(some, "refused ${i + 1}") }
    }
}
