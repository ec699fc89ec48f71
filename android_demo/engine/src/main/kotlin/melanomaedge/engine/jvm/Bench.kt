package melanomaedge.engine.jvm

import melanomaedge.core.Bundle
import melanomaedge.core.Picture
import melanomaedge.engine.Assessment
import melanomaedge.engine.Assessor
import melanomaedge.engine.SelfCheck
import melanomaedge.engine.Timings
import java.io.File
import java.io.PrintStream
import java.lang.management.ManagementFactory
import java.lang.management.MemoryType
import java.util.Locale

/**
 * Measure where the time of a photo goes, and how much of the heap it needs at most.
 *
 * Times of one run compare with one another; they say nothing of a phone's.
 */
internal class Bench(private val bundle: Bundle, private val command: Command) {
    private val pools = ManagementFactory.getMemoryPoolMXBeans().filter { it.type == MemoryType.HEAP }

    /** Print the table, and return the exit code. */
    fun print(out: PrintStream): Int {
        val (_, verified) = timed { openBundle(command) }
        val (engine, opened) = timed { unchecked(bundle, command.engine) }
        val (_, first) = timed { engine.infer(ByteArray(bundle.pixels(bundle.golden.vectors[0]).size)) }
        val (_, checked) = timed { SelfCheck(bundle, engine).run() }
        out.println("${engine.runtime}, delegate ${engine.delegate}; milliseconds, medians of $ROUNDS")
        out.row("reading and verifying the bundle", verified)
        out.row("opening the engine", opened)
        out.row("first inference", first)
        out.row("self-check of ${bundle.golden.vectors.size} golden vectors, without decoding", checked)
        Assessor(bundle, engine).use { assessor -> command.files.forEach { photo(out, assessor, it) } }
        return 0
    }

    private fun photo(out: PrintStream, assessor: Assessor, file: File) {
        val peak = peak { assessor.assess { decode(file) } }
        val found = List(ROUNDS) { assessor.assess { decode(file) } }
        val shot = decode(file)
        val bitmap = shot.picture.run { width.toDouble() * height * BYTES_A_PIXEL }
        out.println("${file.name}, ${size(shot.picture)}, ${found.last().state.code}${trouble(found.last())}")
        val stages = STAGES.mapValues { (_, stage) -> median(found.map { stage(it.timings) ?: 0.0 }) }
        val whole = stages.values.sum()
        for ((name, time) in stages) out.row(name, time, "%3.0f %%", PERCENT * time / whole)
        out.row("peak heap", peak / MEGA, "MB, the file's bitmap %.1f MB", bitmap / MEGA)
    }

    private fun size(picture: Picture): String = "${picture.width} x ${picture.height}"

    private fun trouble(found: Assessment): String = found.trouble?.let { ", ${it.code}: ${found.detail}" }.orEmpty()

    private fun PrintStream.row(name: String, value: Double, more: String = "", vararg numbers: Double) {
        val rest = String.format(Locale.ROOT, more, *numbers.toTypedArray())
        println(String.format(Locale.ROOT, "  %-62s %8.1f %s", name, value, rest).trimEnd())
    }

    /** Return how much of the heap [work] needed at its worst, beyond what was in use before; garbage counts as well. */
    private fun peak(work: () -> Unit): Double {
        System.gc()
        val before = pools.sumOf { it.usage.used }
        pools.forEach { it.resetPeakUsage() }
        work()
        return (pools.sumOf { it.peakUsage.used } - before).toDouble()
    }

    private fun <T> timed(work: () -> T): Pair<T, Double> {
        val start = System.nanoTime()
        val made = work()
        return made to (System.nanoTime() - start) / NANOS_A_MILLI
    }

    private fun median(values: List<Double>): Double = values.sorted()[values.size / 2]

    private companion object {
        const val ROUNDS = 5
        const val BYTES_A_PIXEL = 3
        const val NANOS_A_MILLI = 1e6
        const val MEGA = 1e6
        const val PERCENT = 100
        val STAGES = mapOf<String, (Timings) -> Double?>(
            "decode" to { it.decode },
            "quality" to { it.quality },
            "pixels" to { it.pixels },
            "inference" to { it.inference },
        )
    }
}
