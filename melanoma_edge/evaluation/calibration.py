"""Temperature, prior shift and how far scores are from frequencies."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]

TEMPERATURES = (0.05, 10.0)
STRENGTHS = (-1.0, 1.5)
BINS = 15


def softmax(logits: Floats) -> NDArray[np.float64]:
    """Return probabilities, float64, over the last axis."""
    exact = np.asarray(logits, np.float64)
    raised = np.exp(exact - exact.max(axis=-1, keepdims=True))
    return np.asarray(raised / raised.sum(axis=-1, keepdims=True))


def fit_temperature(logits: Floats, labels: Ints, weights: Floats | None = None) -> float:
    """Return the temperature in 0.05 to 10 that minimises the mean negative log likelihood.

    Dividing all logits by one number cannot change which class is largest.
    Source: C. Guo and others, On Calibration of Modern Neural Networks, ICML 2017.

    Args:
        logits: ``[n, classes]``.
        labels: class index ``[n]``.
        weights: of each row, ``[n]``; equal when left out.
    """
    return _temperature(logits, labels, weights)[0]


def fit_prior_shift(
    logits: Floats, labels: Ints, log_prior: Floats, weights: Floats | None = None
) -> tuple[float, float]:
    """Return the strength s in -1 to 1.5 and the temperature T that suit ``(logits + s * log_prior) / T`` best.

    Best is the least negative log likelihood, every class counting alike unless weights are given. For a fixed
    ratio of the two factors the problem is convex, so that two nested one-dimensional searches find its minimum.

    Args:
        logits: ``[n, classes]``.
        labels: class index ``[n]``.
        log_prior: log of each class's share in training, ``[classes]``.
        weights: of each row, ``[n]``.
    """
    balanced = class_weights(labels) if weights is None else weights

    def loss(strength: float) -> float:
        return _temperature(logits + strength * log_prior, labels, balanced)[1]

    strength = _minimum(loss, STRENGTHS)
    return strength, _temperature(logits + strength * log_prior, labels, balanced)[0]


def class_weights(labels: Ints) -> NDArray[np.float64]:
    """Return row weights ``[n]``, mean 1, under which every class present counts alike."""
    _, index, counts = np.unique(labels, return_inverse=True, return_counts=True)
    return np.asarray(len(labels) / (len(counts) * counts[index]), np.float64)


def ece(scores: Floats, outcomes: ArrayLike, bins: int = BINS) -> float:
    """Return the expected calibration error of a score over bins of equal mass.

    Args:
        scores: ``[n]``, 0 to 1.
        outcomes: 0 or 1, ``[n]``.
        bins: number of bins; fewer where there are fewer scores.
    """
    gaps = np.asarray(outcomes, np.float64) - scores
    return float(np.abs(np.bincount(equal_mass_bins(scores, bins), gaps)).sum() / len(gaps))


def equal_mass_bins(scores: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """Return the bin of each score, ``[n]``: equal counts as far as equal scores, kept together, allow."""
    values = np.asarray(scores, np.float64)
    rank_of_first_equal = np.searchsorted(np.sort(values), values, side="left")
    return np.asarray(rank_of_first_equal * min(bins, len(values)) // len(values), np.int64)


def equal_width_bins(scores: Floats, bins: int = BINS) -> NDArray[np.int64]:
    """Return the bin of each score 0 to 1, ``[n]``, of bins as wide as one another, as C. Guo and others use them."""
    return np.asarray(np.minimum(np.asarray(scores, np.float64) * bins, bins - 1), np.int64)


def shift_prior(probabilities: Floats, known: Sequence[float], wanted: Sequence[float]) -> NDArray[np.float64]:
    """Return probabilities for another mixture of classes, ``[n, classes]``.

    Source: M. Saerens and others, Neural Computation 14 (2002) 21. True where only the mixture differs.

    Args:
        probabilities: ``[n, classes]``.
        known: shares of the classes that the probabilities are for.
        wanted: shares of the classes that they shall be for.
    """
    moved = np.asarray(probabilities, np.float64) * (np.asarray(wanted) / np.asarray(known))
    return np.asarray(moved / moved.sum(axis=1, keepdims=True))


def brier(scores: Floats, outcomes: ArrayLike) -> float:
    """Return the mean squared distance of a score ``[n]`` from outcomes 0 or 1 ``[n]``."""
    return float(np.mean((np.asarray(scores, np.float64) - np.asarray(outcomes, np.float64)) ** 2))


def _temperature(logits: Floats, labels: Ints, weights: Floats | None) -> tuple[float, float]:
    """Return the best temperature and the loss there."""
    exact = np.asarray(logits, np.float64)
    shares = np.full(len(exact), 1 / len(exact)) if weights is None else np.asarray(weights) / np.sum(weights)
    rows = np.arange(len(exact))
    centred = exact - exact.max(axis=1, keepdims=True)
    true = centred[rows, labels]

    def loss(log_temperature: float) -> float:
        scale = math.exp(-log_temperature)
        return float(shares @ (np.log(np.exp(centred * scale).sum(axis=1)) - true * scale))

    best = _minimum(loss, (math.log(TEMPERATURES[0]), math.log(TEMPERATURES[1])))
    return math.exp(best), loss(best)


def _minimum(function: Callable[[float], float], bounds: tuple[float, float]) -> float:
    """Return where a function with one valley between ``bounds`` is lowest."""
    from scipy.optimize import minimize_scalar

    return float(minimize_scalar(function, bounds=bounds, method="bounded", options={"xatol": 1e-6}).x)
