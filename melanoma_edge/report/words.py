"""Numbers and sentences that page and card share, so that both say the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import SHOWN

UNDEFINED = "not defined"
NOT_FOR = (
    "No diagnosis: a clinician decides, and no answer says that a lesion is harmless.",
    "No screening of people without symptoms, and no use by people on themselves.",
    "No photos of another type than those named above, and none of nails, mucosa or wounds.",
    "No other classes: what is none of the classes is answered as if it were one.",
)


def three(value: float | None) -> str:
    """Return a number with three digits behind the point."""
    return UNDEFINED if value is None else f"{value:.3f}"


def four(value: float | int | None) -> str:
    """Return a count as it is, and another number with four digits behind the point; nothing for none."""
    return "" if value is None else str(value) if isinstance(value, int) else f"{value:.4f}"


def digits(threshold: float, scores: Iterable[float | None]) -> int:
    """Return how many digits behind the point tell all scores from the threshold: at least four, at most twelve."""
    others = [score for score in scores if score is not None and score != threshold]
    enough = (count for count in range(4, 12) if all(f"{one:.{count}f}" != f"{threshold:.{count}f}" for one in others))
    return next(enough, 12)


def fixed(value: float | None, count: int) -> str:
    """Return a number with so many digits behind the point."""
    return UNDEFINED if value is None else f"{value:.{count}f}"


def turned(loss: Mapping[str, float] | None) -> Mapping[str, float] | None:
    """Return a loss with its interval as the change that it is."""
    return loss and {"value": 0 - loss["value"], "low": 0 - loss["high"], "high": 0 - loss["low"]}


def signed(change: float) -> str:
    """Return a change with its sign and three digits behind the point; 0.000 has none."""
    text = f"{change:+.3f}"
    return text if text.strip("+-0.") else text[1:]


def percent(share: float | None) -> str:
    """Return a share as per cent with one digit behind the point."""
    return UNDEFINED if share is None else f"{100 * share:.1f}\N{NO-BREAK SPACE}%"


def thousands(count: int | None) -> str:
    """Return a count with commas."""
    return "unknown" if count is None else f"{count:,}"


def interval(estimate: Mapping[str, float] | None) -> str:
    """Return ``0.912 (0.890 to 0.931)`` of a value with the ends of its interval."""
    if not estimate:
        return UNDEFINED
    return f"{three(estimate['value'])} ({three(estimate['low'])} to {three(estimate['high'])})"


def listed(items: Iterable[object], limit: int = SHOWN) -> str:
    """Join the first ``limit`` items with commas, and say that there are more."""
    everything = [str(item) for item in items]
    return ", ".join(everything[:limit]) + (" and others" if len(everything) > limit else "")


def to_threshold(place: int, misses: int) -> str:
    """Say what the target at a place among the lowest, from 0 on, is to a threshold that misses so many."""
    return "missed" if place < misses else "holds the threshold down" if place == misses else ""


def operating_point(contract: ModelContract) -> str:
    """Say what the threshold was frozen for, and what it can claim."""
    point = contract.operating_point
    certified = "holds with one-sided 95 % confidence" if point.certified else "is too few to certify it"
    certified = "certifies nothing, because the split leaks" if contract.provenance.leaky else certified
    return (
        f"The threshold {point.threshold:.6f} was frozen on validation for a sensitivity of "
        f"{point.target_sensitivity:g}: {point.misses} of {point.positives} {contract.target} lesions fell below it, "
        f"which {certified}."
    )


def calibrated_for(contract: ModelContract) -> str:
    """Say for which mixture of classes probabilities hold."""
    prior = ", ".join(f"{name} {share:.4f}" for name, share in zip(contract.classes, contract.class_prior, strict=True))
    return (
        f"Probabilities are calibrated for this mixture of classes: {prior}. Where lesions are mixed otherwise they "
        f"are too high or too low; decisions at the threshold stay what they are."
    )


def limits(contract: ModelContract, skin_known: bool = False) -> Iterator[str]:
    """Yield what is not answered, and what was never tested; ``skin_known`` where skin types were looked at."""
    safeguards = contract.effective_safeguards
    quality = safeguards.quality
    yield (
        f"A photo is not answered when its short side has fewer than {quality.smallest_side} pixels, when its long "
        f"side is more than {quality.largest_aspect_percent} % of the short one, or when it is blurred, too dark, too "
        f"bright, overexposed in more than {quality.most_clipped_permille} of a thousand places, or without colour."
    )
    if safeguards.outlier:
        yield "A photo is not answered, either, when it is unlike those that the model was trained on."
    else:
        yield "A photo is answered however unlike those that the model was trained on it is."
    yield "Tested on lesions from the sources named here only; on other cameras, places and skin it was not tested."
    if not skin_known:
        yield "Skin tone is not known of the images of the test, so nothing is known of differences between skin tones."
    yield f"Some {contract.target} lesions are missed: the sensitivity says how many of those in the test."


def stamps(contract: ModelContract) -> Iterator[str]:
    """Yield what must stand above everything else that is said of such a model."""
    if contract.provenance.leaky:
        yield "LEAKY split: tested on lesions that it was trained on. No number here says anything about other lesions."
    if contract.provenance.synthetic:
        yield "Trained on synthetic images. For tests and demonstrations only, never for use on people."
