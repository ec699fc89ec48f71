package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Assertions.fail
import org.junit.jupiter.api.Test
import java.util.Base64

/** Photo files: which are photos, how they stand, and which are refused; as Python, or stricter with a reason. */
class PhotoTest {
    private fun bytes(json: Json): ByteArray = Base64.getDecoder().decode(json.text)

    private fun inspect(file: ByteArray): Any = try {
        Photo.inspect(file)
    } catch (error: UnfitPhoto) {
        error.unfit.code
    }

    @Test
    fun `EXIF blocks and XMP packets, whole and damaged, say what they say to Python`() {
        for (case in Vectors.cases("exif")) {
            val exif = if (case["exif"] == Json.Null) null else bytes(case["exif"])
            val xmp = if (case["xmp"] == Json.Null) null else case["xmp"].text
            assertEquals(case["orientation"].int, Exif.orientation(exif, xmp).exif, case.toString())
        }
    }

    @Test
    fun `files are accepted, turned and refused as told`() {
        for (case in Vectors.cases("files")) {
            val found = inspect(bytes(case["file"]))
            val name = case["name"].text
            if (case["unfit"] == Json.Null) {
                if (found !is Photo) return fail("$name: $found")
                assertEquals(Photo(found.format, case["orientation"].orientation, 32, 16, found.profile), found, name)
                assertEquals(name.startsWith("profile"), found.profile, name)
            } else {
                assertEquals(case["unfit"].text, found, name)
            }
        }
    }

    @Test
    fun `every reason to refuse a file is met`() {
        val met = Vectors.cases("files").mapNotNull { (it["unfit"] as? Json.Text)?.value }.toSet()
        assertEquals(Unfit.entries.map { it.code }.toSet() - Unfit.TOO_LARGE.code, met)
    }

    @Test
    fun `a damaged file never stands otherwise than in Python`() {
        var both = 0
        for (case in Vectors.cases("damaged")) {
            val found = inspect(bytes(case["file"]))
            if (found is Photo && case["orientation"] != Json.Null) {
                assertEquals(case["orientation"].int, found.orientation.exif, case["file"].text)
                both++
            }
        }
        assertTrue(both > 40, "$both files that both read")
    }

    @Test
    fun `what Python reads after damage is read here too, or refused as damaged`() {
        for (case in Vectors.cases("damaged").filter { it["orientation"] != Json.Null }) {
            val found = inspect(bytes(case["file"]))
            assertTrue(found is Photo || found in setOf("damaged", "cut-off"), "$found")
        }
    }

    @Test
    fun `a file cut off anywhere is refused or says the same`() {
        for (case in Vectors.cases("files").filter { it["unfit"] == Json.Null }) {
            val file = bytes(case["file"])
            val whole = inspect(file)
            for (length in file.indices) {
                val part = inspect(file.copyOf(length))
                assertTrue(part == whole || part is String, "${case["name"].text} cut to $length: $part")
            }
        }
    }

    @Test
    fun `a file that is too long is refused before it is read`() {
        Photo.checkLength(Photo.MOST_BYTES)
        val error = assertThrows(UnfitPhoto::class.java) { Photo.checkLength(Photo.MOST_BYTES + 1) }
        assertEquals(Unfit.TOO_LARGE, error.unfit)
        assertNotNull(error.message)
    }
}
