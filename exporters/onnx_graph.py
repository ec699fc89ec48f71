"""The inventory of an ONNX file."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from exporters.steps import LOWEST, Entry, Inventory, Shape, Step, levels, multiplications
from melanoma_edge.errors import ExportError
from melanoma_edge.runtime.base import INPUT, require

_WEIGHTS, _BIAS = {"Conv": 1, "FusedConv": 1, "QLinearConv": 3}, {"Conv": 2, "FusedConv": 2, "QLinearConv": 8}
_INTEGER = ("QLinearConv", "QLinearAdd")
"""Where convolutions have weights and biases; operators whose third input is the zero point of their first."""
_RESULT = 7
"""Where a QLinearConv has the zero point of its output."""


def read(data: bytes) -> Inventory:
    """Read the inventory.

    Raises:
        ExportError: when the bytes are no ONNX file; or whatever a strange graph leads to.
    """
    onnx = require("onnx", "onnx")
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # protobuf's own exception
        raise ExportError(f"not a readable ONNX file: {error}", fix="report this with the log") from error
    return listed(onnx, model, "onnx", _shapes(onnx, model))


def listed(onnx: Any, model: Any, format_name: str, shapes: dict[str, Shape]) -> Inventory:
    """Return the inventory of a graph whose tensors have ``shapes``, under the name of the format it came from."""
    return _Graph(onnx, model, shapes).inventory(format_name)


def _shapes(onnx: Any, model: Any) -> dict[str, Shape]:
    """Return the shapes that can be inferred, by tensor; none of a graph that contradicts itself."""
    try:
        graph = onnx.shape_inference.infer_shapes(model).graph
    except Exception:  # onnx raises what its C++ side gives; a shape is then unknown, which the census says
        return {}
    known = [value for value in (*graph.value_info, *graph.output) if value.type.tensor_type.HasField("shape")]
    return {value.name: tuple(map(_side, value.type.tensor_type.shape.dim)) for value in known}


def _side(dimension: Any) -> int | None:
    return int(dimension.dim_value) if dimension.HasField("dim_value") else None


class _Graph:
    """Answer questions about types in a QDQ graph, where int8 operators look like float ones between two casts."""

    def __init__(self, onnx: Any, model: Any, shapes: dict[str, Shape]) -> None:
        graph = model.graph
        self._onnx, self._graph, self._shapes = onnx, graph, shapes
        self._constants = {constant.name: constant for constant in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        self._counted: set[str] = set()

    def inventory(self, format_name: str) -> Inventory:
        return Inventory(
            format=format_name,
            steps=tuple(self._step(node) for node in self._graph.node),
            inputs=self._types(self._graph.input),
            outputs=self._types(self._graph.output),
            levels=levels(self._entry()),
            odd_zeros=tuple(self._odd_zeros()),
        )

    def _odd_zeros(self) -> Iterator[str]:
        """Name int8 outputs of ReLU6 and int8 constants whose zero point is off."""
        for node in self._graph.node:
            if node.op_type not in ("QuantizeLinear", "DequantizeLinear") or len(node.input) < 3:
                continue
            zero = self._constants.get(node.input[2])
            if zero is None or self._type_name(zero.data_type) != "int8":
                continue
            zeros = {int(one) for one in self._onnx.numpy_helper.to_array(zero).ravel()}
            maker = self._makers.get(node.input[0])
            if node.op_type == "QuantizeLinear" and maker is not None and maker.op_type in ("Clip", "Relu"):
                if zeros - {LOWEST}:
                    yield str(maker.input[0])
            elif node.op_type == "DequantizeLinear" and node.input[0] in self._constants and zeros - {0}:
                yield str(node.input[0])

    def _types(self, tensors: Any) -> dict[str, str]:
        return {tensor.name: self._type_name(tensor.type.tensor_type.elem_type) for tensor in tensors}

    def _type_name(self, number: int) -> str:
        return str(np.dtype(self._onnx.helper.tensor_dtype_to_np_dtype(number)).name)

    def _step(self, node: Any) -> Step:
        op = f"{node.domain}:{node.op_type}" if node.domain else node.op_type
        activation, shape = self._activation(node), self._shapes.get(node.output[0])
        if node.op_type not in _WEIGHTS:
            return Step(op, node.name, activation, shape=shape)
        constant = self._stored(node.input[_WEIGHTS[node.op_type]])
        if constant is None:
            return Step(op, node.name, activation, "computed", macs=None, shape=shape)
        values, kind = self._onnx.numpy_helper.to_array(constant), self._type_name(constant.data_type)
        macs = multiplications(shape[2:], int(values.size)) if shape else None
        if constant.name in self._counted:
            return Step(op, node.name, activation, kind, macs=macs, shape=shape)
        self._counted.add(constant.name)
        zeros = int(values.size - np.count_nonzero(values))
        biases = self._biases(node)
        return Step(op, node.name, activation, kind, int(values.nbytes), int(values.size), zeros, biases, macs, shape)

    def _biases(self, node: Any) -> int:
        place = _BIAS[node.op_type]
        constant = self._stored(node.input[place]) if len(node.input) > place else None
        return 0 if constant is None else math.prod(constant.dims)

    def _activation(self, node: Any) -> str:
        """Return int8 only where all inputs come from int8 and the output goes to int8; that is what runtimes fuse."""
        if node.op_type in _INTEGER:
            return self._type_of(node.input[2])
        both = 2 if node.op_type in ("Conv", "Add") else 1
        if node.op_type == "MaxPool" and (maker := self._makers.get(node.input[0])) and maker.op_type == "QLinearConv":
            return self._type_of(maker.input[_RESULT])
        makers = [maker for name in node.input[:both] if (maker := self._makers.get(name)) is not None]
        opened = len(makers) == both and all(maker.op_type == "DequantizeLinear" for maker in makers)
        return self._type_of(makers[0].input[2]) if opened and self._quantized(node.output[0]) else "float32"

    def _quantized(self, name: str) -> bool:
        readers = self._readers.get(name, [])
        if len(readers) == 1 and readers[0].op_type in ("Clip", "Relu"):
            readers = self._readers.get(readers[0].output[0], [])
        return bool(readers) and all(reader.op_type == "QuantizeLinear" for reader in readers)

    def _stored(self, name: str) -> Any:
        """Return the constant as it lies in the file, behind the cast or dequantization that unpacks it, or None."""
        maker = self._makers.get(name)
        return self._constants.get(maker.input[0] if maker is not None else name)

    def _type_of(self, name: str) -> str:
        return self._type_name(self._constants[name].data_type)

    def _entry(self) -> list[Entry]:
        """Return the operations between the input and the first one that looks at more than one pixel."""
        chain: list[Entry] = []
        name = INPUT
        # A forged graph may run in a circle, so there are never more steps than nodes.
        while len(chain) < len(self._graph.node) and (reader := self._readers.get(name, [None])[0]) is not None:
            numbers = [self._number(given) for given in reader.input[1:]]
            if reader.op_type in ("Sub", "Mul"):
                chain.append(("subtract" if reader.op_type == "Sub" else "multiply", (numbers[0],)))
            elif reader.op_type == "DequantizeLinear":
                chain.append(("dequantize", (numbers[0], numbers[1])))
            elif reader.op_type == "QuantizeLinear":
                chain.append(("quantize", (numbers[0], numbers[1], self._type_of(reader.input[2]))))
            else:
                break
            name = reader.output[0]
        return chain

    def _number(self, name: str) -> Any:
        constant = self._constants.get(name)
        values = None if constant is None else self._onnx.numpy_helper.to_array(constant)
        return values.item() if values is not None and values.size == 1 else None
