package melanomaedge.app.ui

import android.content.Context
import android.graphics.Canvas
import android.graphics.Paint
import android.graphics.RectF
import android.view.View
import melanomaedge.app.R
import melanomaedge.core.Band

/**
 * Draws in which of the bands a probability lies: one field for each band, that one tall and filled.
 *
 * The text beside it says the same, so screen readers pass over this picture.
 */
internal class BandView(context: Context, private val band: Band, ink: Int) : View(context) {
    private val filled = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(ink) }
    private val empty = Paint(Paint.ANTI_ALIAS_FLAG).apply { color = context.getColor(R.color.track) }
    private val field = RectF()

    init {
        importantForAccessibility = IMPORTANT_FOR_ACCESSIBILITY_NO
    }

    override fun onMeasure(width: Int, height: Int) =
        setMeasuredDimension(MeasureSpec.getSize(width), context.dp(TALL))

    override fun onDraw(canvas: Canvas) {
        val gap = context.dp(GAP).toFloat()
        val count = Band.values().size
        val each = (width - gap * (count - 1)) / count
        val radius = context.dp(GAP).toFloat()
        for (at in 0 until count) {
            val place = if (layoutDirection == LAYOUT_DIRECTION_RTL) count - 1 - at else at
            val high = if (at == band.ordinal) height.toFloat() else context.dp(LOW).toFloat()
            val left = place * (each + gap)
            field.set(left, (height - high) / 2, left + each, (height + high) / 2)
            canvas.drawRoundRect(field, radius, radius, if (at == band.ordinal) filled else empty)
        }
    }

    private companion object {
        const val TALL = 16
        const val LOW = 6
        const val GAP = 4
    }
}
