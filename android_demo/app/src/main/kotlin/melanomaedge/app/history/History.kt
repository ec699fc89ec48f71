package melanomaedge.app.history

import java.io.File
import java.io.FileOutputStream
import java.io.IOException
import java.nio.file.Files
import java.nio.file.StandardCopyOption
import melanomaedge.core.Refused

/**
 * Keeps answers in a file on this device, one line for each, without pictures; the newest [MOST] stay.
 *
 * A line that cannot be read is told of and not shown; it goes when everything is deleted.
 */
internal class History(private val file: File) {
    private val fresh = File(file.path + ".new")

    /** The answers, newest first, and whether some could not be read. */
    class Shelf(val answers: List<Answer>, val damaged: Boolean)

    /** Reads everything; takes long enough to be no work for the main thread. */
    @Synchronized
    fun read(): Shelf {
        val lines = try {
            lines()
        } catch (_: IOException) {
            return Shelf(emptyList(), damaged = true)
        }
        val answers = lines.mapNotNull(::answer)
        return Shelf(answers.reversed(), answers.size < lines.size)
    }

    @Synchronized
    fun find(id: String): Answer? = try {
        lines().firstNotNullOfOrNull { answer(id, it) }
    } catch (_: IOException) {
        null
    }

    /** Adds an answer; throws [IOException] when the device does not take it. */
    @Synchronized
    fun add(answer: Answer) = replace((lines() + AnswerJson.write(answer)).takeLast(MOST))

    /** Deletes an answer; false when the device cannot. */
    @Synchronized
    fun delete(id: String): Boolean = try {
        replace(lines().filter { answer(id, it) == null })
        true
    } catch (_: IOException) {
        false
    }

    /** Deletes everything, also what a full device left half written; false when the device cannot. */
    @Synchronized
    fun deleteAll(): Boolean {
        val all = listOf(file, fresh)
        all.forEach { it.delete() }
        return all.none { it.exists() }
    }

    private fun lines(): List<String> = if (file.isFile) file.readLines().filter { it.isNotBlank() } else emptyList()

    /** Reads a line only if it may be the answer that is looked for. */
    private fun answer(id: String, line: String): Answer? = if (id in line) answer(line)?.takeIf { it.id == id } else null

    private fun answer(line: String): Answer? = try {
        AnswerJson.read(line)
    } catch (_: Refused) {
        null
    }

    private fun replace(lines: List<String>) {
        FileOutputStream(fresh).use { stream ->
            stream.write(lines.joinToString("") { "$it\n" }.toByteArray())
            stream.fd.sync()
        }
        Files.move(fresh.toPath(), file.toPath(), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING)
    }

    companion object {
        const val MOST = 500
    }
}
