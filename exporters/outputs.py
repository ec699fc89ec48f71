"""Further outputs beside the probabilities: pooled features, and a class activation map.

Both are read off the float tail that every precision has, after quantization, so that the operators that make the
probabilities, and their numbers, are those of the file without further outputs. The map costs one more 1x1 convolution
that shares the head's weights. It is exact because the head is linear and follows an average: Zhou et al. 2016,
"Learning Deep Features for Discriminative Localization".
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import numpy as np

from exporters import flatbuffer
from melanoma_edge.errors import ExportError, UsageError, named
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.runtime.artifact import FREE
from melanoma_edge.runtime.base import CAM, EMBEDDING, OUTPUT

EXTRAS = (EMBEDDING, CAM)
"""The outputs that may be asked for, in the order in which they follow the probabilities."""


def chosen(extras: Sequence[str]) -> tuple[str, ...]:
    """Return the further outputs asked for, each once, in their order.

    Raises:
        UsageError: for an unknown one.
    """
    unknown = [name for name in extras if name not in EXTRAS]
    if unknown:
        raise UsageError(f"unknown output {named(unknown)}", fix=f"further outputs are {', '.join(EXTRAS)}")
    return tuple(name for name in EXTRAS if name in extras)


def with_outputs(tflite: bytes, extras: Sequence[str]) -> bytes:
    """Return a TFLite model of any precision with further float32 outputs.

    ``embedding`` ``[1, features]`` is what the head takes. ``cam`` ``[1, h, w, classes]`` is the head applied to every
    place of the last feature map, before pooling; its mean over h and w is what the softmax takes, the logits divided
    by the temperature (which the converter multiplied into the head's weights).

    Raises:
        ExportError: when the model has no head to read them from.
    """
    if not extras:
        return tflite
    model = flatbuffer.load(tflite)
    tail = _Tail(model)
    makers = {EMBEDDING: tail.add_embedding, CAM: tail.add_cam}
    for name in extras:
        tail.publish(name, makers[name]())
    return flatbuffer.pack(model)


def output_shapes(tflite: bytes, batch: int | None) -> dict[str, tuple[int, ...]]:
    """Return the shapes of a TFLite model's outputs by name, in order, for another batch size (None: ``FREE``)."""
    graph = flatbuffer.load(tflite).subgraphs[0]
    found = [graph.tensors[index] for index in graph.outputs]
    first = FREE if batch is None else batch
    return {flatbuffer.tensor_name(one): (first, *(int(side) for side in one.shape[1:])) for one in found}


class _Tail:
    """Find the pooling and the head of a model, and hang more operators on them."""

    def __init__(self, model: Any) -> None:
        self._model, self._schema = model, flatbuffer.schema()
        self._graph = model.subgraphs[0]
        makers = {flatbuffer.tensor_name(self._graph.tensors[op.outputs[0]]): op for op in self._graph.operators}
        if HEAD not in makers or OUTPUT not in makers:
            raise ExportError("the model has no classifier head", fix="export a MobileNet of this package")
        self._head = makers[HEAD]
        self._pooled = self._head.inputs[0]
        pooling = makers.get(flatbuffer.tensor_name(self._graph.tensors[self._pooled]))
        # The converter leaves the pooling of a single place out.
        pools = pooling is not None and flatbuffer.op_name(model, pooling) == "MEAN"
        self._features = pooling.inputs[0] if pooling is not None and pools else self._pooled

    def add_embedding(self) -> int:
        """Reshape the pooled features and return the new tensor's index."""
        shape = [1, int(self._graph.tensors[self._pooled].shape[-1])]
        constant = self._tensor(f"{EMBEDDING}/constant", [len(shape)], "INT32")
        self._fill(constant, np.array(shape, np.int32))
        operator = self._schema.OperatorT()
        operator.opcodeIndex = flatbuffer.op_index(self._model, "RESHAPE")
        return self._operate(operator, [self._pooled, constant], self._tensor(EMBEDDING, shape, "FLOAT32"))

    def add_cam(self) -> int:
        """Apply the head to the last feature map and return the new tensor's index."""
        places = [int(side) for side in self._graph.tensors[self._features].shape[:-1]]
        classes = int(self._graph.tensors[self._head.outputs[0]].shape[-1])
        made = self._tensor(CAM, [*places, classes], "FLOAT32")
        return self._operate(copy.copy(self._head), [self._features, *self._head.inputs[1:]], made)

    def publish(self, name: str, index: int) -> None:
        """Make a tensor an output of the graph and of its signature."""
        self._graph.outputs.append(index)
        for signature in self._model.signatureDefs or []:
            entry = self._schema.TensorMapT()
            entry.name, entry.tensorIndex = name, index
            signature.outputs.append(entry)

    def _tensor(self, name: str, shape: Sequence[int], kind: str) -> int:
        tensor = self._schema.TensorT()
        tensor.name, tensor.shape = name, np.array(shape, np.int32)
        tensor.type, tensor.buffer = getattr(self._schema.TensorType, kind), 0  # buffer 0 is empty by the format's rule
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _fill(self, index: int, values: Any) -> None:
        buffer = self._schema.BufferT()
        buffer.data = np.frombuffer(values.tobytes(), np.uint8)
        self._graph.tensors[index].buffer = len(self._model.buffers)
        self._model.buffers.append(buffer)

    def _operate(self, operator: Any, inputs: list[int], made: int) -> int:
        operator.inputs, operator.outputs = inputs, [made]
        self._graph.operators.append(operator)
        return made
