"""The ONNX writer: the TFLite model of the same precision, translated, so that both files hold the same weights.

What is computed with them is alike, but for int8-dynamic: its ONNX file only stores weights in int8 and computes in
float32, where LiteRT rounds activations on the fly.
"""

from __future__ import annotations

import logging
import os
import re
import tempfile
import warnings
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from exporters.precision import Precision
from exporters.registry import register
from melanoma_edge import __version__
from melanoma_edge.errors import ExportError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.base import require

METADATA = "melanoma-edge"
OPSET, IR = 17, 8
_ADDED = re.compile(r"(_prequant|_raw_output_)?(__\d+.*)?$")
_LAYOUT_RANK = 4
BEFORE_LAYOUT = "_map"
"""What is added to the name of a convolution whose transposed result is an output."""


def refuse_int16(precision: Precision, batch: int | None) -> str:
    """Say why int16 activations cannot be written."""
    return f"opset {OPSET} quantizes to 8 bits only" if precision is Precision.INT8X16 else ""


@register("onnx", ".onnx", refuse=refuse_int16)
def write_onnx(tflite: bytes, document: str, precision: Precision, batch: int | None) -> bytes:
    """Translate a TFLite model to ONNX with ``document`` in its ``metadata_props``.

    Raises:
        ExportError: when tf2onnx fails or leaves an invalid graph.
    """
    onnx = require("onnx", "onnx")
    model = _translated(tflite)
    graph = model.graph
    _keep_what_is_used(graph)
    if precision is Precision.FLOAT16:
        _store_half(onnx, graph)
    _name_by_structure(graph)
    _set_batch(onnx, graph, batch)
    _sign(onnx, model, document)
    try:
        onnx.checker.check_model(model, full_check=True)
    except Exception as error:  # the checker has two unrelated exception types
        raise ExportError(f"the ONNX graph is not valid: {error}", fix="report this with the log") from error
    return bytes(model.SerializeToString(deterministic=True))


def _translated(tflite: bytes) -> Any:
    load_tensorflow()  # tf2onnx imports TensorFlow, which must have been told to use Keras 2
    with quiet_native(), _quiet_tf2onnx(), tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.tflite"
        path.write_bytes(tflite)
        converter = require("tf2onnx.convert", "tf2onnx")
        try:
            model, _ = converter.from_tflite(str(path), opset=OPSET)
        except Exception as error:  # tf2onnx raises whatever its handlers raise
            raise ExportError(f"tf2onnx cannot translate the model: {error}", fix="export tflite alone") from error
    return model


