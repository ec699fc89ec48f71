package melanomaedge.engine.jvm

import melanomaedge.core.Picture
import java.awt.image.BufferedImage
import java.awt.image.DataBufferByte
import java.awt.image.IndexColorModel
import java.io.ByteArrayInputStream
import java.io.IOException
import javax.imageio.ImageIO

/**
 * Hold a picture as the JVM's own decoders read it.
 *
 * Bytes in a plain order are taken as they stand: many times faster than asking the JVM for colours, and right for grey
 * pictures, whose values the JVM would take for linear light. Profiles are converted to sRGB by the JVM.
 *
 * @throws IOException for pictures that are partly transparent or deeper than 8 bits a channel.
 */
class JvmPicture(private val image: BufferedImage) : Picture {
    override val width: Int get() = image.width
    override val height: Int get() = image.height

    private val plain: Plain? = Plain.of(image)

    init {
        val deep = image.colorModel !is IndexColorModel && image.colorModel.componentSize.any { it > Byte.SIZE_BITS }
        if (deep) throw IOException("the picture has more than 8 bits a channel")
        if (image.colorModel.hasAlpha() && !isOpaque()) throw IOException("the picture is partly transparent")
    }

    override fun rows(top: Int, count: Int, into: IntArray) = copy(0, top, width, count, into)

    override fun columns(left: Int, count: Int, into: IntArray) = copy(left, 0, count, height, into)

    private fun copy(left: Int, top: Int, wide: Int, high: Int, into: IntArray) {
        if (plain == null) {
            image.getRGB(left, top, wide, high, into, 0, wide)
            return
        }
        for (row in 0 until high) plain.copy((top + row) * width + left, wide, into, row * wide)
    }

    private fun isOpaque(): Boolean {
        val line = IntArray(width)
        return (0 until height).all { row ->
            image.getRGB(0, row, width, 1, line, 0, width)
            line.all { it ushr ALPHA == OPAQUE }
        }
    }

    /** Name where red, green and blue of a pixel lie in bytes without gaps. */
    private class Plain(
        private val bytes: ByteArray,
        private val step: Int,
        private val red: Int,
        private val green: Int,
        private val blue: Int,
    ) {
        fun copy(pixel: Int, count: Int, into: IntArray, start: Int) {
            var from = pixel * step
            for (to in start until start + count) {
                into[to] = (byte(from + red) shl 16) or (byte(from + green) shl 8) or byte(from + blue)
                from += step
            }
        }

        private fun byte(at: Int): Int = bytes[at].toInt() and OPAQUE

        companion object {
            fun of(image: BufferedImage): Plain? {
                val bytes = (image.raster.dataBuffer as? DataBufferByte)?.data ?: return null
                val found = when (image.type) {
                    BufferedImage.TYPE_3BYTE_BGR -> Plain(bytes, 3, 2, 1, 0)
                    BufferedImage.TYPE_4BYTE_ABGR -> Plain(bytes, 4, 3, 2, 1)
                    BufferedImage.TYPE_BYTE_GRAY -> Plain(bytes, 1, 0, 0, 0)
                    else -> return null
                }
                return found.takeIf { bytes.size == image.width * image.height * it.step }
            }
        }
    }

    companion object {
        private const val ALPHA = 24
        private const val OPAQUE = 0xFF

        /**
         * Decode the bytes of a file.
         *
         * @throws IOException when no decoder of the JVM can, or the picture is refused.
         */
        fun decode(file: ByteArray): JvmPicture {
            val image = ImageIO.read(ByteArrayInputStream(file))
            return JvmPicture(image ?: throw IOException("the JVM has no decoder for this file"))
        }
    }
}
