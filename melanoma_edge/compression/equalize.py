"""Channels made alike before rounding: what a channel gains, the layer behind it takes back.

All channels of a tensor share one int8 step. A channel that uses a small part of the range is rounded coarsely, so it
is scaled up where that changes nothing (Nagel et al. 2019, "Data-Free Quantization Through Weight Equalization and Bias
Correction"): behind a ReLU6 only as far as it stays below 6, in linear outputs freely.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.flow import Flow, Layer, Stage, stages
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights

Array = NDArray[np.float32]
MOST = 8.0
"""The largest factor: more would only lift noise."""
_SIX, _HEADROOM = 6.0, 1.15
"""Behind a ReLU6 a channel's largest value on the images stays this factor below 6."""
_STRENGTH = 0.5
"""Exponent of linear channels' factors; 1 would make all of them equally large, at the cost of the weights behind."""


def equalize(spec: NetworkSpec, weights: Weights, pixels: NDArray[np.uint8]) -> Weights:
    """Return weights of the same function whose channels are more alike; the head is left alone.

    Args:
        spec: the layout, folded.
        weights: of the folded network.
        pixels: uint8 ``[n, N, N, 3]``, on which channels are measured.
    """
    todo, equal = stages(spec), dict(weights)
    inside, ends = _largest(weights, todo, pixels)
    layers = [layer for stage in todo for layer in stage.layers]
    for layer, behind in pairwise(layers):
        if layer.relu:
            factor = np.clip(_SIX / _HEADROOM / _positive(inside[layer.name]), 1, MOST)
            _scale(equal, [layer], [behind], factor)
    for stream, behind_it in _streams(todo):
        peak = np.max([ends[name] for stage in stream for name in (stage.layers[-1].name, stage.add) if name], axis=0)
        factor = np.clip((peak.max() / _positive(peak)) ** _STRENGTH, 1, MOST)
        _scale(equal, [stage.layers[-1] for stage in stream], behind_it, factor)
    return equal


def _largest(
    weights: Weights, todo: tuple[Stage, ...], pixels: NDArray[np.uint8]
) -> tuple[dict[str, Array], dict[str, Array]]:
    """Return the largest size of each channel, of layers' outputs and of what lies between stages."""
    flow = Flow(weights, pixels, quantized=False)
    inside: dict[str, Array] = {}
    ends: dict[str, Array] = {}
    for stage in todo:
        inside.update(flow.largest(stage))
        last = stage.layers[-1].name
        ends[last] = inside[last]
        flow.advance(stage)
        if stage.add:
            ends[stage.add] = flow.largest_here()
    return inside, ends


def _streams(todo: tuple[Stage, ...]) -> Iterator[tuple[list[Stage], list[Layer]]]:
    """Yield linear outputs that additions tie together, with the layers that read them."""
    for index, stage in enumerate(todo[:-1]):
        if stage.layers[-1].relu or stage.add:
            continue
        stream, readers = [stage], [todo[index + 1].layers[0]]
        for place in range(index + 1, len(todo)):
            if not todo[place].add:
                break
            stream.append(todo[place])
            readers += [todo[place + 1].layers[0]] if place + 1 < len(todo) else []
        yield stream, readers


def _scale(weights: Weights, makers: list[Layer], readers: list[Layer], factor: Array) -> None:
    for layer in makers:
        weights[layer.kernel] = weights[layer.kernel] * (factor[:, None] if layer.depthwise else factor)
        weights[layer.bias] = weights[layer.bias] * factor
    for layer in readers:
        weights[layer.kernel] = weights[layer.kernel] / factor[:, None]


def _positive(values: Array) -> Array:
    """Return values with those of dead channels replaced, so that they are left alone behind a ReLU6 and elsewhere."""
    return np.where(values > 0, values, max(float(values.max()), _SIX)).astype(np.float32)
