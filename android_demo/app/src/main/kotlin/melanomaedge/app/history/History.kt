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
    /** The answers, newest first, and whether some could not be read. */
    class Shelf(val answers: List<Answer>, val damaged: Boolean)

    @Synchronized
    fun read(): Shelf {
        val lines = lines()
        val answers = lines.mapNotNull(::answer)
        return Shelf(answers.reversed(), answers.size < lines.size)
    }

    @Synchronized
    fun find(id: String): Answer? = read().answers.find { it.id == id }

    /** Adds an answer; throws [IOException] when the device does not take it. */
    @Synchronized
    fun add(answer: Answer) = replace((lines() + AnswerJson.write(answer)).takeLast(MOST))

    @Synchronized
    fun delete(id: String) = replace(lines().filter { answer(it)?.id != id })

    @Synchronized
    fun deleteAll() {
        file.delete()
    }

    private fun lines(): List<String> = if (file.isFile) file.readLines().filter { it.isNotBlank() } else emptyList()

    private fun answer(line: String): Answer? = try {
        AnswerJson.read(line)
    } catch (_: Refused) {
        null
    }

    private fun replace(lines: List<String>) {
        val fresh = File(file.path + ".new")
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
