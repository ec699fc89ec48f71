package melanomaedge.engine.jvm

import melanomaedge.core.DemoBundle
import melanomaedge.core.Json
import melanomaedge.core.sha256
import melanomaedge.engine.Fixtures
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.CsvSource
import java.io.ByteArrayOutputStream
import java.io.File
import java.io.PrintStream

class MainTest {
    @TempDir
    lateinit var folder: File

    private val bundle = Fixtures.bundle
    private val demo = DemoBundle.file.path

    private class Ran(val code: Int, val out: String, val err: String)

    private fun ran(vararg arguments: String): Ran {
        val (out, err) = System.out to System.err
        val (said, complained) = ByteArrayOutputStream() to ByteArrayOutputStream()
        try {
            System.setOut(PrintStream(said, true))
            System.setErr(PrintStream(complained, true))
            return Ran(run(arrayOf(*arguments)), said.toString(), complained.toString())
        } finally {
            System.setOut(out)
            System.setErr(err)
        }
    }

    private fun photos(format: String): List<String> = bundle.golden.vectors.filter { it.format == format }.map { vector ->
        File(folder, vector.photo.substringAfter('/')).apply { writeBytes(bundle.photo(vector)) }.path
    }

    private fun fields(line: String): Map<String, Json> =
        (Json.parse(line.toByteArray(), "line") as Json.Object).members

    @ParameterizedTest
    @CsvSource("tflite,litert", "tflite-plain,litert-plain", "onnx,onnxruntime")
    fun `golden photos are answered on a line each, in order`(engine: String, runtime: String) {
        val files = photos("png")
        val found = ran(demo, "--engine", engine, *files.toTypedArray(), "--pixels-out", File(folder, "seen").path)
        assertEquals(0, found.code, found.err)
        val vectors = bundle.golden.vectors.filter { it.format == "png" }
        val lines = found.out.trim().lines().map(::fields)
        assertEquals(files.map { Json.of(it) }, lines.map { it["file"] })
        for ((place, vector) in vectors.withIndex()) {
            val line = lines[place]
            assertEquals(Json.of(vector.state.code), line["state"])
            assertEquals(Json.of(vector.decision), line["decision"])
            assertEquals(Json.of(runtime), line["runtime"])
            assertEquals(Json.of(sha256(bundle.pixels(vector))), line["pixels_sha256"])
            assertArrayEquals(bundle.pixels(vector), File(folder, "seen/000${place + 1}.rgb").readBytes())
            assertEquals(bundle.contract.classes, (line["probabilities"] as Json.Object).members.keys.toList())
        }
    }

    @Test
    fun `what cannot be decoded is a line as well`() {
        val broken = File(folder, "broken.jpg").apply { writeBytes(ByteArray(100)) }.path
        val found = ran(demo, broken, File(folder, "missing.ppm").path)
        assertEquals(0, found.code)
        for (line in found.out.trim().lines().map(::fields)) {
            assertEquals(Json.of("not-assessable") to Json.of("unreadable"), line["state"] to line["trouble"])
            assertEquals(Json.Null, line["probabilities"])
        }
    }

    @Test
    fun `a bundle that is not trusted answers nothing`() {
        val wrong = File(folder, "wrong.zip").apply { writeBytes(Fixtures.zip.copyOf(1000)) }
        val found = ran(wrong.path, photos("png").first())
        assertEquals(7 to "", found.code to found.out)
        assertTrue(found.err.startsWith("refused: "), found.err)
        val key = File(folder, "key.pem").apply { writeText("no key") }
        assertEquals(7, ran(demo, "--key", key.path, photos("png").first()).code)
    }

    @ParameterizedTest
    @CsvSource("''", "bundle", "bundle photo --engine moon", "bundle photo --moon", "bundle photo --key")
    fun `a command line that says nothing is explained`(words: String) {
        val found = ran(*words.split(" ").filter { it.isNotEmpty() }.toTypedArray())
        assertEquals(2 to "", found.code to found.out)
        assertTrue("usage: MainKt BUNDLE" in found.err)
    }

    @Test
    fun `a missing bundle is said without a trace`() {
        val found = ran(File(folder, "none.zip").path, "photo.jpg")
        assertEquals(3, found.code)
        assertFalse("at melanomaedge" in found.err)
    }

    @Test
    fun `the bench prints every stage`() {
        val found = ran(demo, "--bench", photos("jpeg").first())
        assertEquals(0, found.code, found.err)
        val stages = listOf("opening the engine", "self-check of 10", "decode", "quality", "pixels", "inference")
        for (stage in stages + "peak heap") assertTrue(stage in found.out, "$stage in ${found.out}")
    }
}
