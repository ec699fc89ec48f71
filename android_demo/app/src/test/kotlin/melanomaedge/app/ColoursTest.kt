package melanomaedge.app

import android.content.Context
import android.graphics.Color
import melanomaedge.app.ui.lookOf
import melanomaedge.core.State
import org.junit.Assert.assertTrue
import org.junit.Test
import org.junit.runner.RunWith
import org.robolectric.RobolectricTestRunner
import org.robolectric.RuntimeEnvironment
import org.robolectric.annotation.Config

/** The colours by day and by night: strong enough to read by, and none that says that all is well. */
@RunWith(RobolectricTestRunner::class)
@Config(sdk = [34])
class ColoursTest {
    private val app: Context get() = RuntimeEnvironment.getApplication()

    @Test
    @Config(qualifiers = "notnight")
    fun `text is readable by day`() = checkContrast()

    @Test
    @Config(qualifiers = "night")
    fun `text is readable by night`() = checkContrast()

    @Test
    @Config(qualifiers = "notnight")
    fun `no answer is green by day`() = checkNoGreen()

    @Test
    @Config(qualifiers = "night")
    fun `no answer is green by night`() = checkNoGreen()

    private fun checkContrast() {
        for ((ink, ground) in PAIRS) {
            val contrast = contrast(app.getColor(ink), app.getColor(ground))
            assertTrue("${name(ink)} on ${name(ground)}: $contrast", contrast >= READABLE)
        }
        assertTrue(contrast(app.getColor(R.color.outline), app.getColor(R.color.surface)) >= VISIBLE)
    }

    private fun checkNoGreen() {
        val looks = State.values().map { lookOf(it, "melanoma") }
        val grounds = listOf(
            R.color.refer_ground, R.color.uncertain_ground, R.color.retake_ground, R.color.unassessable_ground, R.color.no_sign_ground,
        )
        for (id in looks.map { it.ink } + grounds + R.color.accent) {
            val colour = app.getColor(id)
            assertTrue(name(id), Color.green(colour) <= maxOf(Color.red(colour), Color.blue(colour)))
        }
    }

    /** WCAG 2.1, relative luminance. */
    private fun contrast(first: Int, second: Int): Double {
        val (dark, light) = listOf(Color.luminance(first), Color.luminance(second)).sorted()
        return (light + 0.05) / (dark + 0.05)
    }

    private fun name(id: Int) = app.resources.getResourceEntryName(id)

    private companion object {
        const val READABLE = 4.5
        const val VISIBLE = 3.0

        val PAIRS = listOf(
            R.color.text to R.color.ground,
            R.color.text to R.color.surface,
            R.color.text_soft to R.color.ground,
            R.color.text_soft to R.color.surface,
            R.color.on_accent to R.color.accent,
            R.color.accent to R.color.surface,
            R.color.accent to R.color.ground,
            R.color.notice to R.color.notice_ground,
            R.color.refer to R.color.refer_ground,
            R.color.uncertain to R.color.uncertain_ground,
            R.color.retake to R.color.retake_ground,
            R.color.unassessable to R.color.unassessable_ground,
            R.color.no_sign to R.color.no_sign_ground,
            R.color.refer to R.color.surface,
            R.color.uncertain to R.color.surface,
            R.color.retake to R.color.surface,
            R.color.unassessable to R.color.surface,
            R.color.no_sign to R.color.surface,
        )
    }
}
