package melanomaedge.app

import android.graphics.Bitmap
import java.io.File
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.model.ModelState
import melanomaedge.app.model.RefusedActivity
import melanomaedge.app.ui.wordFor
import melanomaedge.core.BundleForge
import melanomaedge.core.FileReleaseMemory
import melanomaedge.core.Reason
import melanomaedge.core.Tampered
import melanomaedge.core.TamperedBundle
import melanomaedge.core.TestKeys
import melanomaedge.engine.Engines
import org.junit.AfterClass
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
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
class TamperedBundleTest(private val number: Int, private val name: String, private val withKey: Boolean) {
    @Test
    fun `is refused with its reason, or called a development bundle`() {
        val reason = reason(tampered, withKey)
        if (reason == null) taken() else refused(reason)
    }

    private val tampered: TamperedBundle get() = cases[number].also { assertEquals(name, it.name) }

    private fun phone(): Phone {
        val phone = Phone(TestServices(tampered.zip, TestKeys.trusted.public.takeIf { withKey }, { Engines.open(it) }))
        tampered.accepted?.let {
            FileReleaseMemory(File(phone.app.noBackupFilesDir, "releases.json")).accept(bundleName, it.release, it.manifestSha256)
        }
        return phone
    }

    private fun refused(reason: Reason) {
        RuntimeEnvironment.setQualifiers("en-w360dp-h640dp-notnight-hdpi")
        val phone = phone()
        val home = phone.open(HomeActivity::class.java)
        assertEquals(RefusedActivity::class.java.name, shadowOf(home).nextStartedActivity.component!!.className)
        assertTrue(home.isFinishing)
        val screen = phone.open(RefusedActivity::class.java, RefusedActivity.atStart(phone.app))
        val word = screen.getString(wordFor(reason))
        assertTrue("$name: $word not in ${screen.text}", word in screen.text && "${reason.code}: " in screen.text)
        pictures += Shots.take(screen, "refused ${"%03d".format(number)} ${if (withKey) "by key " else ""}$name")
    }

    /**
     * Nothing but a signature can surely tell this bundle from a good one, and the screen says that there is none.
     *
     * Whether the golden vectors tell as well depends on the model.
     */
    private fun taken() {
        val phone = phone().apply { app.models.open() }
        assertFalse("an app with a key took it", withKey)
        val refusal = (phone.app.models.state as? ModelState.NotTrusted)?.refusal
        if (refusal != null) return assertEquals(Reason.GOLDEN_MISS.code, refusal.code)
        val home = phone.ready().open(HomeActivity::class.java)
        assertTrue(home.getString(R.string.banner_unsigned) in home.text)
    }

    companion object {
        private val pictures = ArrayList<Bitmap>()
        private val good by lazy { BundleForge(Demo.files).sign().files.toMap() }
        private const val SHEET = 30
        private val bundleName by lazy { Demo.manifest.name }
        private val cases by lazy { Tampered.cases(good) }

        @JvmStatic
        @Parameters(name = "{1}, key {2}")
        fun all(): List<Array<Any>> = cases.flatMapIndexed { i, case ->
            apps(case).map { withKey -> arrayOf(i, case.name, withKey) }
        }

        /** An app with a key is of interest where it refuses for another reason than one without. */
        private fun apps(case: TamperedBundle) = listOf(false, true).filter { !it || reason(case, true) != reason(case, false) }

        private fun reason(case: TamperedBundle, withKey: Boolean): Reason? =
            if (withKey) case.withKey else case.withoutKey ?: Reason.GOLDEN_MISS.takeIf { case.byEngine }

        private var left = all().size

        /** Called after each bundle and app. */
        @JvmStatic
        @AfterClass
        fun sheets() {
            if (--left == 0) save()
        }

        private fun save() = pictures.chunked(SHEET).forEachIndexed { i, some -> Shots.sheet(some, "refused ${i + 1}") }
    }
}
