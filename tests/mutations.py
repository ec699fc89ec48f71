"""Exported files broken on purpose, with seals repaired, each with what must find it; shared by tests and by hand."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
import onnx

from exporters import flatbuffer
from melanoma_edge.runtime.artifact import SCHEMA, seal

_MARK = f'{{"schema": "{SCHEMA.rpartition("/")[0]}/'.encode()


class By(StrEnum):
    """Name what finds a broken file first."""

    RECORD = "contract or record"
    LINT = "lint"
    GATE = "gate"


@dataclass(frozen=True)
class Mutation:
    """Break ``base`` of a run's files.

    ``says`` is a part of the refusal of RECORD and LINT, or the check that fails. For what the gate finds, ``cause`` is
    a part of what ``--layers`` says of it, empty where the check says enough.
    """

    name: str
    base: str
    change: Callable[[bytes], bytes]
    by: By
    says: str
    cause: str = ""


def document_of(data: bytes) -> dict[str, Any]:
    """Return the document inside a file."""
    start = data.index(_MARK)
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


def _head(change: Callable[[Any], Any]) -> Callable[[Graph], object]:
    def apply(found: Graph) -> None:
        for name in ("head/weights", "head/bias"):
            found.put(name, change(found.values(name)))

    return apply


def _zero_points(found: Graph) -> None:
    for tensor in found.graph.tensors:
        quantized = tensor.quantization
        image = flatbuffer.tensor_name(tensor) in ("scaled", "scaled_quantized")
        whole = flatbuffer.scale_and_zero(tensor) is not None and flatbuffer.constant(found.model, tensor) is None
        if whole and not image and flatbuffer.dtype_name(tensor) == "int8":
            quantized.zeroPoint = quantized.zeroPoint + 1


def _first_zero_point(found: Graph) -> None:
    first = next(one for one in found.graph.operators if flatbuffer.op_name(found.model, one) == "QUANTIZE")
    quantized = found.graph.tensors[first.outputs[0]].quantization
    quantized.zeroPoint = quantized.zeroPoint + 1


def _another_models(seed: int) -> Callable[[Any], Any]:
    def change(values: Any) -> Any:
        drawn = np.random.default_rng(seed).normal(size=values.shape)
        return np.clip(np.rint(drawn * 45), -127, 127)

    return change


def _scale(name: str, factor: float) -> Callable[[bytes], bytes]:
    def change(found: Graph) -> None:
        quantized = found.tensor(name).quantization
        quantized.scale = (np.asarray(quantized.scale) * factor).astype(np.float32)

    return graph(change)


def _weight_scales(name: str) -> Callable[[bytes], bytes]:
    def change(found: Graph) -> None:
        for part in ("weights", "bias"):
            quantized = found.tensor(f"{name}/{part}").quantization
            quantized.scale = np.roll(np.asarray(quantized.scale), len(quantized.scale) // 2)

    return graph(change)


def _softmax_again(found: Graph) -> None:
    last = found.maker("probabilities")
    (output,) = last.outputs
    tensor, generated = found.graph.tensors[output], flatbuffer.schema()
    copy, step = generated.TensorT(), generated.OperatorT()
    vars(copy).update(vars(tensor))
    copy.name = "probabilities_first"
    found.graph.tensors.append(copy)
    vars(step).update(vars(last))
    last.outputs, step.inputs, step.outputs = (
        [len(found.graph.tensors) - 1],
        [len(found.graph.tensors) - 1],
        [output],
    )
    found.graph.operators.append(step)


def _without_softmax(found: Graph) -> None:
    last = found.maker("probabilities")
    found.graph.operators.remove(last)
    maker = next(one for one in found.graph.operators if one.outputs[0] == last.inputs[0])
    maker.outputs = list(last.outputs)


def _residual_lost(name: str) -> Callable[[bytes], bytes]:
    def change(found: Graph) -> None:
        step = found.maker(name)
        step.inputs = [step.inputs[0], step.inputs[0]]

    return graph(change)


def _without_relu6(found: Graph) -> None:
    for step in found.graph.operators:
        if hasattr(step.builtinOptions, "fusedActivationFunction") and step.builtinOptions.fusedActivationFunction:
            step.builtinOptions.fusedActivationFunction = 0


def _cropped(found: Graph) -> None:
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


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2 // 16 * 16].replace(_MARK, b"x" * len(_MARK)) + json.dumps(document_of(data)).encode()


def _onnx(change: Callable[[Any], object]) -> Callable[[bytes], bytes]:
    def apply(data: bytes) -> bytes:
        model = onnx.load_from_string(data)
        change(model)
        return bytes(model.SerializeToString())

    return apply


def _initializer(name: str, change: Callable[[Any], Any]) -> Callable[[bytes], bytes]:
    def apply(model: Any) -> None:
        (found,) = [one for one in model.graph.initializer if one.name == name]
        values = onnx.numpy_helper.to_array(found)
        found.CopyFrom(onnx.numpy_helper.from_array(np.ascontiguousarray(change(values)).astype(values.dtype), name))

    return _onnx(apply)


def _onnx_zero_points(model: Any) -> None:
    outputs = {node.input[2] for node in model.graph.node if node.op_type == "QuantizeLinear"}
    for one in model.graph.initializer:
        if one.name in outputs and not one.dims:
            values = onnx.numpy_helper.to_array(one)
            one.CopyFrom(onnx.numpy_helper.from_array((values + 1).astype(values.dtype), one.name))


def _without_onnx_softmax(model: Any) -> None:
    (last,) = [node for node in model.graph.node if node.op_type == "Softmax"]
    last.op_type = "Identity"
    del last.attribute[:]


def _swap_classes(document: dict[str, Any]) -> None:
    document["contract"]["classes"].reverse()


def _lose_threshold(document: dict[str, Any]) -> None:
    document["contract"]["operating_point"]["threshold"] = 0.5


def _forget_threshold(document: dict[str, Any]) -> None:
    del document["contract"]["operating_point"]["threshold"]


def _say(precision: str) -> Callable[[bytes], bytes]:
    return with_document(lambda document: document.update(precision=precision))


def _ten_copies(document: dict[str, Any]) -> None:
    first = document["contract"]["classes"][0]
    hashes = hashlib.sha256("\n".join(["0" * 64] * 10).encode()).hexdigest()
    document["calibration"] |= {"images": 10, "sha256": hashes, "class_counts": {first: 10}}


def _without_calibration(document: dict[str, Any]) -> None:
    document["calibration"] = None


INT8, FLOAT, ONNX8, ONNX = "model-int8.tflite", "model-float32.tflite", "model-int8.onnx", "model-float32.onnx"


def mutations(block: str, residual: str) -> tuple[Mutation, ...]:
    """Return the table.

    Args:
        block: a block in int8, such as ``block_1``, whose depthwise layer has stride 2 or 1 and ends in ``_project``.
        residual: a layer ``block_N_add`` in int8.
    """
    deep, project = f"{block}_depthwise", f"{block}_project"
    return (
        # What travels with the numbers.
        Mutation("labels permuted in the contract", INT8, with_document(_swap_classes), By.RECORD, "classes"),
        Mutation("threshold changed", INT8, with_document(_lose_threshold), By.RECORD, "operating_point.threshold"),
        Mutation("threshold lost", INT8, with_document(_forget_threshold), By.RECORD, "threshold"),
        Mutation("float file named int8", FLOAT, _say("int8"), By.LINT, "is not int8"),
        Mutation("int8 file named float32", INT8, _say("float32"), By.LINT, "is not float32"),
        Mutation(
            "calibrated on ten copies of one image", INT8, with_document(_ten_copies), By.RECORD, "calibrated on 10"
        ),
        Mutation("calibrated on nothing known", INT8, with_document(_without_calibration), By.RECORD, "no images"),
        # What lint sees in the graph.
        Mutation("zero points off by one", INT8, graph(_zero_points), By.LINT, "zero points of"),
        Mutation("zero point of the pixels off by one", INT8, graph(_first_zero_point), By.LINT, "input bytes"),
        Mutation("pixels scaled twice, int8", INT8, scaling(16448.0, 1 / 127.5**2), By.LINT, "of 256 input bytes"),
        Mutation("zero points off by one, ONNX", ONNX8, _onnx(_onnx_zero_points), By.LINT, "zero points of"),
        Mutation("wrong crop", FLOAT, graph(_cropped), By.LINT, "RESIZE_BILINEAR"),
        # What only the answers show.
        Mutation("truncated", INT8, _truncated, By.GATE, "finite_outputs", "gives no answers"),
        Mutation(
            "channels swapped", INT8, constant("stem/weights", lambda w: w[..., ::-1]), By.GATE, "", "red and blue"
        ),
        Mutation(
            "channels swapped, ONNX", ONNX, _initializer("stem/weights", lambda w: w[:, ::-1]), By.GATE, "", "red"
        ),
        Mutation("pixels scaled twice, float", FLOAT, scaling(16448.0, 1 / 127.5**2), By.GATE, "", "scaled twice"),
        Mutation("pixels scaled to 0..1", FLOAT, scaling(0.0, 1 / 255), By.GATE, "", "scaled to 0..1"),
        Mutation("bright and dark exchanged", INT8, scaling(127.0, -1 / 127.5), By.GATE, "", "bright and dark"),
        Mutation(
            "outputs in another order",
            INT8,
            graph(_head(lambda values: np.roll(values, 1, axis=0))),
            By.GATE,
            "labels_match",
            "one place later",
        ),
        Mutation(
            "another model's weights in one layer",
            INT8,
            constant(f"{project}/weights", _another_models(1)),
            By.GATE,
            "",
            f"{project} loses",
        ),
        Mutation(
            "a depthwise layer zeroed", INT8, constant(f"{deep}/weights", np.zeros_like), By.GATE, "", f"{deep} answers"
        ),
        Mutation("signs of a layer flipped", INT8, constant(f"{deep}/weights", np.negative), By.GATE, "", f"{deep} "),
        Mutation("biases of a layer lost", INT8, constant(f"{deep}/bias", np.zeros_like), By.GATE, "", f"{deep} "),
        Mutation(
            "weights of a layer in 2 bits",
            INT8,
            constant(f"{deep}/weights", lambda w: (w >> 6) << 6),
            By.GATE,
            "",
            deep,
        ),
        Mutation("scales of a layer's channels moved", INT8, _weight_scales(project), By.GATE, "", f"{project} "),
        Mutation("range of a layer far too small", INT8, _scale(deep, 0.02), By.GATE, "", f"{deep} "),
        Mutation("a shortcut lost", INT8, _residual_lost(residual), By.GATE, "", f"{residual} loses"),
        Mutation(
            "NaN in the head's bias",
            INT8,
            constant("head/bias", lambda b: b * np.nan),
            By.GATE,
            "finite_outputs",
            "no numbers",
        ),
        Mutation(
            "NaN in a weight, ONNX",
            ONNX,
            _initializer("head/weights", lambda w: w * np.nan),
            By.GATE,
            "finite_outputs",
            "no num",
        ),
        Mutation(
            "constant output", INT8, constant("head/weights", np.zeros_like), By.GATE, "constant_output", "head answers"
        ),
        Mutation("softmax twice", INT8, graph(_softmax_again), By.GATE, "", "softmax is applied twice"),
        Mutation("softmax lost", INT8, graph(_without_softmax), By.GATE, "finite_outputs", "softmax is missing"),
        Mutation("softmax lost, ONNX", ONNX8, _onnx(_without_onnx_softmax), By.LINT, "Identity"),
        Mutation(
            "temperature lost",
            INT8,
            graph(_head(lambda values: values * 4)),
            By.GATE,
            "",
            "logits are multiplied by",
        ),
        Mutation("ReLU6 lost", FLOAT, graph(_without_relu6), By.GATE, "", "stem loses"),
        Mutation(
            "one class favoured",
            INT8,
            constant("head/bias", lambda b: b + 6 * np.eye(len(b))[0]),
            By.GATE,
            "",
            "logit of class 0",
        ),
    )
