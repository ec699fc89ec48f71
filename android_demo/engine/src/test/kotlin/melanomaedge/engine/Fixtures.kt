package melanomaedge.engine

import melanomaedge.core.Bundle
import melanomaedge.core.BundleVerifier
import melanomaedge.core.Orientation
import melanomaedge.core.Picture
import melanomaedge.core.VolatileReleaseMemory
import melanomaedge.core.ZipBundle
import java.io.ByteArrayInputStream
import java.io.File

/** The bundle that the app ships with, and stand-ins for what goes wrong. */
internal object Fixtures {
    /** The app's own bundle as a zip: a real int8 model of the tool. */
    val zip: ByteArray by lazy { File("../app/src/main/assets/bundle.zip").readBytes() }

    val bundle: Bundle by lazy { verify(zip) }

    /** The pixels of the first golden vector. */
    val pixels: ByteArray by lazy { bundle.pixels(bundle.golden.vectors.first()) }

    fun verify(zip: ByteArray): Bundle =
        BundleVerifier(null, VolatileReleaseMemory()).verify(ZipBundle.read(ByteArrayInputStream(zip)))

    /** Return probabilities of which the target classes have [share] together, and the others the rest. */
    fun probabilities(share: Double): FloatArray {
        val contract = bundle.contract
        val others = contract.classes - contract.targetClasses.toSet()
        return FloatArray(contract.classes.size) {
            val name = contract.classes[it]
            (if (name in others) (1 - share) / others.size else share / contract.targetClasses.size).toFloat()
        }
    }

    /** The embedding that nothing is foreign to, where the bundle asks for one. */
    val embedding: FloatArray?
        get() = bundle.safeguards.outlier?.centre?.let { centre -> FloatArray(centre.size) { centre[it].toFloat() } }

    /** Return a source of a picture with coloured texture, which the quality gate lets through. */
    fun source(side: Int = 400): PictureSource = PictureSource { Shot(Textured(side, side), Orientation.UPRIGHT) }
}

/** A picture of coloured stripes. */
internal open class Textured(override val width: Int, override val height: Int) : Picture {
    override fun rows(top: Int, count: Int, into: IntArray) {
        for (at in 0 until count * width) into[at] = colour(at % width, top + at / width)
    }

    override fun columns(left: Int, count: Int, into: IntArray) {
        for (at in 0 until count * height) into[at] = colour(left + at % count, at / count)
    }

    private fun colour(x: Int, y: Int): Int = if ((x / 8 + y / 8) % 2 == 0) 0xB07050 else 0x704030
}

/** An engine that answers as it is told. */
internal class PretendEngine(
    override val runtime: String = "litert",
    private val work: (ByteArray) -> Answer,
) : LesionEngine {
    override val delegate: String get() = "pretended"
    override val outputs: Set<String> get() = setOf("probabilities")

    @Volatile
    var closed = false
        private set

    override fun infer(pixels: ByteArray): Answer = work(pixels)

    override fun close() {
        closed = true
    }

    companion object {
        /** Return an engine that always gives the same probabilities. */
        fun of(vararg probabilities: Float): PretendEngine =
            PretendEngine { Answer(probabilities, null, Fixtures.embedding) }
    }
}

/** An engine whose input or output is spoiled on the way, as sample applications do. */
internal class Spoiled(
    private val engine: LesionEngine,
    private val input: (ByteArray) -> ByteArray = { it },
    private val output: (FloatArray) -> FloatArray = { it },
) : LesionEngine by engine {
    override fun infer(pixels: ByteArray): Answer {
        val answer = engine.infer(input(pixels))
        return Answer(output(answer.probabilities), answer.cam, answer.embedding)
    }

    /** Return the engine as it was. */
    fun sound(): LesionEngine = engine
}
