package melanomaedge.app.result

import android.content.Context
import android.content.Intent
import melanomaedge.app.R
import melanomaedge.app.history.Answer
import melanomaedge.app.ui.BandView
import melanomaedge.app.ui.Blocks
import melanomaedge.app.ui.bandText
import melanomaedge.app.ui.className
import melanomaedge.app.ui.decimal
import melanomaedge.core.Band
import melanomaedge.engine.Timings

/** Shows what an answer rests on: every class, the photo's quality, what the model saw, and how it ran. */
class DetailsActivity : AnswerScreen() {
    override fun show(answer: Answer) = fill {
        card { classes(answer) }
        card { quality(answer) }
        card { picture() }
        card { run(answer) }
        aside(getString(R.string.disclaimer))
    }

    /** Every class that the model knows, however small its share: what is not shown cannot be missed. */
    private fun Blocks.classes(answer: Answer) {
        title(getString(R.string.details_classes))
        if (answer.classes.isEmpty()) {
            body(getString(R.string.details_no_scores))
            return
        }
        small(getString(if (answer.audit.findings.isEmpty()) R.string.details_classes_note else R.string.details_not_valid))
        for (share in answer.classes.sortedByDescending { it.target }) {
            val name = className(share.name)
            val band = Band.of(share.probability)
            body(getString(R.string.model_fact, if (share.target) getString(R.string.details_target_class, name) else name, bandText(band)))
            add(BandView(context, band, if (share.target) R.color.accent else R.color.outline), 4)
        }
        small(getString(R.string.details_threshold, decimal(answer.audit.threshold, 3)))
    }

    private fun Blocks.quality(answer: Answer) {
        title(getString(R.string.details_quality))
        val measures = answer.quality
        if (measures == null) {
            body(getString(R.string.details_quality_none))
            return
        }
        for (line in qualityLines(measures, answer.limits)) {
            val text = getString(R.string.model_fact, line.text, getString(if (line.met) R.string.quality_met else R.string.quality_missed))
            if (line.met) bullet(text) else strongBullet(text)
        }
    }

    private fun Blocks.picture() {
        title(getString(R.string.details_picture))
        val outcome = live
        val pixels = outcome?.assessment?.pixels
        if (pixels == null) {
            body(getString(R.string.details_picture_gone))
            return
        }
        val contract = outcome.bundle.contract
        val seen = SeenView(this@DetailsActivity, pixels, contract.inputSize)
        seen.contentDescription = getString(R.string.details_picture_text)
        add(seen)
        small(getString(R.string.details_picture_note, contract.inputSize))
        val cam = outcome.assessment.cam
        if (cam == null) {
            small(getString(R.string.details_no_map))
        } else {
            seen.lay(cam.scores(contract.targetClasses.map(contract.classes::indexOf).toIntArray()), cam.width, cam.height)
            seen.contentDescription = getString(R.string.details_map_text)
            small(getString(R.string.details_map_note))
        }
    }

    private fun Blocks.run(answer: Answer) {
        title(getString(R.string.details_run))
        bullet(getString(R.string.details_runtime, answer.audit.runtime))
        answer.delegate?.let { bullet(getString(R.string.details_delegate, it)) }
        live?.assessment?.timings?.let(::stages)?.forEach { (stage, millis) ->
            bullet(getString(R.string.details_stage, getString(stage), decimal(millis, 1)))
        }
    }

    private fun stages(timings: Timings): List<Pair<Int, Double>> = listOf(
        R.string.stage_decode to timings.decode,
        R.string.stage_quality to timings.quality,
        R.string.stage_pixels to timings.pixels,
        R.string.stage_infer to timings.inference,
    ).mapNotNull { (stage, millis) -> millis?.let { stage to it } }

    companion object {
        /** Returns the way to the details of an answer. */
        fun of(context: Context, answer: String): Intent = Intent(context, DetailsActivity::class.java).putExtra(ANSWER, answer)
    }
}
