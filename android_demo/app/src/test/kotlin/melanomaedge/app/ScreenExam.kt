package melanomaedge.app

import android.app.Activity
import android.graphics.Rect
import android.text.Layout
import android.util.TypedValue
import android.view.View
import android.view.WindowManager
import android.widget.ImageButton
import android.widget.ImageView
import android.widget.ProgressBar
import android.widget.ScrollView
import android.widget.TextView
import melanomaedge.app.ui.dp
import org.junit.Assert.assertEquals
import org.junit.Assert.assertFalse
import org.junit.Assert.assertTrue
import org.robolectric.RuntimeEnvironment

/** A language, day or night, and a size of text. */
class Variant(val name: String, private val fontScale: Float) {
    fun apply() {
        val light = if ("night" in name) "night" else "notnight"
        RuntimeEnvironment.setQualifiers("${name.take(2)}-w360dp-h640dp-$light-hdpi")
        RuntimeEnvironment.setFontScale(fontScale)
    }

    override fun toString() = name

    companion object {
        val ALL = listOf(
            Variant("en day", 1f),
            Variant("en night", 1f),
            Variant("de day", 1f),
            Variant("de night", 1f),
            Variant("en day 200", 2f),
            Variant("de night 200", 2f),
        )
        val OLDEST = ALL.filter { it.name == "en day" || it.name == "de night 200" }

        fun of(looks: List<Variant>): List<Array<Any>> = looks.flatMap { look -> Scenes.all.map { arrayOf<Any>(it, look) } }
    }
}

/**
 * What every screen owes to everybody: nothing cut, nothing too small to touch, nothing said by colour or picture alone.
 *
 * @param hyphens whether this Android breaks words where a hyphen belongs, and no word may be torn.
 */
internal class ScreenExam(private val screen: Activity, private val name: String, private val hyphens: Boolean) {
    fun pass() {
        assertTrue("$name may be photographed", screen.window.attributes.flags and WindowManager.LayoutParams.FLAG_SECURE != 0)
        val scroll = Rect().also { screen.findViewById<View>(R.id.scroll).getDrawingRect(it) }
        assertTrue("$name: no room to scroll", scroll.height() * 2 > screen.content.height)
        screen.content.seen().forEach(::check)
    }

    private fun check(view: View) {
        val what = "$name: ${view.javaClass.simpleName} '${heard(view)}'"
        if (view.hasOnClickListeners()) {
            assertTrue("$what is too small to touch", view.width >= screen.dp(TOUCH) && view.height >= screen.dp(TOUCH))
            assertTrue("$what cannot be heard", heard(view).isNotBlank())
        }
        val silent = view is ImageView && view !is ImageButton || view is ProgressBar
        if (silent) assertEquals(what, View.IMPORTANT_FOR_ACCESSIBILITY_NO, view.importantForAccessibility)
        if (view is TextView) checkText(what, view)
        checkPlace(what, view)
    }

    private fun checkText(what: String, view: TextView) {
        val layout = view.layout
        val room = view.height - view.compoundPaddingTop - view.compoundPaddingBottom
        assertTrue("$what is cut below: ${layout.height} in $room", layout.height <= room)
        assertTrue("$what is empty", view.text.isNotBlank())
        assertTrue("$what is too small to read", view.textSize >= smallest(view))
        for (line in 0 until layout.lineCount) {
            assertEquals("$what ends in dots", 0, layout.getEllipsisCount(line))
            assertTrue("$what is cut at the side", layout.getLineMax(line) <= layout.width + 1)
            if (hyphens && !view.isTextSelectable) assertFalse("$what is torn in a word", torn(view.text, layout, line))
        }
    }

    /** Whether a line ends within a word without the hyphen that the layout may draw there. */
    private fun torn(text: CharSequence, layout: Layout, line: Int): Boolean {
        val at = layout.getLineEnd(line)
        val inWord = at in 1 until text.length && text[at - 1].isLetterOrDigit() && text[at].isLetterOrDigit()
        return inWord && HYPHEN.invoke(layout, line) == 0
    }

    private fun smallest(view: View) = TypedValue.applyDimension(TypedValue.COMPLEX_UNIT_SP, SMALLEST_TEXT, view.resources.displayMetrics)

    /** Every view lies inside its parent; what is longer than the screen is in the column that scrolls. */
    private fun checkPlace(what: String, view: View) {
        val parent = view.parent as? View ?: return
        val inside = view.left >= 0 && view.top >= 0 && view.right <= parent.width && view.bottom <= parent.height
        assertTrue("$what leaves its parent", inside || parent is ScrollView)
    }

    private fun heard(view: View): CharSequence =
        view.contentDescription ?: view.seen().filterIsInstance<TextView>().joinToString { it.text }

    private companion object {
        const val TOUCH = 48
        const val SMALLEST_TEXT = 13f

        /** What a layout draws at the end of a line; the method has had two names and is in no SDK. */
        val HYPHEN = Layout::class.java.methods.single { it.name == "getEndHyphenEdit" || it.name == "getHyphen" }
    }
}
