package melanomaedge.engine.jvm

import melanomaedge.core.Orientation
import melanomaedge.core.Picture
import melanomaedge.core.Pixels
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.params.ParameterizedTest
import org.junit.jupiter.params.provider.ValueSource
import java.awt.image.BufferedImage
import java.io.ByteArrayOutputStream
import java.io.IOException
import javax.imageio.ImageIO

class PicturesTest {
    private fun colour(x: Int, y: Int): Int = (x * 37 % 256 shl 16) or (y * 91 % 256 shl 8) or ((x * y + 7) % 256)

    private fun image(type: Int, width: Int = 7, height: Int = 5, draw: (Int, Int) -> Int = ::colour): BufferedImage {
        val image = BufferedImage(width, height, type)
        for (y in 0 until height) for (x in 0 until width) image.setRGB(x, y, draw(x, y) or (0xFF shl 24))
        return image
    }

    private fun ppm(width: Int, height: Int, head: String = "P6\n$width $height\n255\n"): ByteArray {
        val body = ByteArray(width * height * 3) {
            (colour(it / 3 % width, it / 3 / width) shr (16 - it % 3 * 8)).toByte()
        }
        return head.toByteArray() + body
    }

    private fun check(picture: Picture, width: Int = 7, height: Int = 5) {
        assertEquals(width to height, picture.width to picture.height)
        val rows = IntArray(2 * width).also { picture.rows(1, 2, it) }
        val columns = IntArray(3 * height).also { picture.columns(2, 3, it) }
        assertArrayEquals(IntArray(2 * width) { colour(it % width, 1 + it / width) }, plain(rows))
        assertArrayEquals(IntArray(3 * height) { colour(2 + it % 3, it / 3) }, plain(columns))
    }

    private fun plain(pixels: IntArray) = IntArray(pixels.size) { pixels[it] and 0xFFFFFF }

    @ParameterizedTest
    @ValueSource(
        ints = [
            BufferedImage.TYPE_3BYTE_BGR, BufferedImage.TYPE_4BYTE_ABGR, BufferedImage.TYPE_INT_RGB,
            BufferedImage.TYPE_INT_ARGB, BufferedImage.TYPE_INT_BGR,
        ],
    )
    fun `every layout of bytes gives the same colours`(type: Int) = check(JvmPicture(image(type)))

    @Test
    fun `a part of a larger picture is not taken for a whole one`() {
        val large = BufferedImage(9, 8, BufferedImage.TYPE_3BYTE_BGR)
        for (y in 0 until 5) for (x in 0 until 7) large.setRGB(x + 1, y + 2, colour(x, y))
        check(JvmPicture(large.getSubimage(1, 2, 7, 5)))
    }

    @Test
    fun `grey values stay as they are`() {
        val grey = BufferedImage(256, 1, BufferedImage.TYPE_BYTE_GRAY)
        for (x in 0 until 256) grey.raster.setSample(x, 0, 0, x)
        val found = IntArray(256).also { JvmPicture(grey).rows(0, 1, it) }
        assertArrayEquals(IntArray(256) { it * 0x10101 }, plain(found))
    }

    @Test
    fun `opaque pictures with transparency pass and others do not`() {
        check(JvmPicture(image(BufferedImage.TYPE_4BYTE_ABGR)))
        for (type in listOf(BufferedImage.TYPE_4BYTE_ABGR, BufferedImage.TYPE_INT_ARGB)) {
            val seeThrough = image(type)
            seeThrough.setRGB(6, 4, 0x7F102030)
            val error = assertThrows<IOException> { JvmPicture(seeThrough) }
            assertTrue("transparent" in error.message.orEmpty())
        }
    }

    @Test
    fun `pictures deeper than bytes are refused`() {
        assertThrows<IOException> { JvmPicture(BufferedImage(2, 2, BufferedImage.TYPE_USHORT_GRAY)) }
    }

    @Test
    fun `files are decoded, and what is no picture is refused`() {
        val bytes = ByteArrayOutputStream()
        ImageIO.write(image(BufferedImage.TYPE_INT_RGB), "png", bytes)
        check(JvmPicture.decode(bytes.toByteArray()))
        assertThrows<IOException> { JvmPicture.decode(ByteArray(100)) }
    }

    @Test
    fun `a PPM file is read as it stands`() {
        check(PpmPicture(ppm(7, 5)))
        check(PpmPicture(ppm(7, 5, "P6 7\t5 255 ")))
        assertArrayEquals(
            Pixels.square(JvmPicture(image(BufferedImage.TYPE_3BYTE_BGR, 90, 70)), Orientation.TURN_LEFT, 32),
            Pixels.square(PpmPicture(ppm(90, 70)), Orientation.TURN_LEFT, 32),
        )
    }

    @Test
    fun `a PPM file that is not whole is refused`() {
        val good = ppm(7, 5)
        val wrong = listOf(
            good.copyOf(good.size - 1), good + 0, ByteArray(0), "P6".toByteArray(),
            ppm(7, 5, "P5\n7 5\n255\n"), ppm(7, 5, "P6\n7 5\n65535\n"), ppm(7, 5, "P6\n5 x\n255\n"),
            ppm(7, 5, "P6\n-7 -5\n255\n"), ppm(7, 5, "P6\n7 99999999\n255\n"),
        )
        for (bytes in wrong) assertThrows<IOException> { PpmPicture(bytes) }
    }
}
