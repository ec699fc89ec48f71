package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertThrows
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir
import java.io.File

class ReleaseMemoryTest {
    @TempDir
    lateinit var folder: File

    private val one = sha256("one".toByteArray())
    private val two = sha256("two".toByteArray())
    private val file get() = File(folder, "state/releases.json")

    private fun refusal(action: () -> Unit): Reason = assertThrows(Refused::class.java) { action() }.reason

    private fun check(memory: ReleaseMemory) {
        assertEquals(null, memory.newest("a"))
        memory.accept("a", 3, one)
        memory.accept("a", 3, one)
        assertEquals(Reason.OTHER_CONTENT, refusal { memory.accept("a", 3, two) })
        assertEquals(Reason.OLDER_RELEASE, refusal { memory.accept("a", 2, one) })
        memory.accept("b", 1, two)
        memory.accept("a", 4, two)
        assertEquals(AcceptedRelease(4, two), memory.newest("a"))
        assertEquals(AcceptedRelease(1, two), memory.newest("b"))
    }

    @Test
    fun `nothing older is taken, in memory`() = check(VolatileReleaseMemory())

    @Test
    fun `nothing older is taken, on disk and after a restart`() {
        check(FileReleaseMemory(file))
        assertEquals(AcceptedRelease(4, two), FileReleaseMemory(file).newest("a"))
        assertEquals(Reason.OLDER_RELEASE, refusal { FileReleaseMemory(file).accept("a", 3, one) })
    }

    @Test
    fun `names may be anything`() {
        val name = "Größe \"\\\n\u0000 ../x"
        FileReleaseMemory(file).accept(name, 1, one)
        assertEquals(AcceptedRelease(1, one), FileReleaseMemory(file).newest(name))
    }

    @Test
    fun `a damaged file refuses everything and is left as it is`() {
        FileReleaseMemory(file).accept("a", 3, one)
        val good = file.readBytes()
        for (size in 0 until good.size - 1) {
            file.writeBytes(good.copyOf(size))
            assertEquals(Reason.RELEASE_MEMORY, refusal { FileReleaseMemory(file).newest("a") })
            assertEquals(Reason.RELEASE_MEMORY, refusal { FileReleaseMemory(file).accept("a", 9, two) })
            assertEquals(size.toLong(), file.length())
        }
    }

    @Test
    fun `a verifier with a damaged memory takes no bundle`() {
        file.apply { parentFile.mkdirs() }.writeText("{}")
        val verifier = BundleVerifier(null, FileReleaseMemory(file))
        assertEquals(Reason.RELEASE_MEMORY, refusal { verifier.verify(MemoryFiles(ToyBundle.files())) })
    }

    @Test
    fun `what a crash left beside the file does not matter`() {
        FileReleaseMemory(file).accept("a", 3, one)
        File(folder, "state/releases.json.part").writeText("half")
        assertEquals(AcceptedRelease(3, one), FileReleaseMemory(file).newest("a"))
        FileReleaseMemory(file).accept("a", 4, two)
        assertFalse(File(folder, "state/releases.json.part").exists())
    }

    @Test
    fun `where nothing can be written nothing is accepted`() {
        File(folder, "state").writeText("a file where a folder should be")
        assertEquals(Reason.RELEASE_MEMORY, refusal { FileReleaseMemory(file).accept("a", 1, one) })
    }

    @Test
    fun `verifying remembers nothing, accepting does`() {
        val memory = FileReleaseMemory(file)
        val verifier = BundleVerifier(TestKeys.trusted.public, memory)
        val newer = BundleForge(ToyBundle.files()).put("manifest.json", "release", value = Json.of(4)).sign().files
        val bundle = verifier.verify(MemoryFiles(newer))
        verifier.verify(MemoryFiles(ToyBundle.files()))
        verifier.accept(bundle)
        assertEquals(Reason.OLDER_RELEASE, refusal { verifier.verify(MemoryFiles(ToyBundle.files())) })
        assertTrue(verifier.verify(MemoryFiles(newer)).signed)
    }
}
