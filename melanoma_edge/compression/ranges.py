"""Ranges of activations: from what a tensor held to the ends between which its int8 steps lie.

The extremes are seldom the best ends. One far value widens the steps of all the others; clipping it costs that one
value more and the others less. So values are counted, and of many pairs of ends the one is taken that leaves the
smallest mean squared error, of rounding and clipping together (Sung et al. 2015, "Resiliency of Deep Neural Networks
under Quantization").
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Ranges = dict[str, tuple[float, float]]
"""Smallest and largest value of tensors, by name."""

_BINS = 8192
_SHARES: Array = np.linspace(1, 0.3, 71)
"""Ends tried, as shares of the extremes; the first wins a tie."""
_SMALLEST = -30
"""Exponent of the smallest reach."""


class Histogram:
    """Count the values of one tensor, in bins of one width on both sides of 0.

    The bins' reach is a power of two that grows with the values, so neither order nor grouping of calls matters.

    Attributes:
        low: the smallest value seen; infinity before the first.
        high: the largest.
    """

    def __init__(self) -> None:
        self.low, self.high = math.inf, -math.inf
        self._counts = np.zeros(_BINS, np.int64)
        self._exponent = _SMALLEST

    def add(self, values: NDArray[np.float32], counted: NDArray[np.float32] | None = None) -> None:
        """Take the extremes of finite ``values``, and count all of them or, for speed, only ``counted``."""
        self.low, self.high = min(self.low, float(values.min())), max(self.high, float(values.max()))
        self._reach_to(max(-self.low, self.high))
        some = values if counted is None else counted
        places = np.floor(some[some != 0] * np.float32(_BINS / 2 / 2.0**self._exponent)).astype(np.int64)
        self._counts += np.bincount(places + _BINS // 2, minlength=_BINS)

    def _reach_to(self, size: float) -> None:
        """Double the bins' width until ``size`` lies within."""
        while size >= 2.0**self._exponent:
            inner = self._counts.reshape(-1, 2).sum(axis=1)
            self._counts = np.pad(inner, _BINS // 4)
            self._exponent += 1

    def ends(self, bits: int) -> tuple[float, float]:
        """Return the ends between which ``2 ** bits`` levels leave the smallest mean squared error.

        Zeros are not counted: 0 is one of the levels, whatever the ends. An end at or beyond 0 on the wrong side
        stays where it is.
        """
        lows, highs = (self._candidates(end) for end in (-self.low, self.high))
        seen = self._counts > 0
        counts = self._counts[seen]
        width = 2.0 ** (self._exponent + 1) / _BINS
        centres = np.asarray((np.flatnonzero(seen) + 0.5 - _BINS // 2) * width, np.float64)
        clipped = _clipped(-centres, counts, lows)[:, None] + _clipped(centres, counts, highs)
        step = (np.maximum(lows, 0)[:, None] + np.maximum(highs, 0)) / (2**bits - 1)
        errors = clipped + counts.sum() * step**2 / 12
        low, high = np.unravel_index(np.argmin(errors), errors.shape)
        return -float(lows[low]), float(highs[high])

    @staticmethod
    def _candidates(end: float) -> Array:
        return np.array([end]) if end <= 0 else np.asarray(end * _SHARES, np.float64)


def _clipped(centres: Array, counts: NDArray[np.int64], ends: Array) -> Array:
    """Return the summed squared error of what lies beyond each of the ends."""
    beyond = centres > max(float(ends.min()), 0)
    over = np.maximum(centres[beyond] - np.maximum(ends, 0)[:, None], 0)
    return np.asarray(over**2 @ counts[beyond])


@dataclass(frozen=True, eq=False)
class Measured:
    """Hold what the activations of a model were seen to hold, by tensor name."""

    histograms: dict[str, Histogram]

    @property
    def extremes(self) -> Ranges:
        """The smallest and the largest value of each tensor."""
        return {name: (seen.low, seen.high) for name, seen in self.histograms.items()}

    def ranges(self, bits: int) -> Ranges:
        """Return for each tensor the ends that suit integers of so many bits."""
        return {name: seen.ends(bits) for name, seen in self.histograms.items()}
