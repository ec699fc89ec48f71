package melanomaedge.core

import net.jqwik.api.ForAll
import net.jqwik.api.Property
import net.jqwik.api.constraints.Size
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Test
import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.util.Random
import java.util.zip.CRC32
import java.util.zip.ZipEntry
import java.util.zip.ZipOutputStream

class ZipBundleTest {
    private val good = mapOf(
        "a.txt" to "hello".toByteArray(),
        "b/c.bin" to ByteArray(70_000) { (it * 7).toByte() },
        "d.txt" to ByteArray(0),
    )

    private fun read(bytes: ByteArray) = ZipBundle.read(bytes.inputStream())

    private fun assertGood(files: BundleFiles) {
        assertEquals(listOf("a.txt", "b/c.bin", "d.txt"), files.names)
        good.forEach { (name, bytes) -> assertArrayEquals(bytes, files.read(name)) }
    }

    @Test
    fun `stored and deflated files are read`() {
        assertGood(read(ZipForge.zip(good)))
        assertGood(read(ZipForge.write(good.map { (name, bytes) -> ZipEntryForge(name, bytes, method = 8) })))
    }

    @Test
    fun `a zip of Java's own writer is read`() {
        val bytes = ByteArrayOutputStream()
        ZipOutputStream(bytes).use { zip ->
            for ((name, content) in good) {
                zip.putNextEntry(
                    ZipEntry(name).apply {
                        method = ZipEntry.STORED
                        size = content.size.toLong()
                        crc = CRC32().apply { update(content) }.value
                    },
                )
                zip.write(content)
            }
        }
        assertGood(read(bytes.toByteArray()))
    }

    @Test
    fun `an empty zip has no files`() {
        assertEquals(emptyList<String>(), read(ZipForge.write(emptyList())).names)
    }

    @Test
    fun `a stream that breaks is unreadable`() {
        val broken = object : InputStream() {
            override fun read(): Int = throw IOException("gone")
        }
        assertEquals(Reason.UNREADABLE, assertThrows(Refused::class.java) { ZipBundle.read(broken) }.reason)
    }

    @Test
    fun `an endless stream is given up`() {
        val endless = object : InputStream() {
            override fun read(): Int = 0

            override fun read(into: ByteArray, from: Int, count: Int): Int = count
        }
        assertEquals(Reason.TOO_LARGE, assertThrows(Refused::class.java) { ZipBundle.read(endless) }.reason)
    }

    @Test
    fun `what is read cannot be changed`() {
        val files = read(ZipForge.zip(good))
        files.read("a.txt").fill(0)
        assertArrayEquals(good.getValue("a.txt"), files.read("a.txt"))
    }

    @Property(tries = 1000)
    fun `random bytes are refused`(@ForAll @Size(max = 300) bytes: ByteArray) {
        assertThrows(Refused::class.java) { read(bytes) }
    }

    @Property(tries = 3000)
    fun `a zip with bytes scrambled is refused or read, nothing else`(@ForAll seed: Long) {
        val random = Random(seed)
        val packed = ZipEntryForge("a.txt", "hello".toByteArray(), method = 8)
        val bytes = ZipForge.write(listOf(packed, ZipEntryForge("b.txt", ByteArray(9))))
        repeat(1 + random.nextInt(4)) { bytes[random.nextInt(bytes.size)] = random.nextInt().toByte() }
        try {
            assertEquals(listOf("a.txt", "b.txt"), read(bytes).names.sorted())
        } catch (refused: Refused) {
            assertEquals(refused.reason.code, refused.message?.substringBefore(':'))
        }
    }
}
