package melanomaedge.app.result

import android.content.Context
import android.content.Intent
import melanomaedge.app.R
import melanomaedge.app.history.Answer
import melanomaedge.app.history.Export
import melanomaedge.app.home.HomeActivity
import melanomaedge.app.ui.BandView
import melanomaedge.app.ui.Blocks
import melanomaedge.app.ui.adviceFor
import melanomaedge.app.ui.bandText
import melanomaedge.app.ui.banners
import melanomaedge.app.ui.identity
import melanomaedge.app.ui.lookOf
import melanomaedge.app.ui.percent
import melanomaedge.app.ui.short
import melanomaedge.app.ui.state
import melanomaedge.app.ui.timeText
import melanomaedge.app.ui.wordFor
import melanomaedge.core.Band
import melanomaedge.core.State

/** Shows one of the five answers, what it means and what to do next. */
class ResultActivity : AnswerScreen() {
    override fun show(answer: Answer) = fill {
        banners(answer)
        state(lookOf(answer.audit.state, answer.model.target))
        reasons(answer)
        band(answer)
        next(answer.audit.state)
        aside(getString(R.string.disclaimer))
        first(R.drawable.icon_camera, R.string.new_photo) { start() }
        second(R.drawable.icon_details, R.string.show_details) { startActivity(DetailsActivity.of(this@ResultActivity, answerId)) }
        second(R.drawable.icon_share, R.string.share_answer) { share(answer) }
        about(answer)
    }

    override fun onDestroy() {
        if (isFinishing) app.checks.forget(answerId)
        super.onDestroy()
    }

    private fun Blocks.reasons(answer: Answer) {
        val findings = answer.audit.findings
        if (findings.isEmpty() && answer.failure == null) return
        card {
            title(getString(R.string.wrong_heading))
            for (advice in findings.map(::adviceFor)) explained(getString(advice.wrong), getString(advice.better))
            answer.failure?.let { failure ->
                explained(getString(wordFor(failure)), getString(R.string.trouble_fix))
                failure.detail?.let { code(it) }
            }
        }
    }

    /** The score as a range; an answer that is none has no range either. */
    private fun Blocks.band(answer: Answer) {
        val state = answer.audit.state
        val score = answer.audit.score ?: return
        if (state == State.RETAKE || state == State.NOT_ASSESSABLE) return
        val melanoma = answer.model.target == "melanoma"
        card {
            soft(getString(if (melanoma) R.string.band_melanoma else R.string.band_malignant))
            headline(bandText(Band.of(score)))
            add(BandView(context, Band.of(score), lookOf(state, answer.model.target).ink))
            small(getString(R.string.band_threshold, percent(answer.audit.threshold)))
            if (state == State.REFER) small(getString(R.string.band_low))
            small(getString(R.string.band_note))
        }
    }

    private fun Blocks.next(state: State) {
        card {
            title(getString(R.string.next_heading))
            NEXT.getValue(state).forEach { bullet(getString(it)) }
        }
    }

    private fun Blocks.about(answer: Answer) {
        card {
            title(getString(R.string.about_answer))
            identity(answer)
            small(getString(R.string.answer_time, timeText(answer.audit.time)))
            small(getString(R.string.answer_input, short(answer.audit.inputSha256)))
            if (live?.kept == false) small(getString(R.string.answer_not_kept))
        }
    }

    private fun share(answer: Answer) {
        if (!Export.share(this, listOf(answer))) say(R.string.share_failed)
    }

    private fun start() {
        startActivity(Intent(this, HomeActivity::class.java).addFlags(Intent.FLAG_ACTIVITY_CLEAR_TOP or Intent.FLAG_ACTIVITY_SINGLE_TOP))
        finish()
    }

    companion object {
        private val NEXT = mapOf(
            State.REFER to listOf(R.string.next_refer_1, R.string.next_refer_2, R.string.next_refer_3),
            State.REFER_UNCERTAIN to listOf(R.string.next_uncertain_1, R.string.next_uncertain_2),
            State.RETAKE to listOf(R.string.next_retake_1),
            State.NOT_ASSESSABLE to listOf(R.string.next_unassessable_1, R.string.next_unassessable_2),
            State.NO_SIGN to listOf(R.string.next_no_sign_1, R.string.next_no_sign_2, R.string.next_no_sign_3),
        )

        /** Returns the way to an answer. */
        fun of(context: Context, answer: String): Intent = Intent(context, ResultActivity::class.java).putExtra(ANSWER, answer)
    }
}
