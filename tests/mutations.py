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
from breaking import MARK, Graph, constant, cropped, document_of, graph, initializer, onnx_graph, scaling, with_document

from exporters import flatbuffer


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


def _truncated(data: bytes) -> bytes:
    return data[: len(data) // 2 // 16 * 16].replace(MARK, b"x" * len(MARK)) + json.dumps(document_of(data)).encode()


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
        Mutation("zero points off by one, ONNX", ONNX8, onnx_graph(_onnx_zero_points), By.LINT, "zero points of"),
        Mutation("wrong crop", FLOAT, graph(cropped), By.LINT, "RESIZE_BILINEAR"),
        # What only the answers show.
        Mutation("truncated", INT8, _truncated, By.GATE, "finite_outputs", "gives no answers"),
        Mutation(
            "channels swapped", INT8, constant("stem/weights", lambda w: w[..., ::-1]), By.GATE, "", "red and blue"
        ),
        Mutation("channels swapped, ONNX", ONNX, initializer("stem/weights", lambda w: w[:, ::-1]), By.GATE, "", "red"),
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
            initializer("head/weights", lambda w: w * np.nan),
            By.GATE,
            "finite_outputs",
            "no num",
        ),
        Mutation(
            "constant output", INT8, constant("head/weights", np.zeros_like), By.GATE, "constant_output", "head answers"
        ),
        Mutation("softmax twice", INT8, graph(_softmax_again), By.GATE, "", "softmax is applied twice"),
        Mutation("softmax lost", INT8, graph(_without_softmax), By.GATE, "finite_outputs", "softmax is missing"),
        Mutation("softmax lost, ONNX", ONNX8, onnx_graph(_without_onnx_softmax), By.LINT, "Identity"),
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
