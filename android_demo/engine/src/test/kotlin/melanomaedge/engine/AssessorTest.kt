package melanomaedge.engine

import melanomaedge.core.Finding
import melanomaedge.core.Orientation
import melanomaedge.core.State
import melanomaedge.engine.jvm.JVM_DECODER
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNotNull
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertAll
import java.io.Closeable
import java.io.IOException

class AssessorTest {
    private val bundle = Fixtures.bundle
    private val source = Fixtures.source()

    private fun assess(engine: LesionEngine, source: PictureSource = this.source): Assessment =
        Assessor(bundle, engine).assess(source)

    @Test
    fun `the golden photos end in the states that the bundle names`() {
        Assessor(bundle, TfliteEngine(bundle)).use { assessor ->
            for (vector in bundle.golden.vectors) {
                val found = assessor.assess { JVM_DECODER.decode(bundle.photo(vector)) }
                assertEquals(vector.state, found.state, vector.id)
                assertNull(found.trouble)
                if (vector.format == "png") assertEquals(vector.quality, found.quality)
            }
        }
    }

    @Test
    fun `an answer comes with all that is known of it`() {
        TfliteEngine(bundle).use { engine ->
            val found = assess(engine)
            assertNull(found.trouble)
            assertEquals(bundle.contract.classes.size, found.probabilities?.size)
            assertEquals(engine.runtime to engine.delegate, found.runtime to found.delegate)
            assertEquals(3 * bundle.contract.inputSize * bundle.contract.inputSize, found.pixels?.size)
            val times = found.timings.run { listOf(decode, quality, pixels, inference) }
            assertTrue(times.all { it != null && it >= 0 }, times.toString())
        }
    }

    @Test
    fun `every failure on the way ends in not assessable, with its name`() {
        val failures = mapOf(
            IllegalStateException("x") to Trouble.ENGINE_FAILED,
            EngineFailure("x") to Trouble.ENGINE_FAILED,
            UnsatisfiedLinkError("x") to Trouble.ENGINE_FAILED,
            StackOverflowError() to Trouble.ENGINE_FAILED,
            OutOfMemoryError() to Trouble.OUT_OF_MEMORY,
        )
        assertAll(
            failures.map { (error, trouble) ->
                {
                    val found = assess(PretendEngine { throw error })
                    assertEquals(State.NOT_ASSESSABLE to trouble, found.state to found.trouble)
                    assertNull(found.score)
                    assertNotNull(found.quality)
                }
            },
        )
    }

    @Test
    fun `a picture that cannot be decoded is not assessable`() {
        val engine = PretendEngine { error("never asked") }
        val broken = assess(engine) { throw IOException("cut off") }
        assertEquals(State.NOT_ASSESSABLE to Trouble.UNREADABLE, broken.state to broken.trouble)
        assertTrue("cut off" in broken.detail.orEmpty())
        val large = assess(engine) { throw OutOfMemoryError("bitmap") }
        assertEquals(State.NOT_ASSESSABLE to Trouble.OUT_OF_MEMORY, large.state to large.trouble)
    }

    @Test
    fun `what is no probabilities is never called no sign`() {
        val classes = bundle.contract.classes.size
        val wrong = mapOf(
            "NaN" to FloatArray(classes) { Float.NaN },
            "one NaN" to Fixtures.probabilities(0.0).also { it[0] = Float.NaN },
            "zeros" to FloatArray(classes),
            "logits" to FloatArray(classes) { it - 3f },
            "percent" to Fixtures.probabilities(0.0).map { it * 100 }.toFloatArray(),
            "too few" to Fixtures.probabilities(0.0).copyOf(classes - 1),
            "infinite" to FloatArray(classes) { Float.POSITIVE_INFINITY },
        )
        for ((name, probabilities) in wrong) {
            val found = assess(PretendEngine.of(*probabilities))
            assertEquals(State.NOT_ASSESSABLE to Trouble.BAD_ANSWER, found.state to found.trouble, name)
            assertNull(found.score)
        }
    }

    @Test
    fun `a photo to be retaken stays one whatever the model says`() {
        val small = bundle.safeguards.quality.smallestSide - 1
        val found = assess(PretendEngine.of(*Fixtures.probabilities(1.0)), Fixtures.source(small))
        assertEquals(State.RETAKE, found.state)
        assertEquals(listOf(Finding.TOO_SMALL), found.findings)
    }

    @Test
    fun `the picture is closed after use, also when its reading fails`() {
        var closed = 0
        open class Kept : Textured(400, 400), Closeable {
            override fun close() {
                closed++
            }
        }
        class Failing : Kept() {
            override fun rows(top: Int, count: Int, into: IntArray) = error("recycled")
        }
        val engine = PretendEngine.of(*Fixtures.probabilities(0.0))
        assertEquals(State.NO_SIGN, assess(engine) { Shot(Kept(), Orientation.UPRIGHT) }.state)
        assertEquals(State.NOT_ASSESSABLE, assess(engine) { Shot(Failing(), Orientation.UPRIGHT) }.state)
        assertEquals(2, closed)
    }

    @Test
    fun `closing an assessor closes its engine`() {
        val engine = PretendEngine.of(1f)
        Assessor(bundle, engine).close()
        assertTrue(engine.closed)
    }
}
