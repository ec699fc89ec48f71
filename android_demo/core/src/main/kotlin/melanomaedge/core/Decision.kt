package melanomaedge.core

import kotlin.math.abs

/** Name what a user is told; none of the states says that a lesion is harmless. */
enum class State(val code: String) {
    REFER("refer"),
    REFER_UNCERTAIN("refer-uncertain"),
    RETAKE("retake"),
    NOT_ASSESSABLE("not-assessable"),
    NO_SIGN("no-sign");

    companion object {
        /** Return the state of a code, or null. */
        fun of(code: String): State? = values().find { it.code == code }
    }
}

/** Hold the state of one photo, what spoke against an answer, and the target score where there is one. */
data class Decision(val state: State, val findings: List<Finding>, val score: Double?)

private const val SUM_TOLERANCE = 1e-3

/**
 * Decide on one photo; [probabilities] are one per class, null where the model gave no answer.
 *
 * A photo to be retaken stays one whatever the model says; then comes what cannot be assessed: findings that no better
 * photo cures, and answers that are missing or no probabilities; only then counts the score. Without an [embedding]
 * nothing is an outlier.
 */
fun decide(
    contract: Contract,
    safeguards: Safeguards,
    findings: List<Finding>,
    probabilities: FloatArray?,
    embedding: FloatArray? = null,
): Decision {
    val outlier = embedding != null && safeguards.outlier?.isOutlier(embedding) == true
    val found = if (outlier) findings + Finding.OUTLIER else findings
    val good = probabilities != null && probabilities.size == contract.classes.size && areProbabilities(probabilities)
    val score = if (probabilities != null && good) contract.targetScore(probabilities) else null
    return Decision(state(found, score, contract, safeguards), found, score)
}

private fun state(found: List<Finding>, score: Double?, contract: Contract, safeguards: Safeguards): State {
    val uncertainFrom = safeguards.uncertainFrom
    return when {
        found.any { it.retake } -> State.RETAKE
        found.isNotEmpty() || score == null -> State.NOT_ASSESSABLE
        contract.refers(score) -> State.REFER
        uncertainFrom != null && score >= uncertainFrom -> State.REFER_UNCERTAIN
        else -> State.NO_SIGN
    }
}

/** Tell whether values lie between 0 and 1 and sum to 1; a NaN would be below every threshold, and look healthy. */
fun areProbabilities(values: FloatArray): Boolean {
    var total = 0.0
    for (value in values) total += value.toDouble()
    return values.all { it.toDouble() >= 0 && it.toDouble() <= 1 + SUM_TOLERANCE } && abs(total - 1) <= SUM_TOLERANCE
}

/**
 * Name how likely the target is by the model, in steps that its calibration can carry.
 *
 * [from] and [to] are percent; the screen's words are looked up by [code]. The likelihood holds for the mixture of
 * classes of the contract's prior, not for the one who is looked at.
 */
enum class Band(val code: String, val from: Int, val to: Int) {
    UNDER_1("under-1", 0, 1),
    FROM_1_TO_5("1-to-5", 1, 5),
    FROM_5_TO_20("5-to-20", 5, 20),
    FROM_20_TO_50("20-to-50", 20, 50),
    OVER_50("over-50", 50, 100);

    companion object {
        private const val PERCENT = 100

        /** Return the band of a target score; a score on a border belongs to the higher one. */
        fun of(score: Double): Band = values().last { it == UNDER_1 || score >= it.from.toDouble() / PERCENT }
    }
}
