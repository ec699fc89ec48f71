"""How exported files are broken on purpose: their document, their graph, their numbers; and sealed again."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from exporters import flatbuffer
from melanoma_edge.runtime.artifact import SCHEMA, seal

MARK = f'{{"schema": "{SCHEMA.rpartition("/")[0]}/'.encode()


def document_of(data: bytes) -> dict[str, Any]:
    """Return the document inside a file."""
    start = data.index(MARK)
    return dict(json.JSONDecoder().raw_decode(data[start:].decode("latin-1"))[0])


def resealed(data: bytes) -> bytes:
    """Return a changed file with its seal made again."""
    digits = document_of(data)["sha256"].encode()
    return seal(data.replace(digits, b"0" * 64))


def with_document(change: Callable[[dict[str, Any]], object]) -> Callable[[bytes], bytes]:
    """Return a change of the document inside a TFLite file."""

    def apply(data: bytes) -> bytes:
        document, model = document_of(data), flatbuffer.load(data)
        change(document)
        (place,) = [one.buffer for one in model.metadata if one.name in (b"melanoma-edge", "melanoma-edge")]
        model.buffers[place].data = np.frombuffer(json.dumps(document).encode(), np.uint8)
        return flatbuffer.pack(model)

    return apply


class Graph:
    """Find and set what a TFLite model holds."""

    def __init__(self, data: bytes) -> None:
        self.model = flatbuffer.load(data)
        self.graph = self.model.subgraphs[0]

    def pack(self) -> bytes:
        return flatbuffer.pack(self.model)

    def tensor(self, name: str) -> Any:
        return next(one for one in self.graph.tensors if flatbuffer.tensor_name(one) == name)

    def maker(self, name: str) -> Any:
        place = self.graph.tensors.index(self.tensor(name))
        return next(one for one in self.graph.operators if place in one.outputs)

    def values(self, name: str) -> Any:
        found = flatbuffer.constant(self.model, self.tensor(name))
        assert found is not None
        return found.copy()

    def put(self, name: str, values: Any) -> None:
        kind = self.values(name).dtype
        self.model.buffers[self.tensor(name).buffer].data = np.frombuffer(
            np.ascontiguousarray(values.astype(kind)).tobytes(), np.uint8
        )

    def layers(self, ending: str) -> list[str]:
        names = [flatbuffer.tensor_name(one).removesuffix("/weights") for one in self.graph.tensors]
        return sorted({name for name in names if name.endswith(ending)})


def graph(change: Callable[[Graph], object]) -> Callable[[bytes], bytes]:
    """Return a change of a TFLite graph."""

    def apply(data: bytes) -> bytes:
        found = Graph(data)
        change(found)
        return found.pack()

    return apply


def constant(name: str, change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    """Return a change of one constant tensor."""
    return graph(lambda found: found.put(name, change(found.values(name))))


def scaling(centre: float, factor: float) -> Callable[[bytes], bytes]:
    """Return a change of the scaling of pixels to ``(x - centre) * factor``."""

    def change(found: Graph) -> None:
        found.put("centred/constant", np.full_like(found.values("centred/constant"), centre))
        found.put("scaled/constant", np.full_like(found.values("scaled/constant"), factor))

    return graph(change)


def onnx_graph(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        change(model)
        return bytes(model.SerializeToString())

    return apply


def initializer(name: str, change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def apply(model: Any) -> None:
        (found,) = [one for one in model.graph.initializer if one.name == name]
        values = onnx.numpy_helper.to_array(found)
        found.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(change(values)).astype(values.dtype), name))

    return onnx_graph(apply)


def cropped(found: Graph) -> None:
    """Put in front what cuts the middle 7/8 out and enlarges it."""
    generated = flatbuffer.schema()
    image = found.graph.inputs[0]
    shape = [int(side) for side in found.graph.tensors[image].shape]
    side = shape[1]
    edge = round(side * (1 - 0.875) / 2)
    inner = side - 2 * edge

    def new(name: str, sides: list[int], kind: str, values: Any = None) -> int:
        tensor, buffer = generated.TensorT(), generated.BufferT()
        tensor.name, tensor.shape, tensor.type = name, sides, getattr(generated.TensorType, kind)
        if values is not None:
            buffer.data = np.frombuffer(np.asarray(values, np.int32).tobytes(), np.uint8)
        tensor.buffer = len(found.model.buffers)
        found.model.buffers.append(buffer)
        found.graph.tensors.append(tensor)
        return len(found.graph.tensors) - 1

    def step(name: str, inputs: list[int], output: int, options: Any, kind: str) -> Any:
        made = generated.OperatorT()
        made.opcodeIndex = flatbuffer.op_index(found.model, name)
        made.inputs, made.outputs = inputs, [output]
        made.builtinOptionsType, made.builtinOptions = getattr(generated.BuiltinOptions, kind), options
        return made

    begin, size = new("begin", [4], "INT32", [0, edge, edge, 0]), new("size", [4], "INT32", [1, inner, inner, 3])
    target = new("target", [2], "INT32", [side, side])
    middle, whole = new("middle", [1, inner, inner, 3], "FLOAT32"), new("whole", shape, "FLOAT32")
    resize = generated.ResizeBilinearOptionsT()
    resize.halfPixelCenters, resize.alignCorners = True, False
    for operator in found.graph.operators:
        operator.inputs = [whole if index == image else index for index in operator.inputs]
    first = step("SLICE", [image, begin, size], middle, generated.SliceOptionsT(), "SliceOptions")
    second = step("RESIZE_BILINEAR", [middle, target], whole, resize, "ResizeBilinearOptions")
    found.graph.operators[:0] = [first, second]
