package melanomaedge.app

import android.content.pm.ApplicationInfo
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import java.io.ByteArrayInputStream
import java.io.File
import java.util.Locale
import kotlin.math.abs
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.model.ModelState
import melanomaedge.app.photo.PhotoFile
import melanomaedge.app.result.DetailsActivity
import melanomaedge.app.result.ResultActivity
import melanomaedge.core.Bundle
import melanomaedge.core.Finding
import melanomaedge.core.Pixels
import melanomaedge.core.State
import melanomaedge.core.ZipForge
import melanomaedge.engine.Answer
import melanomaedge.engine.LesionEngine
import melanomaedge.engine.Shot
import melanomaedge.engine.Trouble
import org.junit.After
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertNotEquals
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner

/** The faults of well-known sample apps, each as a test that fails when it is put into this one. */
@RunWith(RobolectricTestRunner::class)
class SampleAppBugsTest {
    private val locale = Locale.getDefault()

    @After
    fun restoreLocale() = Locale.setDefault(locale)

    private fun phone(engine: (Bundle) -> LesionEngine) = Phone(TestServices(engine = engine)).ready()

    /** An engine that answers with these numbers, whatever they are. */
    private class Told(private val bundle: Bundle, private val probabilities: FloatArray) : LesionEngine by FakeEngine(bundle) {
        override fun infer(pixels: ByteArray) = Answer(probabilities, null, embedding(bundle))
    }

    @Test
    fun `litert-samples - a score below 0,3 is set to zero, so a melanoma at 0,25 disappears`() {
        val phone = phone { FakeEngine(it, 0.25) }
        val id = phone.check(Scenes.good)
        assertEquals(State.REFER, phone.app.history.find(id)!!.audit.state)
        assertTrue("20% to 50%" in phone.open(ResultActivity::class.java, ResultActivity.of(phone.app, id)).text)
        val details = phone.open(DetailsActivity::class.java, DetailsActivity.of(phone.app, id)).text
        assertTrue(details, "Melanoma (counts towards referral): 20% to 50%" in details)
    }

    @Test
    fun `DermaLite - an error answers that the lesion is harmless`() {
        val phone = phone { FakeEngine(it) { throw IllegalStateException("crash") } }
        val answer = phone.app.history.find(phone.check(Scenes.good))!!
        assertEquals(State.NOT_ASSESSABLE, answer.audit.state)
    }

    @Test
    fun `ORT sample - the best of three begins at zero, so a NaN looks like no finding`() {
        val phone = phone { Told(it, FloatArray(it.contract.classes.size) { Float.NaN }) }
        val answer = phone.app.history.find(phone.check(Scenes.good))!!
        assertEquals(State.NOT_ASSESSABLE to Trouble.BAD_ANSWER, answer.audit.state to answer.failure!!.trouble)
    }

    @Test
    fun `ai-hub-apps - bytes compared with their sign make 240 smaller than 100, so a glaring photo looks dark`() {
        val phone = phone { FakeEngine(it) }
        val photo = Scenes.encoded(Bitmap.CompressFormat.PNG, 512, 512) { 0xFFF0ECE8.toInt() }
        val answer = phone.app.history.find(phone.check(photo))!!
        assertEquals(State.RETAKE, answer.audit.state)
        assertTrue("${answer.audit.findings}", Finding.TOO_BRIGHT in answer.audit.findings && Finding.TOO_DARK !in answer.audit.findings)
        assertTrue("${answer.quality}", answer.quality!!.brightness in 23_200..24_000)
    }

    @Test
    fun `litert-samples - photos are squashed, not cropped, and turned after that`() {
        val vector = bundle.golden.vectors.first { it.orientation > 4 && it.width != it.height }
        val expected = bundle.pixels(vector)
        val shot = PhotoFile { ByteArrayInputStream(bundle.photo(vector)) }.open()
        assertTrue(furthest(expected, Pixels.square(shot.picture, shot.orientation, side)) <= DECODERS)
        assertTrue("the photo shows the fault", furthest(expected, squashed(shot, true)) > DECODERS)
    }

    @Test
    fun `ORT sample - photos are resized by the nearest neighbour`() {
        val vector = bundle.golden.vectors.first { it.format == "png" }
        val expected = bundle.pixels(vector)
        val shot = PhotoFile.decode(bundle.photo(vector))
        assertEquals(0, furthest(expected, Pixels.square(shot.picture, shot.orientation, side)))
        assertTrue("the photo shows the fault", furthest(expected, squashed(shot, false)) > DECODERS)
    }

    @Test
    fun `quic - photos are put between black bars, with the sides exchanged`() {
        val vector = bundle.golden.vectors.first { it.orientation == 1 && it.width > it.height }
        val expected = bundle.pixels(vector)
        val shot = PhotoFile.decode(bundle.photo(vector))
        assertTrue(furthest(expected, Pixels.square(shot.picture, shot.orientation, side)) <= DECODERS)
        assertTrue("the photo shows the fault", furthest(expected, letterboxed(shot)) > DECODERS)
    }

