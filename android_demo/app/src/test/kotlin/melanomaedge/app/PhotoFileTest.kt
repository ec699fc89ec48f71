package melanomaedge.app

import android.graphics.Bitmap
import java.io.ByteArrayInputStream
import java.io.Closeable
import java.io.IOException
import kotlin.math.abs
import melanomaedge.app.model.ModelState
import melanomaedge.app.photo.PhotoFile
import melanomaedge.app.photo.PhotoProblem
import melanomaedge.core.Pixels
import melanomaedge.core.Quality
import melanomaedge.core.sha256
import melanomaedge.engine.Shot
import org.junit.Assert.assertArrayEquals
import org.junit.Assert.assertEquals
import org.junit.Assert.assertThrows
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/** From a photo's file to the bytes that the model sees, with Android's own decoder. */
@RunWith(RobolectricTestRunner::class)
class PhotoFileTest {
    @Test
    fun `golden photos give the golden pixels`() {
        val bundle = (Phone().ready().app.models.state as ModelState.Ready).model.bundle
        for (vector in bundle.golden.vectors) {
            val shot = PhotoFile.decode(bundle.photo(vector))
            val pixels = Pixels.square(shot.picture, shot.orientation, bundle.contract.inputSize)
            val expected = bundle.pixels(vector)
            if (vector.format == "png") assertArrayEquals(vector.id, expected, pixels)
            val off = pixels.indices.sumOf { abs((pixels[it].toInt() and 255) - (expected[it].toInt() and 255)) } / pixels.size.toDouble()
            println("golden ${vector.id} ${vector.format}, EXIF ${vector.orientation}: mean difference to Python $off")
            assertTrue("${vector.id}: off by $off", off <= CLOSE)
            assertEquals(vector.orientation, shot.orientation.exif)
            assertEquals(vector.quality.shortSide, Quality.measure(shot.picture, shot.orientation).shortSide)
            (shot.picture as Closeable).close()
        }
    }

    @Test
    fun `rows and columns are those of the bitmap`() {
        val shot = PhotoFile.decode(Scenes.encoded(Bitmap.CompressFormat.PNG, 7, 5) { COUNTED + it })
        val rows = IntArray(3 * 7).also { shot.picture.rows(1, 3, it) }
        assertArrayEquals(IntArray(21) { COUNTED + 7 + it }, rows)
        val columns = IntArray(2 * 5).also { shot.picture.columns(4, 2, it) }
        assertArrayEquals(IntArray(10) { COUNTED + it / 2 * 7 + 4 + it % 2 }, columns)
    }

    @Test
    fun `transparency is refused, an alpha channel that hides nothing is not`() {
        assertEquals(PhotoProblem.TRANSPARENT, problem(Scenes.encoded(Bitmap.CompressFormat.PNG, 40, 40) { if (it == 900) 0x10203040 else -1 }))
        assertEquals(40, open(Scenes.encoded(Bitmap.CompressFormat.PNG, 40, 40) { -1 }).picture.width)
    }

    @Test
    fun `what is no whole JPEG or PNG is named`() {
        assertEquals(PhotoProblem.EMPTY, problem(ByteArray(0)))
        assertEquals(PhotoProblem.UNKNOWN_FORMAT, problem("hello".toByteArray()))
        assertEquals(PhotoProblem.CUT_OFF, problem(Scenes.good.copyOf(Scenes.good.size / 2)))
        assertEquals(PhotoProblem.OTHER_FORMAT, problem("GIF89a....".toByteArray()))
        assertEquals(PhotoProblem.HEIC, problem(byteArrayOf(0, 0, 0, 24) + "ftypheic".toByteArray() + ByteArray(40)))
    }

    @Test
    fun `a picture too large for the memory of phones is refused before it is decoded`() {
        val small = Scenes.encoded(Bitmap.CompressFormat.JPEG, 16, 16) { -1 }
        val size = (0 until small.size).first { small[it].toInt() == -1 && small[it + 1] == 0xC0.toByte() } + 5
        val huge = small.copyOf().also {
            it[size] = 0x20
            it[size + 2] = 0x20
        }
        assertEquals(PhotoProblem.TOO_MANY_PIXELS, problem(huge))
    }

    @Test
    fun `a file that cannot be read is refused, and so is one that never ends`() {
        assertEquals(PhotoProblem.UNREADABLE, problem { throw IOException("gone") })
        assertEquals(PhotoProblem.UNREADABLE, problem { throw SecurityException("no permission any more") })
        assertEquals(PhotoProblem.UNREADABLE, problem { null })
        val endless = object : java.io.InputStream() {
            override fun read() = 0

            override fun read(into: ByteArray, from: Int, count: Int) = count
        }
        assertEquals(PhotoProblem.TOO_LARGE, problem { endless })
    }

    @Test
    fun `the hash is of the file`() {
        val file = PhotoFile { ByteArrayInputStream(Scenes.good) }
        assertEquals(sha256(ByteArray(0)), file.sha256)
        (file.open().picture as Closeable).close()
        assertEquals(sha256(Scenes.good), file.sha256)
    }

    private fun open(bytes: ByteArray): Shot = PhotoFile { ByteArrayInputStream(bytes) }.open()

    private fun problem(bytes: ByteArray) = problem { ByteArrayInputStream(bytes) }

    private fun problem(file: () -> java.io.InputStream?): PhotoProblem? {
        val photo = PhotoFile(file)
        assertThrows(Exception::class.java) { photo.open() }
        return photo.problem
    }

    private companion object {
        const val CLOSE = 1.0
        const val COUNTED = 0xFF102030.toInt()
    }
}
