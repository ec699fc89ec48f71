package melanomaedge.core

import com.sun.management.ThreadMXBean
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.EnumSource
import java.lang.management.ManagementFactory

/** The largest photos of phones need little memory beyond their bitmap, however they are turned. */
class PixelsMemoryTest {
    private val threads = ManagementFactory.getThreadMXBean() as ThreadMXBean

    /** As large as a phone's photo, and drawn as fast as a bitmap is read. */
    private class Weave(override val width: Int, override val height: Int) : Picture {
        override fun rows(top: Int, count: Int, into: IntArray) {
            for (i in 0 until count * width) into[i] = i % width * 0x10307 xor top + i / width
        }

        override fun columns(left: Int, count: Int, into: IntArray) {
            for (i in 0 until count * height) into[i] = (left + i % count) * 0x10307 xor i / count
        }
    }

    private fun allocated(work: () -> Unit): Long {
        val before = threads.getThreadAllocatedBytes(Thread.currentThread().id)
        work()
        return threads.getThreadAllocatedBytes(Thread.currentThread().id) - before
    }

    @ParameterizedTest
    @EnumSource(Orientation::class, names = ["UPRIGHT", "UPSIDE_DOWN", "TURN_RIGHT", "TRANSVERSED"])
    fun `50 megapixels are resized and measured within 16 MB in all`(orientation: Orientation) {
        val picture = Weave(8192, 6144)
        val bytes = allocated {
            Pixels.square(picture, orientation, 224)
            Quality.measure(picture, orientation)
        }
        assertTrue(bytes < 16L shl 20, "$bytes bytes were allocated")
    }
}
