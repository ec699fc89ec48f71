"""Counting zeros: layer by layer, in blocks of four, and in bytes as an app store downloads them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.rounding import round_nearest
from melanoma_edge.files import deflated_bytes
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.weights import Weights

BLOCK, ZEROS = 4, 2
"""The 2:4 pattern: at least two zeros in each four neighbouring input channels of one output."""
MEANING = (
    "Zeros buy bytes where files are compressed, as in an app store's download. They buy no time: a file as stored "
    "keeps its size, and dense kernels multiply by zero as slowly as by anything else."
)


@dataclass(frozen=True)
class LayerSparsity:
    """Count the zeros of one kernel; ``two_of_four`` is the share of blocks of four that hold two zeros or more."""

    weights: int
    zeros: int
    share: float
    two_of_four: float


def layer_sparsity(kernel: NDArray[np.float32]) -> LayerSparsity:
    """Count the zeros of a kernel ``[height, width, inputs, outputs]``."""
    zeros = int((kernel == 0).sum())
    return LayerSparsity(kernel.size, zeros, zeros / kernel.size, _two_of_four(kernel))


def describe_sparsity(before: Weights | None, after: Weights, pruned: Iterable[str]) -> dict[str, Any]:
    """Describe the zeros of pruned weights and what they do to bytes after compression.

    Args:
        before: the weights that pruning began with, if they were trained ones.
        after: the pruned weights.
        pruned: names of the kernels that were pruned.

    Returns:
        Counts by layer, the kernels left dense with the reason, and bytes after deflate, of all weights as float32
        and of the kernels as int8 files hold them.
    """
    layers = {name: layer_sparsity(after[name]) for name in pruned}
    weights, zeros = sum(layer.weights for layer in layers.values()), sum(layer.zeros for layer in layers.values())
    kernels = [name for name in after if name.endswith("kernel")]
    return {
        "reached": zeros / weights,
        "two_of_four": all(layer.two_of_four == 1 for layer in layers.values()),
        "pruned_weights": weights,
        "all_weights": sum(array.size for array in after.values()),
        "deflated_bytes": {"before": deflated(before) if before else None, "after": deflated(after)},
        "int8_deflated_bytes": {"before": int8_deflated(before) if before else None, "after": int8_deflated(after)},
        "meaning": MEANING,
        "layers": {name: vars(layer) for name, layer in layers.items()},
        "dense": {name: _reason(name, after[name]) for name in kernels if name not in layers},
    }


def deflated(weights: Weights) -> int:
    """Return the bytes of all weights as float32 after deflate, the compression of zip, APK and HTTP."""
    return deflated_bytes(
        b"".join(np.ascontiguousarray(array, "<f4").tobytes() for _, array in sorted(weights.items()))
    )


def int8_deflated(weights: Weights) -> int:
    """Return the bytes after deflate of every kernel but the head's, rounded to int8 per channel as files hold them.

    Folding batch norm scales whole channels, which changes steps and no integer, so that it need not be done first.
    """
    kernels = [array for name, array in weights.items() if name.endswith("kernel") and not name.startswith(f"{HEAD}/")]
    return deflated_bytes(b"".join(_integers(kernel).tobytes() for kernel in kernels))


def _integers(kernel: NDArray[np.float32]) -> NDArray[np.int8]:
    depthwise = kernel.shape[-1] == 1
    channels = kernel.shape[2] if depthwise else kernel.shape[3]
    rounded = round_nearest(kernel.reshape(1, -1, channels).astype(np.float64)).integers[0]
    return np.ascontiguousarray(rounded if depthwise else rounded.T)


def _two_of_four(kernel: NDArray[np.float32]) -> float:
    """Return the share of blocks with enough zeros; a last block of fewer than four is filled up with zeros."""
    inputs = kernel.shape[2]
    kept = np.pad(np.moveaxis(kernel != 0, 2, -1), ((0, 0),) * 3 + ((0, -inputs % BLOCK),))
    return float((kept.reshape(-1, BLOCK).sum(axis=1) <= BLOCK - ZEROS).mean())


def _reason(name: str, kernel: NDArray[np.float32]) -> str:
    if name.startswith(f"{HEAD}/"):
        return "the head's few weights carry the decision"
    if kernel.shape[-1] == 1 and name.endswith("depthwise_kernel"):
        return "depthwise: nine weights a channel, next to nothing to gain"
    return f"a {kernel.shape[0]}x{kernel.shape[1]} convolution: only 1x1 kernels are pruned"
