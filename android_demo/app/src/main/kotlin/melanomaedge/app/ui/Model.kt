package melanomaedge.app.ui

import android.content.Context
import melanomaedge.app.R
import melanomaedge.app.history.Answer
import melanomaedge.app.history.ModelFacts
import melanomaedge.core.Bundle
import melanomaedge.core.Verdict

/** The first digits of a hash: enough to compare by eye, the whole stands on the model's screen. */
internal fun short(sha256: String): String = sha256.take(12)

/** Warn of what a bundle must not be taken for; shown wherever it answers. */
internal fun Blocks.banners(bundle: Bundle) = banners(bundle.manifest.synthetic, bundle.signed, bundle.manifest.limitsChanged)

/** Warn of what the model of an answer must not be taken for. */
internal fun Blocks.banners(answer: Answer) = banners(answer.audit.synthetic, answer.audit.signed, answer.model.limitsChanged)

/** All warnings in one block: the answer below it is not to be pushed off the screen. */
private fun Blocks.banners(synthetic: Boolean, signed: Boolean, limitsChanged: Boolean) {
    val texts = listOfNotNull(
        R.string.banner_synthetic.takeIf { synthetic },
        R.string.banner_unsigned.takeIf { !signed },
        R.string.limits_changed.takeIf { limitsChanged },
    )
    if (texts.isNotEmpty()) notice(texts.joinToString("\n") { context.getString(it) })
}

/** Say which model answers: name, release, hash and what parity found. */
internal fun Blocks.identity(bundle: Bundle) {
    val manifest = bundle.manifest
    title(context.getString(R.string.model_heading))
    body(context.getString(R.string.model_line, manifest.name, manifest.release))
    small(context.getString(R.string.model_hash, short(bundle.sha256)))
    small(context.parityLine(ModelFacts.of(bundle)))
}

/** Say what parity found, in the words that are shown wherever the model answers. */
internal fun Context.parityLine(model: ModelFacts): String {
    val text = if (model.verdict == Verdict.PASS) R.string.parity_pass else R.string.parity_inconclusive
    return getString(text, number(model.lesions))
}

/** Say which model gave an answer, which may not be the one in use any more. */
internal fun Blocks.identity(answer: Answer) {
    body(context.getString(R.string.model_line, answer.audit.bundleName, answer.audit.release))
    small(context.getString(R.string.model_hash, short(answer.audit.bundleSha256)))
    small(context.parityLine(answer.model))
}