    @Test
    fun `litert-samples - NNAPI computes what nobody has tried`() {
        val real = PhoneServices(Phone().app).engine(bundle)
        assertTrue(real.delegate, real.delegate.startsWith("XNNPACK") || real.delegate.startsWith("none"))
        real.close()
        val sources = listOf("src/main", "../engine/src/main/kotlin", "../core/src/main/kotlin").flatMap { File(it).walk().filter { file -> file.extension in setOf("kt", "xml") } }
        assertTrue("${sources.size} sources", sources.any { it.name == "TfliteGraph.kt" })
        assertEquals(emptyList<File>(), sources.filter { it.readText().contains(Regex("nn_?api", RegexOption.IGNORE_CASE)) })
    }

    @Test
    fun `all samples - the model file is never looked at`() {
        val files = Demo.files.toMutableMap()
        files["model.tflite"] = files.getValue("model.tflite").copyOf().also { it[it.size / 2] = (it[it.size / 2] + 1).toByte() }
        val phone = Phone(TestServices(ZipForge.zip(files)))
        phone.open(HomeActivity::class.java)
        assertEquals("changed-file", (phone.app.models.state as ModelState.NotTrusted).refusal.code)
    }

    @Test
    fun `litert-samples - the screen says GPU while the processor computes`() {
        val phone = phone { bundle -> object : LesionEngine by FakeEngine(bundle) { override val delegate = "none: plain kernels" } }
        val text = phone.open(DetailsActivity::class.java, DetailsActivity.of(phone.app, phone.check(Scenes.good))).text
        assertTrue(text, "none: plain kernels" in text)
    }

    @Test
    fun `litert-samples - backups take everything along`() {
        assertEquals(0, Phone().app.applicationInfo.flags and ApplicationInfo.FLAG_ALLOW_BACKUP)
    }

    @Test
    fun `litert-samples - results are percentages as if they were certain`() {
        val phone = phone { FakeEngine(it, 0.9731) }
        val id = phone.check(Scenes.good)
        for (screen in listOf(ResultActivity.of(phone.app, id) to ResultActivity::class.java, DetailsActivity.of(phone.app, id) to DetailsActivity::class.java)) {
            assertFalse("97" in phone.open(screen.second, screen.first).text.replace(Regex("[0-9a-f]{12}"), ""))
        }
    }

    @Test
    fun `many samples - a decimal comma breaks what machines read`() {
        Locale.setDefault(Locale.GERMANY)
        val phone = phone { FakeEngine(it, 0.25) }
        val answer = phone.app.history.find(phone.check(Scenes.good))!!
        assertTrue(answer.fhir.write(), Regex("\"value\": 0\\.2[45]").containsMatchIn(answer.fhir.write()))
        assertNotEquals(null, answer.audit.score)
    }

    private val bundle by lazy { (Phone().ready().app.models.state as ModelState.Ready).model.bundle }
    private val side get() = bundle.contract.inputSize

    /** What the samples do: Android's own scaling of the whole picture, smooth or by the nearest neighbour. */
    private fun squashed(shot: Shot, smooth: Boolean): ByteArray = bytes(Bitmap.createScaledBitmap(whole(shot), side, side, smooth))

    /** What quic's sample does: the aspect is kept but height and width are mistaken for each other; the rest is black. */
    private fun letterboxed(shot: Shot): ByteArray {
        val whole = whole(shot)
        val longest = maxOf(whole.width, whole.height)
        val small = Bitmap.createScaledBitmap(whole, side * whole.height / longest, side * whole.width / longest, true)
        val boxed = Bitmap.createBitmap(side, side, Bitmap.Config.ARGB_8888).apply { eraseColor(Color.BLACK) }
        Canvas(boxed).drawBitmap(small, (side - small.width) / 2f, (side - small.height) / 2f, null)
        return bytes(boxed)
    }

    private fun whole(shot: Shot): Bitmap {
        val width = shot.picture.width
        val all = IntArray(width * shot.picture.height).also { shot.picture.rows(0, shot.picture.height, it) }
        return Bitmap.createBitmap(all, width, shot.picture.height, Bitmap.Config.ARGB_8888)
    }

    private fun bytes(square: Bitmap): ByteArray {
        val pixels = IntArray(side * side).also { square.getPixels(it, 0, side, 0, 0, side, side) }
        return ByteArray(3 * side * side) { (pixels[it / 3] shr (16 - 8 * (it % 3))).toByte() }
    }

    private fun furthest(expected: ByteArray, found: ByteArray): Int =
        expected.indices.maxOf { abs((expected[it].toInt() and 255) - (found[it].toInt() and 255)) }

    private companion object {
        /** How far two decoders of JPEG may be apart in one value. */
        const val DECODERS = 12
    }
}
