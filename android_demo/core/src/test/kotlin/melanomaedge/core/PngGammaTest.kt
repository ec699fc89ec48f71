package melanomaedge.core

import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Test

class PngGammaTest {
    private val png = DemoBundle.files.entries.first { it.key.endsWith(".png") }.value

    @Test
    fun `what is said of gamma and colours is left out, and nothing else`() {
        val gamma = PngForge.chunk("gAMA", PngForge.GAMMA_ONE)
        val colours = PngForge.chunk("cHRM", ByteArray(32))
        val coded = PngForge.chunk("cICP", byteArrayOf(9, 16, 0, 1))
        val text = PngForge.chunk("tEXt", "gAMA\u0000cHRM".toByteArray())
        val found = PngGamma.removed(PngForge.behindHeader(png, gamma + text + colours + coded))
        assertArrayEquals(PngForge.behindHeader(png, text), found)
    }

    @Test
    fun `without them the bytes are the very same`() {
        assertSame(png, PngGamma.removed(png))
        val chunks = PngForge.chunk("iCCP", ByteArray(9)) + PngForge.chunk("sRGB", ByteArray(1))
        val profile = PngForge.behindHeader(png, chunks)
        assertSame(profile, PngGamma.removed(profile))
        val jpeg = DemoBundle.files.getValue("golden/01.jpg")
        assertSame(jpeg, PngGamma.removed(jpeg))
        for (length in 0..12) png.copyOf(length).let { assertSame(it, PngGamma.removed(it)) }
    }

    @Test
    fun `behind a damaged chunk all stays as it is`() {
        val gamma = PngForge.chunk("gAMA", PngForge.GAMMA_ONE)
        val endless = gamma.copyOf().also { it[0] = 0x7F }
        val broken = PngForge.behindHeader(png, endless + gamma)
        assertSame(broken, PngGamma.removed(broken))
        val found = PngGamma.removed(PngForge.behindHeader(png, gamma + endless))
        assertArrayEquals(PngForge.behindHeader(png, endless), found)
    }
}
