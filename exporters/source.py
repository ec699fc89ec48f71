"""From the Keras model to the float TFLite model that every format and precision is made from."""

from __future__ import annotations

import re
from typing import Any

from exporters import flatbuffer
from melanoma_edge.errors import ExportError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.base import INPUT, OUTPUT

_CONVOLUTION = re.compile(r"([^/;]+)/(?:Conv2D|depthwise)\d*(?:;|$)")
_LOGITS = "logits"
_SCALING = {"SUB": "centred", "MUL": "scaled"}  # Keras counts such layers through the life of a process
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")


def float_tflite(model: Any, size: int) -> bytes:
    """Convert an inference model to TFLite with batch 1 and tensors named after the Keras layers.

    Args:
        model: from ``image`` float32 ``[n, N, N, 3]`` to ``probabilities`` float32 ``[n, classes]``.
        size: N.

    Raises:
        ExportError: when TensorFlow's converter fails.
    """
    tensorflow, _ = load_tensorflow()
    try:
        with quiet_native():
            frozen, holder = _frozen(tensorflow, model, size), tensorflow.Module()
            converted = tensorflow.lite.TFLiteConverter.from_concrete_functions([frozen], holder).convert()
    except Exception as error:  # the converter raises its own type and whatever MLIR gives
        raise ExportError(f"TensorFlow cannot convert the model: {error}", fix="see the log with --debug") from error
    return named_after_layers(converted)


def _frozen(tensorflow: Any, model: Any, size: int) -> Any:
    """Return the model as a function without variables, so that the converter need not save every layer (a minute)."""
    from tensorflow.python.framework.convert_to_constants import convert_variables_to_constants_v2

    signature = [tensorflow.TensorSpec((1, size, size, 3), tensorflow.float32, name=INPUT)]
    function = tensorflow.function(lambda image: model(image, training=False), input_signature=signature)
    constant = convert_variables_to_constants_v2(function.get_concrete_function())
    named = tensorflow.function(lambda image: {OUTPUT: constant(image)[0]}, input_signature=signature)
    return named.get_concrete_function()


def named_after_layers(data: bytes) -> bytes:
    """Return the model with short names: ``image``, ``probabilities``, a layer's output by its name, ``layer/weights``.

    The converter's names are long paths that make files larger, differ between its versions and tie nothing to a
    layer. It also lets layers with equal biases share one tensor, which must be torn apart before quantization,
    because each layer has its own scale.
    """
    model = flatbuffer.load(data)
    _own_constants(model)
    graph = model.subgraphs[0]
    names = _Names(graph.tensors)
    for index in graph.inputs:
        names.give(index, INPUT)
    for index in graph.outputs:
        names.give(index, OUTPUT)
    for operator in graph.operators:
        kind = flatbuffer.op_name(model, operator)
        layer = _layer(flatbuffer.tensor_name(graph.tensors[operator.outputs[0]]), kind)
        parts = ("", "weights", "bias") if kind in _CONVOLUTIONS else ("", "constant", "constant")
        for index, part in zip(operator.inputs, parts, strict=False):
            if index >= 0 and flatbuffer.constant(model, graph.tensors[index]) is not None:
                names.give(index, f"{layer}/{part or 'constant'}")
        for index in operator.outputs:
            names.give(index, layer)
    model.description = "melanoma-edge"
    return flatbuffer.pack(model)


class _Names:
    """Give each tensor one name, and no name twice."""

    def __init__(self, tensors: Any) -> None:
        self._tensors = tensors
        self._done: set[int] = set()
        self._taken: dict[str, int] = {}

    def give(self, index: int, name: str) -> None:
        if index in self._done:
            return
        self._done.add(index)
        count = self._taken[name] = self._taken.get(name, 0) + 1
        self._tensors[index].name = name if count == 1 else f"{name}_{count}"


def _own_constants(model: Any) -> None:
    """Give every operator its own copy of the constants it reads."""
    graph, used = model.subgraphs[0], set()
    for operator in graph.operators:
        for place, index in enumerate(operator.inputs):
            if index < 0 or flatbuffer.constant(model, graph.tensors[index]) is None:
                continue
            if index in used:
                operator.inputs[place] = _copy_of(model, index)
            used.add(index)


def _copy_of(model: Any, index: int) -> int:
    generated, graph = flatbuffer.schema(), model.subgraphs[0]
    original = graph.tensors[index]
    buffer, tensor = generated.BufferT(), generated.TensorT()
    buffer.data = model.buffers[original.buffer].data
    vars(tensor).update(vars(original))
    tensor.buffer = len(model.buffers)
    model.buffers.append(buffer)
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def _layer(name: str, kind: str) -> str:
    if kind in _SCALING:
        return _SCALING[kind]
    found = _CONVOLUTION.search(name) if kind in _CONVOLUTIONS else None
    if found:
        return found.group(1)
    parts = name.split(";")[0].split("/")
    layer = parts[-2] if len(parts) > 1 else parts[-1]
    return _LOGITS if layer == OUTPUT else layer
