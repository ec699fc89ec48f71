package melanomaedge.app.ui

import android.content.Context
import android.graphics.Typeface
import android.view.LayoutInflater
import android.view.View
import android.view.ViewGroup.LayoutParams.MATCH_PARENT
import android.view.ViewGroup.LayoutParams.WRAP_CONTENT
import android.widget.Button
import android.widget.LinearLayout
import android.widget.TextView
import melanomaedge.app.R

/** Build a column of text, cards and buttons in the look of this app; views stand in the order in which they are read. */
class Blocks(private val into: LinearLayout) {
    val context: Context = into.context
    private val inflater = LayoutInflater.from(context)

    /** Add a card and fill it. */
    fun card(content: Blocks.() -> Unit): LinearLayout {
        val card = inflater.inflate(R.layout.card, into, false) as LinearLayout
        into.addView(card)
        Blocks(card).content()
        return card
    }

    fun headline(text: CharSequence): TextView = heading(R.layout.headline, text)

    fun title(text: CharSequence): TextView = heading(R.layout.title, text)

    fun body(text: CharSequence): TextView = text(text, R.style.Body, GAP)

    fun soft(text: CharSequence): TextView = text(text, R.style.Body_Soft, GAP)

    fun small(text: CharSequence): TextView = text(text, R.style.Small, GAP)

    /** Add small text that stands between cards. */
    fun aside(text: CharSequence): TextView = text(text, R.style.Small, 2 * GAP)

    /** Add what is the matter, and below it what helps. */
    fun explained(matter: CharSequence, help: CharSequence) {
        text(matter, R.style.Body_Strong, 2 * GAP)
        text(help, R.style.Body_Soft, 2)
    }

    /** Add one point of a list that is not as it should be. */
    fun strongBullet(text: CharSequence): TextView = bullet(text).apply { typeface = Typeface.create("sans-serif-medium", Typeface.NORMAL) }

    /** Add a hash, a name of a file or other text for machines, which may be selected and copied. */
    fun code(text: CharSequence): TextView = text(text, R.style.Code, GAP / 2).apply { setTextIsSelectable(true) }

    /** Add one point of a list. */
    fun bullet(text: CharSequence): TextView = row(R.layout.bullet).findViewById<TextView>(R.id.bullet_text).also { it.text = text }

    /** Add a warning with its sign. */
    fun notice(text: CharSequence): TextView = row(R.layout.notice).findViewById<TextView>(R.id.notice_text).also { it.text = text }

    /** Add the one button that is meant to be pressed. */
    fun first(icon: Int, text: Int, action: () -> Unit): Button = button(R.layout.press_first, icon, text, action)

    /** Add another button. */
    fun second(icon: Int, text: Int, action: () -> Unit): Button = button(R.layout.press_second, icon, text, action)

    /** Add a view as wide as the column, [gap] dp below the one before. */
    fun <V : View> add(view: V, gap: Int = GAP): V {
        val size = LinearLayout.LayoutParams(MATCH_PARENT, WRAP_CONTENT)
        size.topMargin = context.dp(gap)
        into.addView(view, size)
        return view
    }

    /** Add what a layout file describes. */
    fun row(layout: Int): View = inflater.inflate(layout, into, false).also(into::addView)

    private fun button(layout: Int, icon: Int, text: Int, action: () -> Unit): Button {
        val button = row(layout) as Button
        button.setText(text)
        button.setCompoundDrawablesRelativeWithIntrinsicBounds(icon, 0, 0, 0)
        button.setOnClickListener { action() }
        return button
    }

    private fun text(text: CharSequence, style: Int, gap: Int): TextView {
        val view = add(TextView(context, null, 0, style), if (into.childCount == 0) 0 else gap)
        view.text = text
        return view
    }

    private fun heading(layout: Int, text: CharSequence): TextView = (row(layout) as TextView).also { it.text = text }

    private companion object {
        const val GAP = 8
    }
}

/** Return device pixels for density-independent ones. */
fun Context.dp(value: Int): Int = (value * resources.displayMetrics.density).toInt()
