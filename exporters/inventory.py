"""What is inside a written file, read back from its bytes: operators, types, sizes, and how pixels enter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporters import flatbuffer
from melanoma_edge.errors import ExportError
from melanoma_edge.runtime.base import INPUT, require

_BYTES = 256


@dataclass(frozen=True)
class Step:
    """Describe one operator. ``activation`` and ``weights`` are dtypes; ``weights`` is empty where there are none."""

    op: str
    layer: str
    activation: str
    weights: str = ""
    weight_bytes: int = 0


@dataclass(frozen=True)
class CensusRow:
    """Count operators of one kind and type."""

    op: str
    activation: str
    weights: str
    count: int
    weight_bytes: int


@dataclass(frozen=True)
class Inventory:
    """Describe a file. ``levels`` counts how many of the 256 input bytes stay distinct when they enter the network."""

    format: str
    steps: tuple[Step, ...]
    inputs: dict[str, str]
    outputs: dict[str, str]
    levels: int

    def census(self) -> tuple[CensusRow, ...]:
        """Return operators counted by kind and types, sorted."""
        groups: dict[tuple[str, str, str], list[int]] = {}
        for step in self.steps:
            groups.setdefault((step.op, step.activation, step.weights), []).append(step.weight_bytes)
        return tuple(CensusRow(*key, len(sizes), sum(sizes)) for key, sizes in sorted(groups.items()))


def take(data: bytes, format_name: str) -> Inventory:
    """Read a file's inventory.

    Args:
        data: the file.
        format_name: ``tflite`` or ``onnx``.

    Raises:
        ExportError: when the file cannot be read.
    """
    return _tflite(data) if format_name == "tflite" else _onnx(data)


# How a byte enters: (operation, values). A dequantization followed by a quantization is a requantization.
_Entry = tuple[str, tuple[Any, ...]]


def _levels(chain: Sequence[_Entry]) -> int:
    """Send all bytes through the first operations, in float32 as the runtimes do, and count what stays distinct."""
    values: NDArray[Any] = np.arange(_BYTES, dtype=np.float32)
    for operation, numbers in chain:
        if operation == "subtract":
            values = values - np.float32(numbers[0])
        elif operation == "multiply":
            values = values * np.float32(numbers[0])
        elif operation == "dequantize":
            values = (values - np.float32(numbers[1])) * np.float32(numbers[0])
        else:
            scale, zero, kind = numbers
            limits = np.iinfo(kind)
            values = np.clip(np.rint(values / np.float32(scale)) + zero, limits.min, limits.max).astype(np.float32)
    return len(np.unique(values))


def _tflite(data: bytes) -> Inventory:
    model = flatbuffer.load(data)
    graph = model.subgraphs[0]
    tensors = graph.tensors
    makers = {index: op for op in graph.operators for index in op.outputs}

    def names(indices: Sequence[int]) -> dict[str, str]:
        return {flatbuffer.tensor_name(tensors[i]): flatbuffer.dtype_name(tensors[i]) for i in indices}

    return Inventory(
        format="tflite",
        steps=tuple(_tflite_step(model, makers, operator) for operator in graph.operators),
        inputs=names(graph.inputs),
        outputs=names(graph.outputs),
        levels=_levels(_tflite_entry(model)),
    )


def _tflite_step(model: Any, makers: dict[int, Any], operator: Any) -> Step:
    tensors = model.subgraphs[0].tensors
    op = flatbuffer.op_name(model, operator)
    layer = flatbuffer.tensor_name(tensors[operator.outputs[0]])
    activation = flatbuffer.dtype_name(tensors[operator.inputs[0]])
    if op not in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        return Step(op, layer, activation)
    index = operator.inputs[1]
    if index in makers and flatbuffer.op_name(model, makers[index]) == "DEQUANTIZE":
        index = makers[index].inputs[0]
    stored = flatbuffer.constant(model, tensors[index])
    return Step(op, layer, activation, flatbuffer.dtype_name(tensors[index]), 0 if stored is None else stored.nbytes)


def _tflite_entry(model: Any) -> list[_Entry]:
    graph = model.subgraphs[0]
    chain: list[_Entry] = []
    for operator in graph.operators:
        op = flatbuffer.op_name(model, operator)
        source, made = graph.tensors[operator.inputs[0]], graph.tensors[operator.outputs[0]]
        if op in ("SUB", "MUL"):
            value = flatbuffer.constant(model, graph.tensors[operator.inputs[1]])
            if value is None:
                break
            chain.append(("subtract" if op == "SUB" else "multiply", (value.item(),)))
        elif op == "QUANTIZE":
            before, after = flatbuffer.scale_and_zero(source), flatbuffer.scale_and_zero(made)
            if before:
                chain.append(("dequantize", before))
            if after:
                chain.append(("quantize", (*after, flatbuffer.dtype_name(made))))
        else:
            break
    return chain


def _onnx(data: bytes) -> Inventory:
    onnx = require("onnx", "onnx")
    try:
        model = onnx.load_from_string(data)
    except Exception as error:  # protobuf's own exception
        raise ExportError(f"not a readable ONNX file: {error}", fix="report this with the log") from error
    graph = _OnnxGraph(onnx, model.graph)
    return Inventory(
        format="onnx",
        steps=tuple(graph.step(node) for node in model.graph.node),
        inputs={tensor.name: graph.type_name(tensor.type.tensor_type.elem_type) for tensor in model.graph.input},
        outputs={tensor.name: graph.type_name(tensor.type.tensor_type.elem_type) for tensor in model.graph.output},
        levels=_levels(graph.entry()),
    )


class _OnnxGraph:
    """Answer questions about types in a QDQ graph, where int8 operators look like float ones between two casts."""

    def __init__(self, onnx: Any, graph: Any) -> None:
        self._onnx = onnx
        self._nodes = graph.node
        self._constants = {constant.name: constant for constant in graph.initializer}
        self._makers = {name: node for node in graph.node for name in node.output}
        self._readers: dict[str, list[Any]] = {}
        for node in graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)

    def type_name(self, number: int) -> str:
        return str(np.dtype(self._onnx.helper.tensor_dtype_to_np_dtype(number)).name)

    def step(self, node: Any) -> Step:
        op = f"{node.domain}:{node.op_type}" if node.domain else node.op_type
        if node.op_type != "Conv":
            return Step(op, node.name, self._activation(node))
        stored, kind = self._stored(node.input[1])
        return Step(op, node.name, self._activation(node), kind, stored)

    def _activation(self, node: Any) -> str:
        """Return int8 only where the input comes from int8 and the output goes to int8; that is what runtimes fuse."""
        maker = self._makers.get(node.input[0])
        if maker is None or maker.op_type != "DequantizeLinear" or not self._quantized(node.output[0]):
            return "float32"
        return self._type_of(maker.input[2])

    def _quantized(self, name: str) -> bool:
        readers = self._readers.get(name, [])
        if len(readers) == 1 and readers[0].op_type in ("Clip", "Relu"):
            readers = self._readers.get(readers[0].output[0], [])
        return bool(readers) and all(reader.op_type == "QuantizeLinear" for reader in readers)

    def _stored(self, name: str) -> tuple[int, str]:
        """Return size and dtype of weights as they lie in the file."""
        maker = self._makers.get(name)
        constant = self._constants.get(maker.input[0] if maker is not None else name)
        if constant is None:
            return 0, "computed"
        return int(self._onnx.numpy_helper.to_array(constant).nbytes), self.type_name(constant.data_type)

    def _type_of(self, name: str) -> str:
        return self.type_name(self._constants[name].data_type)

    def entry(self) -> list[_Entry]:
        """Return the operations between the input and the first one that looks at more than one pixel."""
        chain: list[_Entry] = []
        name = INPUT
        while (reader := self._readers.get(name, [None])[0]) is not None:
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
