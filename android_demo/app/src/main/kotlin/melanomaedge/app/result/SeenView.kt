package melanomaedge.app.result

import android.content.Context
import android.graphics.Bitmap
import android.graphics.Canvas
import android.graphics.Color
import android.graphics.Paint
import android.graphics.Rect
import android.view.View

/**
 * Draws the very pixels that the model saw, and over them its activation map: what spoke less for the target is darkened,
 * so the map needs no colours.
 *
 * @param pixels N * N * 3 bytes, rows from the top, red, green, blue.
 */
internal class SeenView(context: Context, pixels: ByteArray, side: Int) : View(context) {
    private val photo = bitmap(side, side) { at -> Color.rgb(pixels[3 * at].value, pixels[3 * at + 1].value, pixels[3 * at + 2].value) }
    private val smooth = Paint(Paint.FILTER_BITMAP_FLAG)
    private val place = Rect()
    private var map: Bitmap? = null

    /** Lays a map of values from 0 to 1, rows from the top, over the picture. */
    fun lay(values: FloatArray, width: Int, height: Int) {
        val highest = values.maxOrNull()?.takeIf { it > 0 } ?: return
        map = bitmap(width, height) { at -> Color.argb((SHADE * (1 - values[at] / highest)).toInt().coerceIn(0, SHADE), 0, 0, 0) }
        invalidate()
    }

    override fun onMeasure(width: Int, height: Int) {
        val side = MeasureSpec.getSize(width)
        setMeasuredDimension(side, side)
    }

    override fun onDraw(canvas: Canvas) {
        place.set(0, 0, width, height)
        canvas.drawBitmap(photo, null, place, smooth)
        map?.let { canvas.drawBitmap(it, null, place, smooth) }
    }

    private val Byte.value: Int get() = toInt() and 255

    private fun bitmap(width: Int, height: Int, colour: (Int) -> Int): Bitmap =
        Bitmap.createBitmap(IntArray(width * height, colour), width, height, Bitmap.Config.ARGB_8888)

    private companion object {
        const val SHADE = 200
    }
}
