"""The operating threshold, chosen on validation and frozen."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.errors import DataError
from melanoma_edge.evaluation.intervals import allowed_misses, positives_needed


def choose_threshold(scores: ArrayLike, is_target: ArrayLike, sensitivity: float = 0.95) -> OperatingPoint:
    """Choose the largest threshold that keeps the wanted sensitivity on validation lesions.

    With enough positives (59 for 95 %) only so few may fall below as to certify the sensitivity by the binomial
    tolerance bound at one-sided 95 % confidence. With fewer, no threshold can certify it; then at least
    ``ceil(sensitivity * positives)`` stay above and ``certified`` is false.

    The threshold lies midway between the last positive kept and the next lower score of any lesion, not on a
    score: the noise of another runtime's arithmetic then turns no decision, and ``score >= threshold`` gives the
    counts that were promised.

    Args:
        scores: target score of each lesion (mean over its images), ``[u]``, 0 to 1.
        is_target: whether each lesion is a target, bool ``[u]``.
        sensitivity: wanted share of targets at or above the threshold, between 0 and 1.

    Raises:
        DataError: without a target lesion, or with scores that are not numbers from 0 to 1.
    """
    values, targets = np.asarray(scores, np.float64), np.asarray(is_target, bool)
    _check(values, targets)
    positives = np.sort(values[targets])[::-1]
    kept, certified = to_keep(len(positives), sensitivity)
    threshold = _below(float(positives[kept - 1]), values)
    return OperatingPoint(
        threshold=threshold,
        target_sensitivity=float(sensitivity),
        positives=len(positives),
        misses=int((positives < threshold).sum()),
        certified=certified,
    )


def to_keep(positives: int, sensitivity: float) -> tuple[int, bool]:
    """Return how many of so many targets a threshold keeps at least, one or more, and whether that certifies it."""
    allowed = allowed_misses(positives, sensitivity)
    kept = positives - allowed if allowed >= 0 else math.ceil(sensitivity * positives - 1e-9)
    return max(kept, 1), allowed >= 0


def claim(point: OperatingPoint, target: str, *, leaky: bool = False) -> str:
    """Return one sentence on what an operating point proves: what was kept, and whether that certifies anything.

    Args:
        point: as chosen on validation.
        target: melanoma or malignant.
        leaky: whether the split was, which certifies nothing.
    """
    kept, wanted = point.positives - point.misses, f"{point.target_sensitivity:.0%} {target} sensitivity"
    chosen = f"The threshold keeps {kept} of {point.positives} {target} lesions of the validation split"
    if leaky:
        return f"{chosen}; a leaky split certifies nothing."
    if point.certified:
        return f"{chosen}: that certifies {wanted} at one-sided 95 % confidence, for lesions like those."
    needed = positives_needed(point.target_sensitivity)
    if point.positives < needed:
        return f"{chosen}: fewer than {needed} cannot certify {wanted}, whatever the threshold."
    return f"{chosen}: too many lie below it to certify {wanted}."


def _below(score: float, scores: NDArray[np.float64]) -> float:
    """Return the middle between ``score`` and the next lower one (or 0), never at or below the lower one."""
    lower = float(max(scores[scores < score], default=0.0))
    middle = (score + lower) / 2
    return middle if lower < middle else score


def _check(values: NDArray[np.float64], targets: NDArray[Any]) -> None:
    if not targets.any():
        raise DataError(
            "no lesion of the target class to choose a threshold on",
            where="validation split",
            fix="give more images of the target class; every split needs some",
        )
    if not (np.isfinite(values) & (values >= 0) & (values <= 1)).all():
        raise DataError(
            "target scores are not numbers from 0 to 1",
            where="validation split",
            fix="the training diverged: train again with a smaller learning rate",
        )
