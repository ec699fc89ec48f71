package melanomaedge.app.result

import android.os.Bundle
import melanomaedge.app.R
import melanomaedge.app.check.Outcome
import melanomaedge.app.history.Answer
import melanomaedge.app.ui.Screen

/** A screen about one answer: the one just given, or one of the history. */
abstract class AnswerScreen : Screen() {
    protected val answerId: String get() = intent.getStringExtra(ANSWER).orEmpty()

    /** What only memory holds, and only while the answer's screen is open. */
    internal val live: Outcome? get() = app.checks.find(answerId)?.outcome

    override fun onCreate(state: Bundle?) {
        super.onCreate(state)
        val answer = live?.answer ?: app.history.find(answerId)
        if (answer == null) fill { card { body(getString(R.string.answer_gone)) } } else show(answer)
    }

    /** Fills the screen. */
    internal abstract fun show(answer: Answer)

    internal companion object {
        const val ANSWER = "answer"
    }
}
