"""Learned rounding from start to end: fold, equalize, round; what ``quantize`` stores and ``export`` rounds with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.equalize import equalize
from melanoma_edge.compression.fold import fold
from melanoma_edge.compression.reconstruct import Reconstruction, reconstruct
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent


@dataclass(frozen=True, eq=False)
class Learned:
    """Hold a folded network twice: with ``smooth`` weights, which compute nearly what the run does, and rounded ones.

    Both are equalized alike, so that single layers may be taken from either. The smooth weights answer as the run does
    wherever every equalized channel stays below 6, where ReLU6 would cut it off at another place. They are made so on
    the images of calibration; an unseen image may go beyond: on a toy, 2 of 22 images of validation had probabilities
    more than 1e-4 away, at most 5.9e-4.
    """

    spec: NetworkSpec
    smooth: Weights
    made: Reconstruction


def learned_rounding(
    spec: NetworkSpec, weights: Weights, pixels: NDArray[np.uint8], seed: int = 0, progress: Progress = silent
) -> Learned:
    """Round a float network's kernels to the int8 grid so that its layers' outputs stay; the head is left out.

    Args:
        spec: the layout.
        weights: in float.
        pixels: training images uint8 ``[n, N, N, 3]``; labels are not needed.
        seed: of the places looked at.
        progress: told of layers done.
    """
    folded, smooth = fold(spec, weights)
    smooth = equalize(folded, smooth, pixels)
    return Learned(folded, smooth, reconstruct(folded, smooth, pixels, seed, progress))
