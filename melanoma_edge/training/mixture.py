"""The mixture of classes that a run's probabilities are calibrated for, and networks freed from it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.weights import Weights

STRENGTH = 0.3
"""Power of each class's share in the data: 0 is all classes alike, 1 lesions as they came.

Alike suits balanced accuracy, but it makes the rarest class as good an explanation as a nevus, and the target score
ranks worse for it. Chosen on validation.
"""
_BIAS = f"{HEAD}/bias"


def mixture(counts: Sequence[int]) -> tuple[float, ...]:
    """Return the shares of the classes to calibrate for, summing to 1, from the images of each class in the data."""
    raised = np.asarray(counts, np.float64) ** STRENGTH
    return tuple(float(share) for share in raised / raised.sum())


def moved(weights: Weights, logits: NDArray[np.floating[Any]]) -> Weights:
    """Return weights whose logits are higher by these, float ``[classes]``."""
    return {**weights, _BIAS: (weights[_BIAS] + logits).astype(np.float32)}


def shift(prior: Sequence[float], temperature: float) -> NDArray[np.float64]:
    """Return what takes logits from classes alike to a mixture, ``[classes]``, where a temperature divides them."""
    return np.asarray(temperature * np.log(np.asarray(prior, np.float64) * len(prior)), np.float64)


def levelled(weights: Weights, contract: ModelContract) -> Weights:
    """Return a run's weights with logits as if all classes were alike, with which training begins and teaches.

    Args:
        weights: of the run, whatever became of all but the bias of its head.
        contract: of the run, with the mixture and temperature that the bias holds.
    """
    return moved(weights, -shift(contract.class_prior, contract.temperature))
