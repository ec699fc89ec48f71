package melanomaedge.app

import android.net.Uri
import android.os.ParcelFileDescriptor.AutoCloseInputStream
import android.os.ParcelFileDescriptor.AutoCloseOutputStream
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException
import melanomaedge.app.files.Handover
import melanomaedge.app.files.HandoverProvider
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.Robolectric
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment

/** One file to one app: what is handed over, and what can never be reached that way. */
@RunWith(RobolectricTestRunner::class)
class HandoverProviderTest {
    private val app = RuntimeEnvironment.getApplication()
    private val provider = Robolectric.setupContentProvider(HandoverProvider::class.java, "${app.packageName}.handover")

    @Test
    fun `the camera app writes its photo`() {
        val name = Handover.CAMERA.newName()
        val uri = Handover.CAMERA.uri(app, name)
        AutoCloseOutputStream(provider.openFile(uri, "w")).use { it.write(byteArrayOf(1, 2, 3)) }
        assertEquals(3, Handover.CAMERA.file(app, name).length())
        assertEquals("image/jpeg", provider.getType(uri))
    }

    @Test
    fun `an export is read, and never written`() {
        val name = Handover.EXPORT.newName()
        Handover.EXPORT.file(app, name).writeText("{}")
        val uri = Handover.EXPORT.uri(app, name)
        assertEquals("{}", AutoCloseInputStream(provider.openFile(uri, "r")).use { it.readBytes() }.decodeToString())
        assertThrows(FileNotFoundException::class.java) { provider.openFile(uri, "rw") }
        provider.query(uri, null, null, null, null).use {
            it.moveToFirst()
            assertEquals(name, it.getString(it.getColumnIndex(OpenableColumns.DISPLAY_NAME)))
            assertEquals(2, it.getInt(it.getColumnIndex(OpenableColumns.SIZE)))
        }
    }

    @Test
    fun `nothing else is reached`() {
        File(app.cacheDir, "secret.json").writeText("secret")
        val base = "content://${app.packageName}.handover"
        val others = listOf("/export/../secret.json", "/export/..%2Fsecret.json", "/secret.json", "/files/secret.json", "/export", "/export/a/b.json", "/camera/x.json")
        for (path in others) assertThrows(path, FileNotFoundException::class.java) { provider.openFile(Uri.parse(base + path), "r") }
        assertThrows(UnsupportedOperationException::class.java) { provider.insert(Uri.parse(base), null) }
        assertThrows(UnsupportedOperationException::class.java) { provider.delete(Uri.parse(base), null, null) }
        assertThrows(UnsupportedOperationException::class.java) { provider.update(Uri.parse(base), null, null, null) }
    }

    @Test
    fun `old files go, young ones stay until their time`() {
        val old = Handover.EXPORT.file(app, Handover.EXPORT.newName()).apply { writeText("{}") }
        val young = Handover.EXPORT.file(app, Handover.EXPORT.newName()).apply { writeText("{}") }
        old.setLastModified(1_000_000)
        Handover.EXPORT.sweep(app, before = 2_000_000)
        assertFalse(old.exists())
        assertTrue(young.exists())
        Handover.EXPORT.sweep(app)
        assertFalse(young.exists())
    }
}
