"""Channels made alike before rounding: what a channel gains, the layer behind it takes back.

All channels of a tensor share one int8 step. A channel that uses a small part of the range is rounded coarsely, so it
is scaled up where that changes nothing (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
Correction"): behind a ReLU6 only as far as it stays below 6, in linear outputs freely. Linear channels are first
centred about 0, so that their common range need not cover the far ends of all of them; only 1x1 convolutions read
them, which have no edge, so their biases take the shift back exactly.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.flow import Extremes, Flow, Layer, Stage, stages
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights

Array = NDArray[np.float32]
MOST = 8.0
"""The largest factor: more would only lift noise."""
_SIX, _HEADROOM = 6.0, 1.15
"""Behind a ReLU6 a channel's largest value on the images stays this factor below 6."""
_STRENGTH = 0.75
"""Exponent of linear channels' factors; 1 would make all of them equally large, at the cost of the weights behind."""


@dataclass(frozen=True)
class _Stream:
    """Hold linear outputs that additions tie together: their stages, and the layer that reads each stage's end."""

    stages: tuple[Stage, ...]
    readers: tuple[Layer, ...]


def equalize(spec: NetworkSpec, weights: Weights, pixels: NDArray[np.uint8]) -> Weights:
    """Return weights of the same function whose channels are more alike; the head is left alone.

    Args:
        spec: the layout, folded.
        weights: of the folded network.
        pixels: uint8 ``[n, N, N, 3]``, on which channels are measured.
    """
    todo, equal = stages(spec), dict(weights)
    seen = _seen(weights, todo, pixels)
    for layer, behind in pairwise(layer for stage in todo for layer in stage.layers):
        if layer.relu:
            factor = np.clip(_SIX / _HEADROOM / _positive(seen[layer.name].high), 1, MOST)
            _scale(equal, [layer], [behind], factor)
    for stream in _streams(todo):
        peaks = _centred(equal, stream, seen)
        share = np.max([_positive(peak) / _positive(peak).max() for peak in peaks], axis=0)
        factor = np.clip(share**-_STRENGTH, 1, MOST).astype(np.float32)
        _scale(equal, [stage.layers[-1] for stage in stream.stages], stream.readers, factor)
    return equal


def _seen(weights: Weights, todo: tuple[Stage, ...], pixels: NDArray[np.uint8]) -> dict[str, Extremes]:
    """Return what each channel reaches, in the outputs of layers and additions."""
    flow, seen = Flow(weights, pixels, quantized=False), dict[str, Extremes]()
    for stage in todo:
        seen.update(flow.extremes(stage))
        flow.advance(stage)
        if stage.add:
            seen[stage.add] = flow.extremes_here()
    return seen


def _streams(todo: tuple[Stage, ...]) -> Iterator[_Stream]:
    """Yield linear outputs that additions tie together, unless the head reads one of them."""
    starts = [place for place, stage in enumerate(todo) if not (stage.layers[-1].relu or stage.add)]
    for start in starts:
        end = start + 1
        while end < len(todo) and todo[end].add:
            end += 1
        if end < len(todo):
            yield _Stream(todo[start:end], tuple(stage.layers[0] for stage in todo[start + 1 : end + 1]))


def _centred(weights: Weights, stream: _Stream, seen: dict[str, Extremes]) -> list[Array]:
    """Move the middle of each channel to 0 wherever it is read; return the largest sizes left, tensor by tensor.

    What an earlier stage was moved by goes through the additions, so a later one moves by what is still missing.
    """
    moved, peaks = np.float32(0) * seen[stream.stages[0].layers[-1].name].high, []
    exact = all(reader.size == 1 for reader in stream.readers)
    for stage, reader in zip(stream.stages, stream.readers, strict=True):
        end = stage.layers[-1]
        here = seen[stage.add or end.name]
        goal = here.middle if exact else moved
        weights[end.bias] = weights[end.bias] - (goal - moved)
        if exact:
            weights[reader.bias] = weights[reader.bias] + goal @ weights[reader.kernel][0, 0]
        peaks += [seen[end.name].peak(goal - moved), here.peak(goal)]
        moved = goal
    return peaks


def _scale(weights: Weights, makers: list[Layer], readers: Iterable[Layer], factor: Array) -> None:
    for layer in makers:
        weights[layer.kernel] = weights[layer.kernel] * (factor[:, None] if layer.depthwise else factor)
        weights[layer.bias] = weights[layer.bias] * factor
    for layer in readers:
        weights[layer.kernel] = weights[layer.kernel] / factor[:, None]


def _positive(values: Array) -> Array:
    """Return values with those of dead channels replaced, so that they are left alone behind a ReLU6 and elsewhere."""
    return np.where(values > 0, values, max(float(values.max()), _SIX)).astype(np.float32)
