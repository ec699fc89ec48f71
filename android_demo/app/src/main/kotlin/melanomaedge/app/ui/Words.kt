package melanomaedge.app.ui

import android.content.Context
import melanomaedge.app.R
import melanomaedge.app.history.Failure
import melanomaedge.app.model.Refusal
import melanomaedge.app.photo.PhotoProblem
import melanomaedge.core.Band
import melanomaedge.core.Finding
import melanomaedge.core.Reason
import melanomaedge.engine.Trouble
import java.text.NumberFormat
import java.time.Instant
import java.time.ZoneId
import java.time.format.DateTimeFormatter
import java.time.format.FormatStyle

/** What was wrong with a photo, and how the next one gets better. */
class Advice(val wrong: Int, val better: Int)

internal fun adviceFor(finding: Finding): Advice = when (finding) {
    Finding.TOO_SMALL -> Advice(R.string.finding_too_small, R.string.finding_too_small_fix)
    Finding.ASPECT -> Advice(R.string.finding_aspect, R.string.finding_aspect_fix)
    Finding.BLURRED -> Advice(R.string.finding_blurred, R.string.finding_blurred_fix)
    Finding.TOO_DARK -> Advice(R.string.finding_too_dark, R.string.finding_too_dark_fix)
    Finding.TOO_BRIGHT -> Advice(R.string.finding_too_bright, R.string.finding_too_bright_fix)
    Finding.CLIPPED -> Advice(R.string.finding_clipped, R.string.finding_clipped_fix)
    Finding.COLOURLESS -> Advice(R.string.finding_colourless, R.string.finding_colourless_fix)
    Finding.OUTLIER -> Advice(R.string.finding_outlier, R.string.finding_outlier_fix)
}

/** Returns what a photo suffered that is not its quality. */
internal fun wordFor(trouble: Trouble): Int = when (trouble) {
    Trouble.UNREADABLE -> R.string.trouble_damaged
    Trouble.OUT_OF_MEMORY -> R.string.trouble_memory
    Trouble.TIME_OUT, Trouble.STUCK -> R.string.trouble_time
    Trouble.REFUSED -> R.string.refused_heading
    Trouble.CLOSED, Trouble.ENGINE_FAILED, Trouble.BAD_ANSWER -> R.string.trouble_engine
}

/** Returns why a bundle is refused; what the core never says is unexpected. */
internal fun wordFor(refusal: Refusal): Int =
    Reason.values().find { it.code == refusal.code }?.let(::wordFor) ?: R.string.reason_unexpected

internal fun wordFor(reason: Reason): Int = when (reason) {
    Reason.UNREADABLE -> R.string.reason_unreadable
    Reason.BAD_ARCHIVE -> R.string.reason_bad_archive
    Reason.BAD_NAME -> R.string.reason_bad_name
    Reason.DUPLICATE_NAME -> R.string.reason_duplicate_name
    Reason.TOO_MANY_FILES -> R.string.reason_too_many_files
    Reason.TOO_LARGE -> R.string.reason_too_large
    Reason.MISSING_FILE -> R.string.reason_missing_file
    Reason.EXTRA_FILE -> R.string.reason_extra_file
    Reason.CHANGED_FILE -> R.string.reason_changed_file
    Reason.BAD_JSON -> R.string.reason_bad_json
    Reason.BAD_DOCUMENT -> R.string.reason_bad_document
    Reason.NEWER_SCHEMA -> R.string.reason_newer_schema
    Reason.OLDER_SCHEMA -> R.string.reason_older_schema
    Reason.UNSIGNED -> R.string.reason_unsigned
    Reason.BAD_SIGNATURE -> R.string.reason_bad_signature
    Reason.BAD_KEY -> R.string.reason_bad_key
    Reason.BROKEN_CHAIN -> R.string.reason_broken_chain
    Reason.BROKEN_SEAL -> R.string.reason_broken_seal
    Reason.CONTRACT_MISMATCH -> R.string.reason_contract_mismatch
    Reason.PARITY_MISMATCH -> R.string.reason_parity_mismatch
    Reason.PARITY_FAILED -> R.string.reason_parity_failed
    Reason.GOLDEN_MISMATCH -> R.string.reason_golden_mismatch
    Reason.OLDER_RELEASE -> R.string.reason_older_release
    Reason.OTHER_CONTENT -> R.string.reason_other_content
    Reason.RELEASE_MEMORY -> R.string.reason_release_memory
    Reason.GOLDEN_MISS -> R.string.reason_golden_miss
    Reason.MODEL_UNUSABLE -> R.string.reason_model_unusable
}

