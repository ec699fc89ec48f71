package melanomaedge.app.photo

import android.graphics.Bitmap
import java.io.Closeable
import kotlin.math.min
import melanomaedge.core.Picture

/** Shows a decoded bitmap to the core, which does all the turning, cropping and resizing itself. */
internal class BitmapPicture(private val bitmap: Bitmap) : Picture, Closeable {
    override val width: Int = bitmap.width
    override val height: Int = bitmap.height

    override fun rows(top: Int, count: Int, into: IntArray) = bitmap.getPixels(into, 0, width, 0, top, width, count)

    override fun columns(left: Int, count: Int, into: IntArray) = bitmap.getPixels(into, 0, count, left, 0, count, height)

    /** Tells whether something behind the picture would show through. */
    fun isTransparent(): Boolean {
        if (!bitmap.hasAlpha()) return false
        val strip = IntArray(min(STRIP, height) * width)
        for (top in 0 until height step STRIP) {
            val count = min(STRIP, height - top)
            rows(top, count, strip)
            for (at in 0 until count * width) if (strip[at] ushr ALPHA != OPAQUE) return true
        }
        return false
    }

    override fun close() = bitmap.recycle()

    private companion object {
        const val STRIP = 16
        const val ALPHA = 24
        const val OPAQUE = 255
    }
}