@contextmanager
def _quiet_tf2onnx() -> Iterator[None]:
    level = os.environ.get("TF2ONNX_LOG_LEVEL")
    logging.getLogger("tf2onnx").setLevel(logging.ERROR)
    os.environ["TF2ONNX_LOG_LEVEL"] = str(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it still reads TFLite files with TensorFlow's deprecated interpreter
            yield
    finally:
        if level is None:
            del os.environ["TF2ONNX_LOG_LEVEL"]
        else:
            os.environ["TF2ONNX_LOG_LEVEL"] = level


def _keep_what_is_used(graph: Any) -> None:
    """Order nodes and constants by a walk back from the outputs, which no converter's counter can change."""
    producers = {name: node for node in graph.node for name in node.output}
    order, done, stack = [], set(), [output.name for output in reversed(graph.output)]
    while stack:
        node = producers.get(stack[-1])
        if node is None or node.output[0] in done:
            stack.pop()
            continue
        waiting = [name for name in node.input if name in producers and producers[name].output[0] not in done]
        if waiting:
            stack.append(waiting[0])
        else:
            done.add(node.output[0])
            order.append(node)
    constants = {constant.name: constant for constant in graph.initializer}
    used = dict.fromkeys(name for node in order for name in node.input if name in constants)
    kept = [_copy(constants[name]) for name in used]
    order = [_copy(node) for node in order]
    del graph.node[:], graph.initializer[:], graph.value_info[:]
    graph.node.extend(order)
    graph.initializer.extend(kept)


def _copy(message: Any) -> Any:
    twin = type(message)()
    twin.CopyFrom(message)
    return twin


def _store_half(onnx: Any, graph: Any) -> None:
    """Store convolution weights in half precision, with a Cast that runtimes fold away when they load the file."""
    casts = []
    for constant in graph.initializer:
        if len(constant.dims) != _LAYOUT_RANK or constant.data_type != onnx.TensorProto.FLOAT:
            continue
        values = onnx.numpy_helper.to_array(constant)
        name, stored = constant.name, f"{constant.name}_half"
        constant.CopyFrom(onnx.numpy_helper.from_array(values.astype(np.float16), stored))
        casts.append(onnx.helper.make_node("Cast", [stored], [name], name=f"{name}_cast", to=onnx.TensorProto.FLOAT))
    for cast in reversed(casts):
        graph.node.insert(0, cast)


def _name_by_structure(graph: Any) -> None:
    """Name tensors after layers and operators; tf2onnx's names hold a process-wide counter and vary between calls."""
    producers = {name: node for node in graph.node for name in node.output}
    ends = {tensor.name for tensor in (*graph.input, *graph.output)}
    new = {name: name for name in ends}
    for node in graph.node:
        if node.op_type == "Conv":
            layer = _ADDED.sub("", node.output[0])
            # What becomes an output by a change of layout has no right to its name.
            layer = new.setdefault(node.output[0], f"{layer}{BEFORE_LAYOUT}" if layer in ends else layer)
            for part, name in zip(("weights", "bias"), node.input[1:], strict=False):
                _name_stored(new, producers.get(name), name, f"{layer}/{part}")
    counts: Counter[str] = Counter()
    for node in graph.node:
        if node.output[0] not in new:
            new[node.output[0]] = f"{node.op_type}_{counts[node.op_type]}"
            counts[node.op_type] += 1
        for place, name in enumerate(node.input):
            new.setdefault(name, f"{new[node.output[0]]}/{place}")
        node.name = new[node.output[0]]
    for node in graph.node:
        node.input[:] = [new[name] for name in node.input]
        node.output[:] = [new[name] for name in node.output]
        if not node.domain:
            node.ClearField("domain")  # tf2onnx writes the empty domain sometimes, which is another byte string
    for constant in graph.initializer:
        constant.name = new[constant.name]


def _name_stored(new: dict[str, str], opened_by: Any, name: str, wanted: str) -> None:
    """Name a convolution's constant and, where it is stored in another type, what belongs to that."""
    if opened_by is None:
        new.setdefault(name, wanted)
        return
    new.setdefault(name, f"{wanted}_float")
    for suffix, stored in zip(("", "_scale", "_zero"), opened_by.input, strict=False):
        new.setdefault(stored, f"{wanted}{suffix}")


def _set_batch(onnx: Any, graph: Any, batch: int | None) -> None:
    """Fix the batch size, or free it under the name ``batch``."""
    for tensor in (*graph.input, *graph.output):
        first = tensor.type.tensor_type.shape.dim[0]
        first.Clear()
        if batch is None:
            first.dim_param = "batch"
        else:
            first.dim_value = batch
    if batch == 1:
        return
    shapes = {node.input[1] for node in graph.node if node.op_type == "Reshape"}
    for constant in graph.initializer:
        if constant.name in shapes:
            shape = onnx.numpy_helper.to_array(constant).copy()
            shape[0] = -1
            constant.CopyFrom(onnx.numpy_helper.from_array(shape, constant.name))


def _sign(onnx: Any, model: Any, document: str) -> None:
    model.ir_version = IR
    model.producer_name, model.producer_version = "melanoma-edge", __version__
    model.doc_string = model.graph.doc_string = ""
    model.graph.name = "classifier"
    del model.opset_import[:]
    model.opset_import.append(onnx.helper.make_opsetid("", OPSET))
    onnx.helper.set_model_props(model, {METADATA: document})
