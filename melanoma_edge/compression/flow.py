"""Images flowing through a folded network layer by layer, so that each layer's inputs can be looked at.

What lies between two blocks is kept for all images, because it is small; what lies inside a block is computed again
when it is needed.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.fold import KERNELS
from melanoma_edge.model.classifier import scaled
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights

Array = NDArray[np.float32]
_CHUNK = 32
_INPUT_RANGE = (-128 / 127.5, 127 / 127.5)


@dataclass(frozen=True, eq=False)
class Extremes:
    """Hold the smallest and the largest value of each channel."""

    low: Array
    high: Array

    @classmethod
    def of(cls, values: Array) -> Extremes:
        """Measure ``[n, h, w, channels]``."""
        return cls(values.min(axis=(0, 1, 2)), values.max(axis=(0, 1, 2)))

    def joined(self, other: Extremes) -> Extremes:
        """Return the extremes of both."""
        return Extremes(np.minimum(self.low, other.low), np.maximum(self.high, other.high))

    @property
    def middle(self) -> Array:
        """Halfway between both ends."""
        return (self.low + self.high) * np.float32(0.5)

    def peak(self, centre: Array) -> Array:
        """Return the largest distance from ``centre``."""
        return np.asarray(np.maximum(self.high - centre, centre - self.low))


@dataclass(frozen=True)
class Layer:
    """Describe one convolution of a folded network: its name, and what surrounds its kernel."""

    name: str
    depthwise: bool
    size: int
    stride: int
    relu: bool

    @property
    def kernel(self) -> str:
        """The kernel's name among the weights."""
        return f"{self.name}/{KERNELS[self.depthwise]}"

    @property
    def bias(self) -> str:
        """The bias' name among the weights."""
        return f"{self.name}/bias"


@dataclass(frozen=True)
class Stage:
    """Name the layers between two places where all images are kept. ``add`` names a residual addition or is empty."""

    layers: tuple[Layer, ...]
    add: str = ""


def stages(spec: NetworkSpec) -> tuple[Stage, ...]:
    """Lay a network out in stages, the head left out; the stem belongs to the first block, as its output is large."""
    found = []
    linear = spec.family == "mobilenet_v2"
    for index, block in enumerate(spec.blocks):
        name = f"block_{index}"
        layers = [Layer("stem", False, 3, 2, True)] if index == 0 else []
        if block.expand:
            layers.append(Layer(f"{name}_expand", False, 1, 1, True))
        layers.append(Layer(f"{name}_depthwise", True, 3, block.stride, True))
        layers.append(Layer(f"{name}_project", False, 1, 1, not linear))
        found.append(Stage(tuple(layers), f"{name}_add" if block.residual else ""))
    if spec.last:
        found.append(Stage((Layer("last", False, 1, 1, True),)))
    return tuple(found)


class Flow:
    """Hold what all images are at one place of a network.

    Args:
        weights: of the folded network; looked at anew in every call, so that they may change on the way.
        pixels: uint8 ``[n, N, N, 3]``.
        quantized: whether activations are rounded to int8 between the extremes found, as in an exported file.
    """

    def __init__(self, weights: Weights, pixels: NDArray[np.uint8], quantized: bool) -> None:
        self._tf, _ = load_tensorflow()
        self._weights, self._quantized = weights, quantized
        self._here: list[Array] = [np.asarray(scaled(part.astype(np.float32))) for part in _chunks(pixels)]
        if quantized:
            self._here = [self._rounded(part, _INPUT_RANGE) for part in self._here]
        self._ranges: dict[str, tuple[float, float]] = {}

    def patches(self, stage: Stage, index: int, places: NDArray[np.float64]) -> Array:
        """Return what a layer's kernel sees at chosen places.

        Args:
            stage: the stage that begins here.
            index: of the layer in the stage.
            places: row and column of each patch as shares 0..1 of the output, ``[n, patches per image, 2]``.

        Returns:
            float32 ``[patches, size * size, channels]``.
        """
        layer, before = stage.layers[index], stage.layers[:index]
        parts, low, high = [], np.inf, -np.inf
        start = 0
        for x in self._through(before):
            parts.append(_gather(x, layer, places[start : start + len(x)]))
            low, high = min(low, x.min()), max(high, x.max())
            start += len(x)
        found = np.concatenate(parts)
        if not before or not self._quantized:
            return found
        self._ranges[before[-1].name] = (float(low), float(high))
        return self._rounded(found, self._ranges[before[-1].name])

    def advance(self, stage: Stage) -> None:
        """Move all images to the end of a stage."""
        made = self._settled(list(self._through(stage.layers)))
        if stage.add:
            made = self._settled([a + b for a, b in zip(self._here, made, strict=True)])
        self._here = made

    def extremes(self, stage: Stage) -> dict[str, Extremes]:
        """Return what each channel of each layer's output reaches, by the layer's name."""
        found: dict[str, Extremes] = {}
        for part in self._here:
            x: Any = part
            for layer in stage.layers:
                x = self._convolved(x, layer)
                reached = Extremes.of(np.asarray(x))
                found[layer.name] = found.get(layer.name, reached).joined(reached)
        return found

    def extremes_here(self) -> Extremes:
        """Return what each channel reaches at this place."""
        return reduce(Extremes.joined, map(Extremes.of, self._here))

    def here(self) -> Array:
        """Return all images at this place, float32 ``[n, h, w, channels]``."""
        return np.concatenate(self._here)

    def _settled(self, parts: list[Array]) -> list[Array]:
        if not self._quantized:
            return parts
        extremes = min(part.min() for part in parts), max(part.max() for part in parts)
        return [self._rounded(part, extremes) for part in parts]

    def _through(self, layers: tuple[Layer, ...]) -> Iterator[Array]:
        for part in self._here:
            x = part
            for layer in layers:
                x = self._convolved(x, layer)
                if layer is not layers[-1] and layer.name in self._ranges:
                    x = self._rounded(x, self._ranges[layer.name])
            yield np.asarray(x)

    def _convolved(self, x: Any, layer: Layer) -> Any:
        tf, strides = self._tf, [1, layer.stride, layer.stride, 1]
        edge = [layer.size // 2] * 2
        compute = tf.nn.depthwise_conv2d if layer.depthwise else tf.nn.conv2d
        made = compute(x, self._weights[layer.kernel], strides, [[0, 0], edge, edge, [0, 0]])
        made = tf.nn.bias_add(made, self._weights[layer.bias])
        return tf.nn.relu6(made) if layer.relu else made

    def _rounded(self, x: Any, extremes: tuple[float, float]) -> Array:
        low, high = min(float(extremes[0]), 0.0), max(float(extremes[1]), 1e-6)
        return np.asarray(self._tf.quantization.fake_quant_with_min_max_args(x, low, high))


def _chunks(pixels: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    for start in range(0, len(pixels), _CHUNK):
        yield pixels[start : start + _CHUNK]


def _gather(x: Array, layer: Layer, places: NDArray[np.float64]) -> Array:
    edge = layer.size // 2
    padded = np.pad(x, ((0, 0), (edge, edge), (edge, edge), (0, 0)))
    sides = np.array([-(-side // layer.stride) for side in x.shape[1:3]])
    corner = (places * sides).astype(np.int64) * layer.stride
    image = np.arange(len(x))[:, None]
    taps = [(i, j) for i in range(layer.size) for j in range(layer.size)]
    seen = [padded[image, corner[..., 0] + i, corner[..., 1] + j] for i, j in taps]
    return np.stack(seen, axis=2).reshape(-1, len(taps), x.shape[3])
