"""One yes-or-no question asked of a model: melanoma or not, malignant or not."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation import roc
from melanoma_edge.evaluation.bootstrap import Array, bootstrap, percentile_estimate
from melanoma_edge.evaluation.intervals import Estimate, clopper_pearson, wilson
from melanoma_edge.evaluation.reliability import Calibration, calibration

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

PREVALENCES = (0.005, 0.02, 0.05, 0.10, 0.20)
"""For which predictive values are stated: they mean nothing without one, and a test split's own is nobody's."""
WORTH = tuple(percent / 100 for percent in range(1, 51))
"""Thresholds of the decision curve."""


@dataclass(frozen=True)
class PredictiveValues:
    """Hold the shares of the referred that are positive, and of the others that are not, at one prevalence."""

    prevalence: float
    ppv: Estimate | None
    npv: Estimate | None


@dataclass(frozen=True)
class NetBenefit:
    """Hold one place of a decision curve: gains in positives found per lesion seen, harm of false alarms taken off.

    ``threshold`` is the probability from which referring is worth it: at 0.05, 19 false alarms weigh one positive
    found. ``model`` refers from that score on, ``operating_point`` as frozen, ``refer_all`` everybody; to refer nobody
    gains 0.
    """

    threshold: float
    model: float
    operating_point: float
    refer_all: float


@dataclass(frozen=True)
class Binary:
    """Hold the answers to one yes-or-no question, counted in lesions; None where the lesions do not define a number.

    ``sensitivity`` and ``specificity`` are of the model's decision, with Wilson's interval; ``sensitivity_exact`` has
    Clopper and Pearson's, the one to quote where nothing was missed. The others are of the score: ``auc`` with
    DeLong's interval, ``pr_auc`` (average precision; ``positives`` over all by chance) and ``partial_auc`` above 80 %
    sensitivity (0.2 at best, 0.02 by chance) with a bootstrap's. ``calibration_shifted`` and the decision curve are of
    the score for the class mixture ``calibration`` was not made for, where one is known.
    """

    positives: int
    others: int
    sensitivity: Estimate | None
    specificity: Estimate | None
    sensitivity_exact: Estimate | None
    auc: Estimate | None
    pr_auc: Estimate | None
    partial_auc: Estimate | None
    ppv_npv: tuple[PredictiveValues, ...]
    decision_curve: tuple[NetBenefit, ...]
    calibration: Calibration
    calibration_shifted: Calibration | None
    roc: tuple[tuple[float, float], ...]


def binary(
    scores: Floats,
    positive: Bools,
    referred: Bools,
    strata: NDArray[np.int64],
    shifted: Floats | None = None,
    resamples: int = 1000,
    seed: int = 0,
) -> Binary:
    """Answer one question over lesions.

    Args:
        scores: ``[u]``, 0 to 1.
        positive: the truth, ``[u]``.
        referred: the decisions, which need not be made of these scores, ``[u]``.
        strata: class index, ``[u]``, within which the bootstrap draws.
        shifted: the scores for the mixture of classes that a decision curve is to be for, ``[u]``.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    positives, found = int(positive.sum()), int((referred & positive).sum())
    others, spared = len(positive) - positives, int((~referred & ~positive).sum())
    pr_auc, partial = _areas(np.asarray(scores, np.float64), positive, strata, resamples, seed)
    worth = np.asarray(scores if shifted is None else shifted, np.float64)
    return Binary(
        positives=positives,
        others=others,
        sensitivity=wilson(found, positives) if positives else None,
        specificity=wilson(spared, others) if others else None,
        sensitivity_exact=clopper_pearson(found, positives) if positives else None,
        auc=roc.auc(scores, positive),
        pr_auc=pr_auc,
        partial_auc=partial,
        ppv_npv=tuple(predictive_values(found, positives, spared, others, share) for share in PREVALENCES),
        decision_curve=decision_curve(worth, positive, referred),
        calibration=calibration(scores, positive, strata, resamples, seed),
        calibration_shifted=None if shifted is None else calibration(worth, positive, strata, resamples, seed),
        roc=roc.roc_points(scores, positive),
    )


