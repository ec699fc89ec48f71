"""Rounding weights to int8 so that a layer's output changes least, given what goes into the layer.

Rounding to nearest treats every weight alike. Second-order rounding takes one weight after the other and lets those
still to come make up for the error just made, as far as the layer's inputs go together (Hassibi and Stork 1993,
"Second order derivatives for network pruning"; Frantar et al. 2023, "GPTQ"). All layers are written as ``groups``:
a convolution is one group of ``[inputs, outputs]``, a depthwise one a group of ``[9, 1]`` per channel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
LEVELS = 127
"""Largest integer: the grid is symmetric, as TFLite and ONNX Runtime want weights."""
STEPS = (1.0, *np.linspace(0.985, 1.0035, 15))
"""Steps tried, as shares of the usual one, which wins a tie; above 127 / 126.5 no weight would round to 127."""


@dataclass(frozen=True, eq=False)
class Rounded:
    """Hold integers, int8 ``[groups, inputs, outputs]``, and the step of each output, float32 ``[groups, outputs]``."""

    integers: NDArray[np.int8]
    scales: NDArray[np.float32]

    @property
    def values(self) -> NDArray[np.float32]:
        """The weights, exactly on the grid."""
        return self.integers.astype(np.float32) * self.scales[:, None, :]


def grid(weights: Array) -> NDArray[np.float32]:
    """Return each output's step: its largest weight over 127, the step that every converter finds again."""
    largest = np.abs(weights).max(axis=1)
    return np.where(largest > 0, largest / LEVELS, 1.0).astype(np.float32)


def round_nearest(weights: Array) -> Rounded:
    """Round each of the weights ``[groups, inputs, outputs]`` to the nearest point of its output's grid."""
    scales = grid(weights)
    return Rounded(_nearest(weights / scales[:, None, :]).astype(np.int8), scales)


def round_second_order(weights: Array, moments: Array, damping: float = 0.01) -> Rounded:
    """Round weights so that the layer's squared output error is small.

    Of several steps, each output gets the one that leaves least error. Its largest weight stays at +-127, so that the
    grid can be found again from the rounded weights alone. Weights that are exactly zero stay zero, so that a pruned
    network stays pruned.

    Args:
        weights: ``[groups, inputs, outputs]``.
        moments: second moments or covariances of the inputs, ``[groups, inputs, inputs]``.
        damping: added to the diagonal, as a share of its mean.
    """
    order = np.argsort(-np.einsum("gii->gi", moments), axis=1, kind="stable")
    spread = _spread(np.take_along_axis(_take(moments, order), order[:, None, :], axis=2), damping)
    usual, back = grid(weights), np.argsort(order, axis=1)
    found, least = Rounded(np.zeros(weights.shape, np.int8), usual), np.full(usual.shape, np.inf)
    for share in STEPS:
        scales = (usual * share).astype(np.float32)
        shares = _take(weights / scales[:, None, :].astype(np.float64), order)
        tried = Rounded(_take(_compensated(shares, spread), back), scales)
        errors = _errors(weights, tried, moments)
        better = errors < least
        integers = np.where(better[:, None, :], tried.integers, found.integers)
        found, least = Rounded(integers, np.where(better, scales, found.scales)), np.minimum(errors, least)
    return found


def _compensated(shares: Array, spread: Array) -> NDArray[np.int8]:
    """Round ``shares`` of a step one input after the other, each error spread over the inputs still to come."""
    fixed = _fixed(shares)
    integers = np.empty(shares.shape, np.int8)
    for place in range(shares.shape[1]):
        value = shares[:, place, :]
        kept = fixed[:, place, :]
        integers[:, place, :] = np.where(np.isnan(kept), _nearest(value), kept)
        error = (value - integers[:, place, :]) / spread[:, place, place, None]
        shares[:, place + 1 :, :] -= spread[:, place, place + 1 :, None] * error[:, None, :]
    return integers


def output_error(weights: Array, rounded: Rounded, moments: Array) -> float:
    """Return the mean squared change of a layer's outputs, over all outputs of all groups."""
    return float(_errors(weights, rounded, moments).mean())


def _errors(weights: Array, rounded: Rounded, moments: Array) -> Array:
    """Return the squared change of each output, ``[groups, outputs]``."""
    change = weights - rounded.values
    return np.asarray(np.sum(change * (moments @ change), axis=1))


def _nearest(shares: Array) -> Array:
    return np.asarray(np.clip(np.rint(shares), -LEVELS, LEVELS))


def _fixed(shares: Array) -> Array:
    """Return the integers that are settled beforehand, NaN elsewhere."""
    fixed = np.where(shares == 0, 0.0, np.nan)
    largest = np.abs(shares).argmax(axis=1)[:, None, :]
    np.put_along_axis(fixed, largest, _nearest(np.take_along_axis(shares, largest, axis=1)), axis=1)
    return fixed


def _spread(moments: Array, damping: float) -> Array:
    """Return the upper Cholesky factor of the inverse: row i says how an error at i moves the weights after i."""
    extra = damping * np.einsum("gii->gi", moments).mean(axis=1)
    damped = moments + np.where(extra > 0, extra, 1.0)[:, None, None] * np.eye(moments.shape[1])
    return np.asarray(np.linalg.cholesky(np.linalg.inv(damped)).transpose(0, 2, 1))


def _take(values: NDArray[Any], order: NDArray[np.int64]) -> NDArray[Any]:
    return np.take_along_axis(values, order[:, :, None], axis=1)
