"""Resampling of lesions, vectorised as weights, and a rank AUC that takes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.intervals import Estimate

Array = NDArray[np.float64]
Statistic = Callable[[Array], Array]
"""Takes weights ``[b, u]`` and returns values ``[b, s]``."""

_CHUNK = 1 << 20


def bootstrap(statistic: Statistic, strata: NDArray[np.integer[Any]], count: int, seed: int) -> Array:
    """Return ``count`` values of a statistic over resampled lesions, float64 ``[count, s]``.

    Lesions are drawn with replacement within their class, so that no resample loses a class. The same seed and
    strata give the same resamples: computing two models' statistics in one call, or in two, pairs them.

    Args:
        statistic: what to compute under weights ``[b, u]``.
        strata: class index of each lesion, ``[u]``.
        count: number of resamples.
        seed: of the random generator.
    """
    return np.concatenate([statistic(weights) for weights in _resamples(strata, count, seed)])


def _resamples(strata: NDArray[np.integer[Any]], count: int, seed: int) -> Iterator[Array]:
    generator = np.random.default_rng(seed)
    members = [np.flatnonzero(strata == stratum) for stratum in np.unique(strata)]
    rows = max(1, _CHUNK // len(strata))
    for start in range(0, count, rows):
        weights = np.empty((min(rows, count - start), len(strata)))
        for index in members:
            weights[:, index] = _drawn(generator, len(weights), len(index))
        yield weights


def _drawn(generator: np.random.Generator, rows: int, size: int) -> NDArray[np.int64]:
    """Return how often each of ``size`` items is drawn in ``size`` draws with replacement, ``[rows, size]``."""
    draws = generator.integers(size, size=(rows, size)) + size * np.arange(rows)[:, None]
    return np.bincount(draws.ravel(), minlength=rows * size).reshape(rows, size)


def weighted_auc(scores: Array, positive: NDArray[np.bool_], weights: Array) -> Array:
    """Return the area under the ROC curve, ties counting half, under many weightings of the lesions.

    Args:
        scores: ``[u]``.
        positive: ``[u]``.
        weights: at or above 0, ``[b, u]``.

    Returns:
        ``[b]``; NaN where the positives or the negatives have no weight.
    """
    order = np.argsort(scores, kind="stable")
    ordered = scores[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    negatives = _tied(weights[:, order] * ~positive[order], starts)
    positives = _tied(weights[:, order] * positive[order], starts)
    below = np.cumsum(negatives, axis=1) - negatives / 2
    pairs = positives.sum(axis=1) * negatives.sum(axis=1)
    wins = np.einsum("bu,bu->b", positives, below)
    return np.asarray(np.divide(wins, pairs, out=np.full(len(weights), np.nan), where=pairs > 0))


def _tied(values: Array, starts: NDArray[np.int64]) -> Array:
    return values if len(starts) == values.shape[1] else np.asarray(np.add.reduceat(values, starts, axis=1))


def percentile_estimate(value: float, resampled: Array, confidence: float = 0.95) -> Estimate | None:
    """Return a value with its percentile interval, widened to contain it; None where the value is undefined."""
    if np.isnan(value):
        return None
    tail = (1 - confidence) / 2
    low, high = np.quantile(resampled, [tail, 1 - tail])
    return Estimate(value, min(float(low), value), max(float(high), value))


def without_bias(drawn: Array, value: float) -> Array:
    """Shift resampled values to the estimate: the noise of resampling alone raises a calibration error."""
    return np.asarray(np.clip(drawn - drawn.mean() + value, 0.0, 1.0))
