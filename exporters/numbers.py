"""The integers, scales and zero points of a quantized file, so that files of two formats can be held side by side.

A TFLite file names its tensors after layers; an ONNX file holds the same numbers in front of DequantizeLinear and
QuantizeLinear. Both are read into one form, by layer and with one layout.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporters import flatbuffer
from melanoma_edge.runtime.base import INPUT, require

_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D", "Conv")
_PLAIN = {"ADD": "add", "Add": "add", "PAD": "pad", "Pad": "pad"}
_PASSED = ("QUANTIZE", "QuantizeLinear", "DequantizeLinear", "Clip", "Relu", "Transpose")
"""Operators that round, clip or turn what another one made."""
_FROM_ONNX, _FROM_DEPTHWISE = (0, 2, 3, 1), (3, 1, 2, 0)


@dataclass(frozen=True, eq=False)
class Constant:
    """Hold a constant's integers, weights as ``[out, height, width, in]``, with one scale and zero point a channel."""

    integers: NDArray[Any]
    scales: NDArray[np.float32]
    zeros: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Numbers:
    """Hold what a file is quantized with.

    ``weights`` and ``biases`` are by layer. ``activations`` are scale and zero point by what makes the values: a layer,
    ``add 0`` or ``pad 2`` in their order, ``image`` for pixels as they come and ``scaled`` for pixels after scaling.
    """

    weights: dict[str, Constant] = field(default_factory=dict)
    biases: dict[str, Constant] = field(default_factory=dict)
    activations: dict[str, tuple[float, int]] = field(default_factory=dict)


@dataclass(frozen=True)
class Agreement:
    """Count tensors that are equal in two files, to the last bit; ``different`` names the others."""

    what: str
    tensors: int
    equal: int
    different: tuple[str, ...]


def read_numbers(data: bytes, format_name: str) -> Numbers:
    """Read the numbers of a ``tflite`` or ``onnx`` file; float constants and activations are left out."""
    return _tflite(data) if format_name == "tflite" else _onnx(data)


def agreement(one: Numbers, other: Numbers) -> tuple[Agreement, ...]:
    """Compare two files number by number; a tensor that only one of them has is different."""
    kinds: tuple[tuple[str, str, Callable[[Any], Any]], ...] = (
        ("weight integers", "weights", lambda found: found.integers),
        ("weight scales", "weights", lambda found: found.scales),
        ("weight zero points", "weights", lambda found: found.zeros),
        ("bias integers", "biases", lambda found: found.integers),
        ("bias scales", "biases", lambda found: found.scales),
        ("activation scales", "activations", lambda found: np.float32(found[0])),
        ("activation zero points", "activations", lambda found: found[1]),
    )
    return tuple(_agreement(what, getattr(one, kind), getattr(other, kind), part) for what, kind, part in kinds)


def _agreement(what: str, one: dict[str, Any], other: dict[str, Any], part: Callable[[Any], Any]) -> Agreement:
    names = dict.fromkeys([*one, *other])
    different = [
        name
        for name in names
        if name not in one or name not in other or not np.array_equal(part(one[name]), part(other[name]))
    ]
    return Agreement(what, len(names), len(names) - len(different), tuple(different))


class _Reader:
    """Collect numbers operator by operator; activations are named alike in both formats."""

    def __init__(self) -> None:
        self.found = Numbers()
        self._counts: Counter[str] = Counter()

    def activation(self, op: str, layer: str, scale: float, zero: int) -> None:
        name = layer if op in _CONVOLUTIONS else _PLAIN.get(op, "scaled")
        if op in _PLAIN:
            name = f"{name} {self._counts[name]}"
            self._counts[_PLAIN[op]] += 1
        while name in self.found.activations:  # rounded once more, to another grid
            name += " again"
        self.found.activations[name] = (scale, zero)


def _tflite(data: bytes) -> Numbers:
    model, reader = flatbuffer.load(data), _Reader()
    graph = model.subgraphs[0]
    makers = {index: op for op in graph.operators for index in op.outputs}
    image = graph.tensors[graph.inputs[0]]
    if pixels := flatbuffer.scale_and_zero(image):
        reader.found.activations["image"] = pixels
    for operator in graph.operators:
        op, made = flatbuffer.op_name(model, operator), operator.outputs[0]
        layer = flatbuffer.tensor_name(graph.tensors[made])
        if op in _CONVOLUTIONS:
            weights, bias = (_tflite_constant(model, graph.tensors[index]) for index in operator.inputs[1:3])
            _keep(reader.found.weights, layer, weights, _FROM_DEPTHWISE if op.startswith("DEPTHWISE") else None)
            _keep(reader.found.biases, layer, bias)
        if quantized := flatbuffer.scale_and_zero(graph.tensors[made]):
            source = operator
            while flatbuffer.op_name(model, source) in _PASSED and source.inputs[0] in makers:
                source = makers[source.inputs[0]]
            layer = flatbuffer.tensor_name(graph.tensors[source.outputs[0]])
            reader.activation(flatbuffer.op_name(model, source), layer, *quantized)
    return reader.found


def _tflite_constant(model: Any, tensor: Any) -> Constant | None:
    values, how = flatbuffer.constant(model, tensor), tensor.quantization
    if values is None or values.dtype.kind != "i" or how is None or how.scale is None:
        return None
    return Constant(values, np.asarray(how.scale, np.float32), np.asarray(how.zeroPoint, np.int64))


def _keep(place: dict[str, Constant], layer: str, found: Constant | None, turn: tuple[int, ...] | None = None) -> None:
    if found is not None:
        integers = found.integers.transpose(turn) if turn else found.integers
        place[layer] = Constant(integers, found.scales, found.zeros)


def _onnx(data: bytes) -> Numbers:
    onnx = require("onnx", "onnx")
    graph, reader = onnx.load_from_string(data).graph, _Reader()
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    makers = {name: node for node in graph.node for name in node.output}
    for node in graph.node:
        if node.op_type == "Conv":
            weights, bias = (_onnx_constant(constants, makers.get(name)) for name in node.input[1:3])
            _keep(reader.found.weights, node.name, weights, _FROM_ONNX)
            _keep(reader.found.biases, node.name, bias)
        elif node.op_type == "DequantizeLinear" and node.input[0] == INPUT:
            reader.found.activations["image"] = _onnx_scale(constants, node)
        elif node.op_type == "QuantizeLinear":
            source = node
            while source.op_type in _PASSED and source.input[0] in makers:
                source = makers[source.input[0]]
            reader.activation(source.op_type, source.name, *_onnx_scale(constants, node))
    return reader.found


def _onnx_constant(constants: dict[str, NDArray[Any]], opened: Any) -> Constant | None:
    if opened is None or opened.op_type != "DequantizeLinear":
        return None
    integers, scales, zeros = (np.atleast_1d(constants[name]) for name in opened.input)
    return Constant(integers, scales.astype(np.float32), zeros.astype(np.int64))


def _onnx_scale(constants: dict[str, NDArray[Any]], node: Any) -> tuple[float, int]:
    return float(constants[node.input[1]]), int(constants[node.input[2]])
