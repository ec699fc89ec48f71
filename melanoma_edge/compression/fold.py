"""Batch norm multiplied into the convolutions before it: the weights that a phone computes with."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from melanoma_edge.model.mobilenet import EPSILON
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights

KERNELS = ("kernel", "depthwise_kernel")
"""Variables of a convolution and of a depthwise one: ``[h, w, in, out]`` and ``[h, w, channels, 1]``."""


def fold(spec: NetworkSpec, weights: Weights) -> tuple[NetworkSpec, Weights]:
    """Return the network without batch norm that computes the same, with its layout.

    Each kernel is multiplied by gamma / sqrt(variance + epsilon) and gets the bias that remains (Jacob et al. 2018,
    "Quantization and Training of Neural Networks", section 3.2). The arithmetic is float64. A network that is
    folded comes back as it is.
    """
    if spec.folded:
        return spec, weights
    folded: Weights = {}
    for name, values in weights.items():
        layer, variable = name.rsplit("/", 1)
        if f"{layer}_bn/gamma" in weights and variable in KERNELS:
            folded[name], folded[f"{layer}/bias"] = _folded(layer, values, variable == KERNELS[1], weights)
        elif not layer.endswith("_bn"):
            folded[name] = values
    return replace(spec, folded=True), folded


def _folded(layer: str, kernel: np.ndarray, depthwise: bool, weights: Weights) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = (
        weights[f"{layer}_bn/{part}"].astype(np.float64) for part in ("gamma", "beta", "moving_mean", "moving_variance")
    )
    factor = gamma / np.sqrt(variance + EPSILON)
    scaled = kernel * (factor[:, None] if depthwise else factor)
    return scaled.astype(np.float32), (beta - mean * factor).astype(np.float32)
