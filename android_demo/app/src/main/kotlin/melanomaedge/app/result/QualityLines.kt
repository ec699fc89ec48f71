package melanomaedge.app.result

import android.content.Context
import melanomaedge.app.R
import melanomaedge.app.ui.decimal
import melanomaedge.app.ui.number
import melanomaedge.core.Finding
import melanomaedge.core.Quality
import melanomaedge.core.QualityLimits
import melanomaedge.core.QualityMeasures

/** One measure of a photo against its limit, in words. */
internal class QualityLine(val text: String, val met: Boolean)

private const val HUNDREDTHS = 100.0

/** Returns all measures of a photo; the core says which are met. */
internal fun Context.qualityLines(measures: QualityMeasures, limits: QualityLimits): List<QualityLine> {
    val missed = Quality.findings(measures, limits).toSet()
    fun line(text: Int, vararg findings: Finding, values: List<Any>) =
        QualityLine(getString(text, *values.toTypedArray()), findings.none { it in missed })
    fun hundredths(value: Int) = decimal(value / HUNDREDTHS, 1)
    return listOf(
        line(R.string.quality_short_side, Finding.TOO_SMALL, values = listOf(number(measures.shortSide), number(limits.smallestSide))),
        line(
            R.string.quality_aspect, Finding.ASPECT,
            values = listOf(number(measures.aspectPercent), number(limits.largestAspectPercent)),
        ),
        line(
            R.string.quality_sharpness, Finding.BLURRED,
            values = listOf(hundredths(measures.sharpness), hundredths(limits.leastSharpness)),
        ),
        line(
            R.string.quality_brightness, Finding.TOO_DARK, Finding.TOO_BRIGHT,
            values = listOf(hundredths(measures.brightness), hundredths(limits.leastBrightness), hundredths(limits.mostBrightness)),
        ),
        line(
            R.string.quality_clipped, Finding.CLIPPED,
            values = listOf(number(measures.clippedPermille), number(limits.mostClippedPermille)),
        ),
        line(R.string.quality_colour, Finding.COLOURLESS, values = listOf(hundredths(measures.colour), hundredths(limits.leastColour))),
    )
}
