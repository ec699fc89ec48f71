package melanomaedge.app

import android.content.pm.ApplicationInfo
import android.content.pm.PackageManager
import javax.xml.parsers.DocumentBuilderFactory
import java.io.File
import org.junit.Assert.assertEquals
import org.junit.Assert.assertNull
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.w3c.dom.Element

/** What the app may do, and what leaves it: nothing. */
@RunWith(RobolectricTestRunner::class)
class ManifestTest {
    private val app get() = RuntimeEnvironment.getApplication()
    private val everything = PackageManager.GET_ACTIVITIES or PackageManager.GET_PROVIDERS or PackageManager.GET_PERMISSIONS or
        PackageManager.GET_SERVICES or PackageManager.GET_RECEIVERS

    @Suppress("DEPRECATION")
    private val info get() = app.packageManager.getPackageInfo(app.packageName, everything)

    @Test
    fun `there is no permission, and nothing runs by itself`() {
        assertNull(info.requestedPermissions)
        assertNull(info.services)
        assertNull(info.receivers)
    }

    @Test
    fun `no backup, no clear text, no debugging`() {
        val flags = app.applicationInfo.flags
        assertEquals(0, flags and ApplicationInfo.FLAG_ALLOW_BACKUP)
        assertEquals(0, flags and ApplicationInfo.FLAG_USES_CLEARTEXT_TRAFFIC)
        assertEquals(0, flags and ApplicationInfo.FLAG_DEBUGGABLE)
        assertEquals("@xml/data_extraction_rules", application.getAttribute("android:dataExtractionRules"))
        assertEquals("false", application.getAttribute("android:fullBackupContent"))
    }

    @Test
    fun `nothing goes to the cloud or to a new phone`() {
        val rules = parse("src/main/res/xml/data_extraction_rules.xml")
        for (way in listOf("cloud-backup", "device-transfer")) {
            val excluded = (rules.getElementsByTagName(way).item(0) as Element).getElementsByTagName("exclude")
            val domains = (0 until excluded.length).map { (excluded.item(it) as Element).getAttribute("domain") }
            val all = listOf("root", "file", "database", "sharedpref").flatMap { listOf(it, "device_$it") } + "external"
            assertEquals(all.toSet(), domains.toSet())
        }
        assertEquals(0, rules.getElementsByTagName("include").length)
    }

    @Test
    fun `only the start can be opened from outside`() {
        assertEquals(listOf("melanomaedge.app.home.HomeActivity"), info.activities!!.filter { it.exported }.map { it.name })
        val provider = info.providers!!.single()
        assertTrue(!provider.exported && provider.grantUriPermissions)
        assertEquals("${app.packageName}.handover", provider.authority)
    }

    private val application get() = parse("src/main/AndroidManifest.xml").getElementsByTagName("application").item(0) as Element

    private fun parse(path: String) = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(File(path))
}
