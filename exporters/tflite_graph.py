"""The inventory of a TFLite file."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from exporters import flatbuffer
from exporters.steps import LOWEST, Entry, Inventory, Shape, Step, levels, multiplications

_WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_UNPACKING = ("DEQUANTIZE", "DENSIFY")
"""Operators between stored weights and the convolution that reads them."""


def read(data: bytes) -> Inventory:
    """Read the inventory; raises whatever a strange graph leads to."""
    return _Graph(flatbuffer.load(data)).inventory()


class _Graph:
    """Answer questions about the first subgraph."""

    def __init__(self, model: Any) -> None:
        self._model, self._graph = model, model.subgraphs[0]
        self._makers = {index: op for op in self._graph.operators for index in op.outputs}
        self._counted: set[int] = set()

    def inventory(self) -> Inventory:
        return Inventory(
            format="tflite",
            steps=tuple(self._step(operator) for operator in self._graph.operators),
            inputs=self._types(self._graph.inputs),
            outputs=self._types(self._graph.outputs),
            levels=levels(self._entry()),
            odd_zeros=tuple(self._odd_zeros()),
        )

    def _tensor(self, index: int) -> Any:
        if index < 0:
            raise IndexError(f"an operator reads tensor {index}")
        return self._graph.tensors[index]

    def _types(self, indices: Sequence[int]) -> dict[str, str]:
        tensors = [self._tensor(index) for index in indices]
        return {flatbuffer.tensor_name(one): flatbuffer.dtype_name(one) for one in tensors}

    def _step(self, operator: Any) -> Step:
        made = self._tensor(operator.outputs[0])
        op, layer = flatbuffer.op_name(self._model, operator), flatbuffer.tensor_name(made)
        activation, shape = flatbuffer.dtype_name(self._tensor(operator.inputs[0])), _shape(made)
        if op not in _WEIGHTED:
            return Step(op, layer, activation, shape=shape)
        index = self._stored(operator.inputs[1])
        kernel, first = self._tensor(index), index not in self._counted
        self._counted.add(index)
        held, size = flatbuffer.stored(self._model, kernel), math.prod(_sides(kernel))
        kind, macs = flatbuffer.dtype_name(kernel), multiplications(shape[1:-1], size) if shape else None
        if held is None or not first:
            return Step(op, layer, activation, kind, macs=macs, shape=shape)
        if held.size != size and kernel.sparsity is None:
            raise ValueError(f"{layer} has {held.size} weights, its kernel's shape says {size}")
        zeros = size - int(np.count_nonzero(held))
        biases = self._biases(operator.inputs)
        return Step(op, layer, activation, kind, held.nbytes, size, zeros, biases, macs, shape)

    def _odd_zeros(self) -> Iterator[str]:
        """Name outputs of ReLU6 and constants in int8 whose zero point is off."""
        for operator in self._graph.operators:
            if flatbuffer.op_name(self._model, operator) not in _WEIGHTED:
                continue
            made = self._tensor(operator.outputs[0])
            wanted = LOWEST if operator.builtinOptions.fusedActivationFunction in flatbuffer.clipping() else None
            if wanted is not None and flatbuffer.dtype_name(made) == "int8" and _zeros(made) - {wanted}:
                yield flatbuffer.tensor_name(made)
            for index in operator.inputs[1:]:
                if index >= 0 and _zeros(self._tensor(index)) - {0}:
                    yield flatbuffer.tensor_name(self._tensor(index))

    def _stored(self, index: int) -> int:
        """Return the tensor that lies in the file, behind what unpacks it."""
        for _ in self._graph.operators:
            maker = self._makers.get(index)
            if maker is None or flatbuffer.op_name(self._model, maker) not in _UNPACKING:
                break
            index = maker.inputs[0]
        return index

    def _biases(self, inputs: Sequence[int]) -> int:
        return math.prod(_sides(self._tensor(inputs[2]))) if len(inputs) > 2 and inputs[2] >= 0 else 0

    def _entry(self) -> list[Entry]:
        chain: list[Entry] = []
        for operator in self._graph.operators:
            op = flatbuffer.op_name(self._model, operator)
            source, made = self._tensor(operator.inputs[0]), self._tensor(operator.outputs[0])
            if op in ("SUB", "MUL"):
                value = flatbuffer.constant(self._model, self._tensor(operator.inputs[1]))
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


def _zeros(tensor: Any) -> set[int]:
    """Return the zero points of a tensor, none of one that is not quantized."""
    found = tensor.quantization
    return set() if found is None or found.zeroPoint is None else {int(zero) for zero in found.zeroPoint}


def _sides(tensor: Any) -> list[int]:
    return [] if tensor.shape is None else [int(side) for side in tensor.shape]


def _shape(tensor: Any) -> Shape | None:
    """Return a tensor's shape with its free sides, which the file marks in a second list, as None."""
    if tensor.shape is None:
        return None
    marked = tensor.shapeSignature
    sides = _sides(tensor) if marked is None or not len(marked) else [int(side) for side in marked]
    return tuple(side if side >= 0 else None for side in sides)
