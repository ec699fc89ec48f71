package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File
import java.io.RandomAccessFile
import java.nio.file.Files

class FolderBundleTest {
    @TempDir
    lateinit var folder: File

    private fun refusal(): Reason = assertThrows(Refused::class.java) { FolderBundle.read(folder) }.reason

    private fun write(name: String, bytes: ByteArray = ByteArray(1)) {
        File(folder, name).apply { parentFile.mkdirs() }.writeBytes(bytes)
    }

    @Test
    fun `a folder is read as its zip is`() {
        val good = ToyBundle.files()
        good.forEach { (name, bytes) -> write(name, bytes) }
        val files = FolderBundle.read(folder)
        assertEquals(ZipBundle.read(ZipForge.zip(good).inputStream()).names, files.names)
        good.forEach { (name, bytes) -> assertArrayEquals(bytes, files.read(name)) }
    }

    @Test
    fun `later changes on the disk do not reach what was read`() {
        write("a.txt", "hello".toByteArray())
        val files = FolderBundle.read(folder)
        write("a.txt", "other".toByteArray())
        assertArrayEquals("hello".toByteArray(), files.read("a.txt"))
    }

    @Test
    fun `links are refused, to files and to folders`() {
        write("a.txt")
        val link = File(folder, "b.txt").toPath()
        Files.createSymbolicLink(link, File(folder, "a.txt").toPath())
        assertEquals(Reason.BAD_NAME, refusal())
        Files.delete(link)
        Files.createSymbolicLink(File(folder, "sub").toPath(), folder.toPath())
        assertEquals(Reason.BAD_NAME, refusal())
    }

    @Test
    fun `names that no bundle has are refused`() {
        write("Upper.txt")
        assertEquals(Reason.BAD_NAME, refusal())
    }

    @Test
    fun `too many files are refused`() {
        repeat(Limits.FILES + 1) { write("f$it.txt") }
        assertEquals(Reason.TOO_MANY_FILES, refusal())
    }

    @Test
    fun `a file that is too large is refused`() {
        RandomAccessFile(File(folder, "big.bin"), "rw").use { it.setLength(Limits.FILE_BYTES + 1L) }
        assertEquals(Reason.TOO_LARGE, refusal())
    }

    @Test
    fun `JSON that is too large is refused`() {
        write("big.json", ByteArray(Limits.JSON_BYTES + 1))
        assertEquals(Reason.TOO_LARGE, refusal())
    }

    @Test
    fun `a folder that is not there is unreadable`() {
        folder.deleteRecursively()
        assertEquals(Reason.UNREADABLE, refusal())
    }
}
