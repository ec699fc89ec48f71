"""Rounding a folded network layer by layer, each layer on what the already rounded part gives it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.flow import Flow, Layer, stages
from melanoma_edge.compression.rounding import LEVELS, Array, Rounded, output_error, round_nearest, round_second_order
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent

_PATCHES = 20_000
"""Places at which a layer's inputs are looked at, over all images."""
_BIAS_STEPS = 4
_SIX = 6.0
_INPUT_LEVELS, _MOST_STEPS = 255, 2.0**29
"""Steps of an int8 input's range, and the largest bias in steps, a quarter of what int32 holds."""
_SMALL = 1e-3
"""Inputs are taken to reach at least this far."""


@dataclass(frozen=True)
class LayerError:
    """Compare the mean squared error of a layer's outputs after rounding to nearest and as it was rounded."""

    nearest: float
    reached: float


@dataclass(frozen=True, eq=False)
class Reconstruction:
    """Hold weights whose kernels lie on the int8 grid, the head's excepted, and each layer's error by its name."""

    weights: Weights
    errors: dict[str, LayerError]


def reconstruct(
    spec: NetworkSpec, weights: Weights, pixels: NDArray[np.uint8], seed: int = 0, progress: Progress = silent
) -> Reconstruction:
    """Round the kernels of a folded network so that the layers' outputs stay.

    Layer by layer, the kernel is rounded for the inputs that the already rounded network gives, its activations rounded
    to int8 as well; then the bias takes back what the mean of each output channel has moved from the float network's.

    Args:
        spec: the layout, folded.
        weights: of the folded network.
        pixels: uint8 ``[n, N, N, 3]``; labels are not needed.
        seed: of the places looked at.
        progress: told of layers done.
    """
    rounded, errors = dict(weights), dict[str, LayerError]()
    float_flow, int8_flow = Flow(weights, pixels, quantized=False), Flow(rounded, pixels, quantized=True)
    places = _Places(len(pixels), seed)
    todo = stages(spec)
    total = sum(len(stage.layers) for stage in todo)
    for stage in todo:
        for index, layer in enumerate(stage.layers):
            at = places.draw()
            inputs = [_grouped(flow.patches(stage, index, at), layer) for flow in (float_flow, int8_flow)]
            fitted = _fit(layer, weights, *inputs)
            rounded[layer.kernel], rounded[layer.bias], errors[layer.name] = fitted
            progress("rounding", len(errors), total)
        float_flow.advance(stage)
        int8_flow.advance(stage)
    return Reconstruction(rounded, errors)


def to_nearest(spec: NetworkSpec, weights: Weights) -> Reconstruction:
    """Round the kernels of a folded network to nearest and leave the biases; nothing is measured."""
    rounded = dict(weights)
    for layer in (layer for stage in stages(spec) for layer in stage.layers):
        kernel = weights[layer.kernel]
        rounded[layer.kernel] = _kernel(round_nearest(_kernel_groups(kernel, layer)), kernel.shape, layer)
    return Reconstruction(rounded, {})


class _Places:
    def __init__(self, images: int, seed: int) -> None:
        self._generator = np.random.default_rng(seed)
        self._shape = (images, -(-_PATCHES // images), 2)

    def draw(self) -> Array:
        """Return places for one layer, as shares of its output's sides."""
        return self._generator.random(self._shape)


def _fit(
    layer: Layer, weights: Weights, expected: Array, inputs: Array
) -> tuple[NDArray[np.float32], NDArray[np.float32], LayerError]:
    """Return kernel, bias and error of a layer that sees ``inputs`` where the float one saw ``expected``."""
    kernel, bias = weights[layer.kernel], weights[layer.bias].astype(np.float64)
    wanted = _with_room(_kernel_groups(kernel, layer), bias, float(np.abs(inputs).max()))
    centred = inputs - inputs.mean(axis=1, keepdims=True)  # the bias takes care of the mean
    covariance = centred.transpose(0, 2, 1) @ centred / inputs.shape[1]
    found = round_second_order(wanted, covariance)
    error = LayerError(output_error(wanted, round_nearest(wanted), covariance), output_error(wanted, found, covariance))
    before, after = _outputs(expected, wanted), _outputs(inputs, found.values.astype(np.float64))
    fitted = _fitted_bias(bias, before, after, layer.relu).astype(np.float32)
    return _kernel(found, kernel.shape, layer), fitted, error


def _with_room(wanted: Array, bias: Array, reach: float) -> Array:
    """Return kernels whose grids leave room for the biases.

    An int8 file counts a bias in steps of input times kernel, in int32. Next to a kernel that is all but zero these
    are so small that the bias of a dead channel, a constant, would not fit. There one weight is raised, be it zero, by
    which the output changes by less than 1e-4 of the bias. ``reach`` is the inputs' largest size: their step is at
    least 1 / 255 of it.
    """
    least = LEVELS * np.abs(bias).reshape(wanted.shape[0], -1) * _INPUT_LEVELS / (max(reach, _SMALL) * _MOST_STEPS)
    largest = np.abs(wanted).argmax(axis=1)[:, None, :]
    weight = np.take_along_axis(wanted, largest, axis=1)
    raised = np.where(np.abs(weight) < least[:, None, :], np.copysign(least[:, None, :], weight), weight)
    roomy = wanted.copy()
    np.put_along_axis(roomy, largest, raised, axis=1)
    return roomy


def _outputs(inputs: Array, kernel: Array) -> Array:
    """Return what a layer without bias answers, ``[n, channels]``."""
    return np.asarray((inputs @ kernel).transpose(1, 0, 2).reshape(inputs.shape[1], -1))


def _fitted_bias(bias: Array, before: Array, after: Array, relu: bool) -> Array:
    """Return the bias with which the mean of each output, behind its ReLU6, is that of the float network."""
    if not relu:
        return np.asarray(bias + before.mean(axis=0) - after.mean(axis=0))
    goal = np.clip(before + bias, 0, _SIX).mean(axis=0)
    fitted = bias + before.mean(axis=0) - after.mean(axis=0)
    for _ in range(_BIAS_STEPS):
        fitted = fitted + goal - np.clip(after + fitted, 0, _SIX).mean(axis=0)
    return np.asarray(fitted)


def _kernel_groups(kernel: NDArray[np.float32], layer: Layer) -> Array:
    if layer.depthwise:
        return kernel.reshape(layer.size**2, -1, 1).transpose(1, 0, 2).astype(np.float64)
    return kernel.reshape(1, -1, kernel.shape[-1]).astype(np.float64)


def _kernel(rounded: Rounded, shape: tuple[int, ...], layer: Layer) -> NDArray[np.float32]:
    values = rounded.values.transpose(1, 0, 2) if layer.depthwise else rounded.values
    return np.ascontiguousarray(values.reshape(shape))


def _grouped(patches: NDArray[np.float32], layer: Layer) -> Array:
    """Return patches ``[n, taps, channels]`` as inputs of each group: ``[groups, n, inputs]``."""
    if layer.depthwise:
        return patches.transpose(2, 0, 1).astype(np.float64)
    return patches.reshape(1, len(patches), -1).astype(np.float64)