def predictive_values(found: int, positives: int, spared: int, others: int, prevalence: float) -> PredictiveValues:
    """Return positive and negative predictive value at a prevalence.

    Both follow from it and a likelihood ratio, whose interval is made of the Wilson intervals of its two shares, as
    R. G. Newcombe, Statistical Methods in Medical Research 25 (2016) 1774, does (MOVER-R).

    Args:
        found: positives that are referred.
        positives: all positives.
        spared: others that are not referred.
        others: all others.
        prevalence: share of positives, above 0 and below 1.
    """
    if not positives or not others:
        return PredictiveValues(prevalence, None, None)
    odds = prevalence / (1 - prevalence)
    hits, misses = wilson(found, positives), wilson(positives - found, positives)
    alarms, rests = wilson(others - spared, others), wilson(spared, others)
    return PredictiveValues(prevalence, _share(hits, alarms, odds), _share(rests, misses, 1 / odds))


def decision_curve(
    scores: Floats, positive: Bools, referred: Bools, thresholds: Sequence[float] = WORTH
) -> tuple[NetBenefit, ...]:
    """Return net benefits over thresholds of worth.

    Source: A. J. Vickers and E. B. Elkin, Medical Decision Making 26 (2006) 565.

    Args:
        scores: probabilities for the mixture of the lesions at hand, ``[u]``.
        positive: the truth, ``[u]``.
        referred: the frozen decisions, ``[u]``.
        thresholds: above 0 and below 1.
    """
    everybody = np.ones(len(positive), bool)

    def benefit(chosen: Bools, threshold: float) -> float:
        hits, alarms = int((chosen & positive).sum()), int((chosen & ~positive).sum())
        return (hits - alarms * threshold / (1 - threshold)) / len(positive)

    return tuple(
        NetBenefit(t, benefit(scores >= t, t), benefit(referred, t), benefit(everybody, t)) for t in thresholds
    )


def _areas(
    scores: Array, positive: Bools, strata: NDArray[np.int64], resamples: int, seed: int
) -> tuple[Estimate | None, Estimate | None]:
    if positive.all() or not positive.any():
        return None, None

    def statistic(weights: Array) -> Array:
        return roc.both_areas(scores, positive, weights)

    values = statistic(np.ones((1, len(scores))))[0]
    drawn = bootstrap(statistic, strata, resamples, seed)
    first, second = (percentile_estimate(float(value), drawn[:, place]) for place, value in enumerate(values))
    return first, second


def _share(right: Estimate, wrong: Estimate, odds: float) -> Estimate | None:
    """Return the share that is right among those decided so; None where nobody is."""
    if right.value + wrong.value == 0:
        return None

    def share(ratio: float) -> float:
        return 1.0 if math.isinf(ratio) else ratio * odds / (1 + ratio * odds)

    value = share(right.value / wrong.value if wrong.value else math.inf)
    low, high = (share(ratio) for ratio in _ratio_ends(right, wrong))
    return Estimate(value, min(low, value), max(high, value))


def _ratio_ends(above: Estimate, below: Estimate) -> tuple[float, float]:
    """Return the ends of the interval of a ratio of two independent estimates; the upper one may be infinite."""
    product = above.value * below.value
    least = above.low * (2 * above.value - above.low)
    most = above.high * (2 * above.value - above.high)
    divisor_of_low = below.high * (2 * below.value - below.high)
    divisor_of_high = below.low * (2 * below.value - below.low)
    bottom = product + math.sqrt(max(product**2 - least * divisor_of_low, 0.0))
    top = product + math.sqrt(max(product**2 - most * divisor_of_high, 0.0))
    return (least / bottom if bottom else 0.0), (top / divisor_of_high if divisor_of_high else math.inf)