/** The classes of the models of this project by their short names; others are shown as the contract names them. */
private val CLASSES = mapOf(
    "MEL" to R.string.class_mel,
    "NV" to R.string.class_nv,
    "BCC" to R.string.class_bcc,
    "AK" to R.string.class_ak,
    "SCC" to R.string.class_scc,
    "BKL" to R.string.class_bkl,
    "DF" to R.string.class_df,
    "VASC" to R.string.class_vasc,
    "SK" to R.string.class_sk,
    "malignant" to R.string.class_malignant,
    "benign" to R.string.class_not_malignant,
)

internal fun Context.className(code: String): String = CLASSES[code]?.let(::getString) ?: code

/** Returns a band as people write it here, such as "5 % to 20 %". */
internal fun Context.bandText(band: Band): String = when {
    band.from == 0 -> getString(R.string.band_under, percent(band.to))
    band.to == WHOLE -> getString(R.string.band_over, percent(band.from))
    else -> getString(R.string.band_between, percent(band.from), percent(band.to))
}

private const val WHOLE = 100

private fun Context.percent(value: Int): String = percent(value / WHOLE.toDouble())

/** Returns a share from 0 to 1 in percent, with a decimal where it matters. */
internal fun Context.percent(share: Double): String =
    NumberFormat.getPercentInstance(resources.configuration.locales[0]).apply { maximumFractionDigits = 1 }.format(share)

internal fun Context.number(value: Int): String = NumberFormat.getIntegerInstance(resources.configuration.locales[0]).format(value)

internal fun Context.decimal(value: Double, digits: Int): String =
    NumberFormat.getNumberInstance(resources.configuration.locales[0]).apply {
        minimumFractionDigits = digits
        maximumFractionDigits = digits
    }.format(value)

/** Returns a moment, given as ISO 8601 in UTC, as people here write it. */
internal fun Context.timeText(iso: String): String =
    DateTimeFormatter.ofLocalizedDateTime(FormatStyle.MEDIUM, FormatStyle.SHORT)
        .withLocale(resources.configuration.locales[0])
        .format(Instant.parse(iso).atZone(ZoneId.systemDefault()))

/** Returns why there is no answer for a photo, where its quality is not the reason. */
internal fun wordFor(failure: Failure): Int = failure.problem?.let(::wordFor) ?: wordFor(failure.trouble)

internal fun wordFor(problem: PhotoProblem): Int = when (problem) {
    PhotoProblem.UNREADABLE, PhotoProblem.EMPTY -> R.string.trouble_unreadable
    PhotoProblem.TOO_LARGE -> R.string.trouble_file_too_large
    PhotoProblem.UNKNOWN_FORMAT, PhotoProblem.OTHER_FORMAT -> R.string.trouble_format
    PhotoProblem.HEIC -> R.string.trouble_heic
    PhotoProblem.MORE_THAN_ONE_FRAME -> R.string.trouble_frames
    PhotoProblem.TOO_MANY_PIXELS -> R.string.trouble_too_many_pixels
    PhotoProblem.CUT_OFF -> R.string.trouble_cut_off
    PhotoProblem.DAMAGED -> R.string.trouble_damaged
    PhotoProblem.OTHER_COLOURS -> R.string.trouble_colours
    PhotoProblem.TRANSPARENT -> R.string.trouble_transparent
}
