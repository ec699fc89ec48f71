package melanomaedge.app.ui

import android.content.Context
import android.content.res.ColorStateList
import android.view.View
import android.widget.ImageView
import android.widget.TextView
import melanomaedge.app.R
import melanomaedge.core.State

/** How one of the five answers looks and reads: words and icon say all, colours only repeat it. */
class Look(val word: Int, val note: Int, val icon: Int, val ink: Int, val ground: Int)

/** Returns the look of an answer; [target] is what the model searches for, `melanoma` or `malignant`. */
internal fun lookOf(state: State, target: String): Look {
    val melanoma = target == "melanoma"
    return when (state) {
        State.REFER -> Look(
            R.string.state_refer,
            if (melanoma) R.string.state_refer_melanoma else R.string.state_refer_malignant,
            R.drawable.icon_refer, R.color.refer, R.drawable.state_refer,
        )
        State.REFER_UNCERTAIN -> Look(
            R.string.state_uncertain, R.string.state_uncertain_note,
            R.drawable.icon_uncertain, R.color.uncertain, R.drawable.state_uncertain,
        )
        State.RETAKE -> Look(
            R.string.state_retake, R.string.state_retake_note,
            R.drawable.icon_retake, R.color.retake, R.drawable.state_retake,
        )
        State.NOT_ASSESSABLE -> Look(
            R.string.state_unassessable, R.string.state_unassessable_note,
            R.drawable.icon_unassessable, R.color.unassessable, R.drawable.state_unassessable,
        )
        State.NO_SIGN -> Look(
            if (melanoma) R.string.state_no_sign_melanoma else R.string.state_no_sign_malignant,
            R.string.state_no_sign_note,
            R.drawable.icon_no_sign, R.color.no_sign, R.drawable.state_no_sign,
        )
    }
}

/** The words of an answer as one sentence, such as "REFER: Melanoma suspicion". */
internal fun Context.spoken(look: Look): String = getString(R.string.state_spoken, getString(look.word), getString(look.note))

/** Add the answer itself; screen readers are told at once, and read it as one. */
internal fun Blocks.state(look: Look): View {
    val card = row(R.layout.state)
    val ink = context.getColor(look.ink)
    card.setBackgroundResource(look.ground)
    card.isFocusable = true
    card.accessibilityLiveRegion = View.ACCESSIBILITY_LIVE_REGION_ASSERTIVE
    card.contentDescription = context.spoken(look)
    card.findViewById<ImageView>(R.id.state_icon).apply {
        setImageResource(look.icon)
        imageTintList = ColorStateList.valueOf(ink)
    }
    card.findViewById<TextView>(R.id.state_word).show(look.word, ink)
    card.findViewById<TextView>(R.id.state_note).show(look.note, ink)
    return card
}

private fun TextView.show(text: Int, ink: Int) {
    setText(text)
    setTextColor(ink)
}
