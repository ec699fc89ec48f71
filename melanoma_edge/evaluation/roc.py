"""What a score tells apart: intervals of the AUC by DeLong, the paired difference, and parts of the curve."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.intervals import Estimate, clopper_pearson, normal_quantile

Array = NDArray[np.float64]
Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

LEAST_SENSITIVITY = 0.80
"""Where the partial AUC of the ISIC 2024 challenge begins."""
POINTS = 400
"""How many points of a ROC curve are kept for drawing it."""


@dataclass(frozen=True)
class Difference:
    """Hold a paired difference of two AUCs, second minus first, with its interval and two-sided p value."""

    value: float
    low: float
    high: float
    p: float


def delong(scores: Sequence[Floats] | Floats, positive: Bools) -> tuple[Array, Array]:
    """Return the AUCs ``[m]`` of scores ``[m, u]`` of the same lesions, and their covariance ``[m, m]``.

    The covariance is NaN with a single positive or a single negative.

    Source: E. R. DeLong and others, Biometrics 44 (1988) 837, by the midranks of X. Sun and W. Xu, IEEE Signal
    Processing Letters 21 (2014) 1389.

    Args:
        scores: of ``m`` models, higher where more likely positive.
        positive: truth of each lesion, ``[u]``; at least one of each.
    """
    from scipy.stats import rankdata

    values, positive = np.atleast_2d(np.asarray(scores, np.float64)), np.asarray(positive, bool)
    with_positives, with_negatives = values[:, positive], values[:, ~positive]
    ranks = rankdata(values, axis=1)
    positives, negatives = with_positives.shape[1], with_negatives.shape[1]
    above = (ranks[:, positive] - rankdata(with_positives, axis=1)) / negatives
    below = 1 - (ranks[:, ~positive] - rankdata(with_negatives, axis=1)) / positives
    if min(positives, negatives) < 2:
        return above.mean(axis=1), np.full((len(values), len(values)), np.nan)
    covariance = np.atleast_2d(np.cov(above)) / positives + np.atleast_2d(np.cov(below)) / negatives
    return above.mean(axis=1), covariance


def auc(scores: Floats, positive: Bools, confidence: float = 0.95) -> Estimate | None:
    """Return the AUC with DeLong's interval on the scale of its logit; None without a positive or a negative.

    The logit keeps the interval inside 0 to 1 and its coverage near the ends. Where the variance is 0, as for an AUC
    of 1, the exact interval of as many independent pairs as can be formed is given: 16 positives ranked above all
    others do not prove 1. A single positive or negative bounds nothing.

    Args:
        scores: ``[u]``.
        positive: truth of each lesion, ``[u]``.
        confidence: of the two-sided interval.
    """
    positive = np.asarray(positive, bool)
    positives = int(positive.sum())
    pairs = min(positives, len(positive) - positives)
    if not pairs:
        return None
    values, covariance = delong(scores, positive)
    value, variance = float(values[0]), float(covariance[0, 0])
    if pairs == 1:
        return Estimate(value, 0.0, 1.0)
    if variance <= 0 or not 0 < value < 1:
        exact = clopper_pearson(round(value * pairs), pairs, confidence)
        return Estimate(value, min(exact.low, value), max(exact.high, value))
    middle = math.log(value / (1 - value))
    half = normal_quantile(confidence) * math.sqrt(variance) / (value * (1 - value))
    return Estimate(value, _expit(middle - half), _expit(middle + half))


def auc_difference(first: Floats, second: Floats, positive: Bools, confidence: float = 0.95) -> Difference | None:
    """Return the difference of two models' AUCs on the same lesions, second minus first, by DeLong's covariance.

    None without two positives and two negatives. Two scores that rank alike differ by 0, certainly.
    """
    positive = np.asarray(positive, bool)
    if min(positive.sum(), (~positive).sum()) < 2:
        return None
    values, covariance = delong([first, second], positive)
    change = float(values[1] - values[0])
    error = math.sqrt(max(float(covariance[0, 0] + covariance[1, 1] - 2 * covariance[0, 1]), 0.0))
    if error == 0:
        return Difference(change, change, change, 1.0 if change == 0 else 0.0)
    half = normal_quantile(confidence) * error
    p = 2 * NormalDist().cdf(-abs(change) / error)
    return Difference(change, max(change - half, -1.0), min(change + half, 1.0), p)


def curve(scores: Floats, positive: Bools, weights: Array) -> tuple[Array, Array]:
    """Return false positives and true positives from the strictest threshold on, each ``[b, k + 1]``, beginning with 0.

    Args:
        scores: ``[u]``; ``k`` of them differ.
        positive: ``[u]``.
        weights: at or above 0, ``[b, u]``.
    """
    order = np.argsort(-scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    return tuple(_steps(weights[:, order] * of[order], starts) for of in (~positive, positive))  # type: ignore[return-value]


def partial_auc(scores: Floats, positive: Bools, weights: Array, least: float = LEAST_SENSITIVITY) -> Array:
    """Return the area under the ROC curve above a sensitivity, ``[b]``: at most ``1 - least``; NaN where undefined.

    At 0.80 this is the metric of the ISIC 2024 challenge: 0.20 at best, 0.02 by chance.

    Args:
        scores, positive, weights: as for ``curve``.
        least: the sensitivity above which the area counts.
    """
    return _above(*curve(scores, positive, weights), least)


def average_precision(scores: Floats, positive: Bools, weights: Array) -> Array:
    """Return the area under the precision-recall curve as average precision, ``[b]``; NaN without positives.

    Args:
        scores, positive, weights: as for ``curve``.
    """
    return _precision(*curve(scores, positive, weights))


def both_areas(scores: Floats, positive: Bools, weights: Array) -> Array:
    """Return average precision and partial AUC, ``[b, 2]``, of one curve; arguments as for ``curve``."""
    false, true = curve(scores, positive, weights)
    return np.stack([_precision(false, true), _above(false, true, LEAST_SENSITIVITY)], axis=1)


def roc_points(scores: Floats, positive: Bools, most: int = POINTS) -> tuple[tuple[float, float], ...]:
    """Return the corners of the ROC curve as (false positive rate, sensitivity), at most ``most``, ends included.

    Nothing where there is no positive or no negative.
    """
    positive = np.asarray(positive, bool)
    if positive.all() or not positive.any():
        return ()
    false, true = (of[0] / of[0, -1] for of in curve(scores, positive, np.ones((1, len(scores)))))
    turns = np.abs(np.diff(false)[1:] * np.diff(true)[:-1] - np.diff(false)[:-1] * np.diff(true)[1:]) > 0
    corners = np.flatnonzero(np.concatenate([[True], turns, [True]]))
    if len(corners) > most:
        corners = corners[np.unique(np.linspace(0, len(corners) - 1, most).round().astype(int))]
    return tuple((float(x), float(y)) for x, y in zip(false[corners], true[corners], strict=True))


def _above(false: Array, true: Array, least: float) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        fpr, tpr = false / false[:, -1:], true / true[:, -1:]
        reached = np.maximum(tpr, least)
        rise = np.diff(tpr, axis=1)
        entered = (reached[:, :-1] - tpr[:, :-1]) / np.where(rise > 0, rise, 1)
    start = fpr[:, :-1] + entered * np.diff(fpr, axis=1)
    area = np.diff(reached, axis=1) * (1 - (start + fpr[:, 1:]) / 2)
    return np.asarray(area.sum(axis=1))


def _precision(false: Array, true: Array) -> Array:
    found = true[:, 1:]
    precision = np.divide(found, found + false[:, 1:], out=np.zeros_like(found), where=found > 0)
    total, gained = true[:, -1], (np.diff(true, axis=1) * precision).sum(axis=1)
    return np.asarray(np.divide(gained, total, out=np.full(len(total), np.nan), where=total > 0))


def _steps(weights: Array, starts: NDArray[np.int64]) -> Array:
    """Return running sums over scores that differ, ``[b, k + 1]``, beginning with 0."""
    sums = np.cumsum(np.add.reduceat(weights, starts, axis=1), axis=1)
    return np.concatenate([np.zeros((len(weights), 1)), sums], axis=1)


def _expit(value: float) -> float:
    return 1 / (1 + math.exp(-value)) if value > -700 else 0.0
