"""Whether a score of 0.3 means 3 in 10: calibration of one score, with intervals."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.bootstrap import Array, bootstrap, percentile_estimate, without_bias
from melanoma_edge.evaluation.calibration import BINS, equal_mass_bins, equal_width_bins
from melanoma_edge.evaluation.intervals import Estimate, normal_quantile, wilson

Bools = NDArray[np.bool_]
Floats = NDArray[np.floating[Any]]

LEAST = 1e-6
"""Scores nearer to 0 or 1 are taken to lie this far away, where a logarithm is needed."""


@dataclass(frozen=True)
class Bin:
    """Hold one bar of a reliability diagram: the mean score, the share of positives among ``n``, and its interval."""

    mean: float
    share: float
    n: int
    low: float
    high: float


@dataclass(frozen=True)
class Calibration:
    """Say how well a score between 0 and 1 is a probability.

    ``nll`` is the mean negative log likelihood, in nats. ``ece_mass`` and ``ece_width`` are expected calibration errors
    over 15 bins of equal mass and of equal width. ``slope`` is 1 and ``intercept`` is 0 for a calibrated score: a slope
    below 1 means scores too extreme, an intercept below 0 scores too high on the whole. None where the outcomes are all
    alike or the score parts them without a fault. ``bins`` are those of equal mass.
    """

    nll: Estimate
    brier: Estimate
    ece_mass: Estimate
    ece_width: Estimate
    slope: Estimate | None
    intercept: Estimate | None
    bins: tuple[Bin, ...]


def calibration(scores: Floats, positive: Bools, strata: NDArray[np.int64], resamples: int, seed: int) -> Calibration:
    """Measure the calibration of a score.

    Slope and intercept: logistic regression of the outcome on the logit of the score, the intercept with the slope
    held at 1 (calibration in the large), Wald intervals; see B. Van Calster and others, BMC Medicine 17 (2019) 230.
    The others: percentile bootstrap over lesions within strata, without the bias that resampling gives an ECE.

    Args:
        scores: ``[u]``, 0 to 1.
        positive: truth of each lesion, ``[u]``.
        strata: class index of each lesion, ``[u]``.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """
    values = np.asarray(scores, np.float64)
    losses = np.stack([-_log_likelihood(values, positive), (values - positive) ** 2], axis=1)
    gaps = [_gaps(values, positive, bins) for bins in (equal_mass_bins(values), equal_width_bins(values))]

    def statistic(weights: Array) -> Array:
        errors = [np.abs(weights @ gap).sum(axis=1, keepdims=True) for gap in gaps]
        return np.asarray(np.concatenate([weights @ losses, *errors], axis=1) / weights.sum(axis=1, keepdims=True))

    found = statistic(np.ones((1, len(values))))[0]
    drawn = bootstrap(statistic, strata, resamples, seed)
    for place in (2, 3):
        drawn[:, place] = without_bias(drawn[:, place], found[place])
    estimates = [percentile_estimate(float(value), drawn[:, place]) for place, value in enumerate(found)]
    nll, brier, ece_mass, ece_width = (estimate for estimate in estimates if estimate is not None)
    slope, intercept = _line(values, positive)
    return Calibration(nll, brier, ece_mass, ece_width, slope, intercept, reliability(values, positive))


def reliability(scores: Floats, positive: Bools, bins: int = BINS) -> tuple[Bin, ...]:
    """Return the bars of a reliability diagram over bins of equal mass, by rising score, each with Wilson's interval.

    Args:
        scores: ``[u]``.
        positive: ``[u]``.
        bins: how many; equal scores share one, so that there may be fewer.
    """
    places = equal_mass_bins(scores, bins)
    rows = []
    for place in np.unique(places):
        members = places == place
        n = int(members.sum())
        found = wilson(int(positive[members].sum()), n)
        rows.append(Bin(float(scores[members].mean()), found.value, n, found.low, found.high))
    return tuple(rows)


def _gaps(scores: Array, positive: Bools, places: NDArray[np.int64]) -> Array:
    gaps = np.zeros((len(scores), BINS))
    gaps[np.arange(len(scores)), places] = positive - scores
    return gaps


def _log_likelihood(scores: Array, positive: Bools) -> Array:
    safe = np.clip(scores, LEAST, 1 - LEAST)
    return np.where(positive, np.log(safe), np.log1p(-safe))


def _line(scores: Array, positive: Bools) -> tuple[Estimate | None, Estimate | None]:
    """Return slope, and intercept at slope 1."""
    if positive.all() or not positive.any():
        return None, None
    safe = np.clip(scores, LEAST, 1 - LEAST)
    logit = np.log(safe) - np.log1p(-safe)
    ones = np.ones((len(logit), 1))
    both = _logistic(np.column_stack([ones, logit]), np.zeros(len(logit)), positive) if np.ptp(logit) > 0 else None
    large = _logistic(ones, logit, positive)
    return (both[1] if both else None), (large[0] if large else None)


def _logistic(columns: Array, offset: Array, positive: Bools, steps: int = 50) -> list[Estimate] | None:
    """Return the coefficients of a logistic regression by Newton's method; None where they grow without end."""
    found = np.zeros(columns.shape[1])
    for _ in range(steps):
        chance = 1 / (1 + np.exp(-np.clip(columns @ found + offset, -700, 700)))
        information = columns.T @ (columns * (chance * (1 - chance))[:, None])
        try:
            inverse = np.linalg.inv(information)
        except np.linalg.LinAlgError:
            return None
        step = inverse @ (columns.T @ (positive - chance))
        # Far from the solution a full step may overshoot for ever.
        found = found + step * min(1.0, 5 / max(float(np.abs(step).max()), 1e-300))
        if np.abs(step).max() < 1e-10 * max(1.0, float(np.abs(found).max())):
            errors = normal_quantile(0.95) * np.sqrt(np.diag(inverse))
            rows = zip(found.tolist(), errors.tolist(), strict=True)
            return [Estimate(value, value - error, value + error) for value, error in rows]
    return None
