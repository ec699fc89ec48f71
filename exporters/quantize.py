"""From the float TFLite model to the other precisions, by ai-edge-quantizer with ranges we measured.

TensorFlow's own converter could do the same; this way takes a second instead of half a minute, keeps names and the
float head, and takes ranges as plain numbers, so that they can be chosen. The quantizer's own calibration is not used:
it smooths ranges over images, which costs agreement with the float model.
"""

from __future__ import annotations

import io
import logging
import re
import warnings
from collections.abc import Mapping
from contextlib import redirect_stderr
from typing import Any

import numpy as np

from exporters import flatbuffer
from exporters.plan import NOTHING, Keep, Plan, checked
from exporters.precision import Precision
from melanoma_edge.errors import ExportError
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.base import INPUT, require

Ranges = Mapping[str, tuple[float, float]]

_PACKAGE = "ai-edge-quantizer"
_BITS = 8
_HALF = 16
_WIDE = 16
_SCALING = ("SUB", "MUL")
_POOLING = "MEAN"
_BYTES = 256


def quantized(
    source: bytes, precision: Precision, ranges: Ranges | None = None, keep: Mapping[str, str] = NOTHING
) -> bytes:
    """Return the float model in another precision.

    Args:
        source: the float TFLite model.
        precision: what is wanted; ``float32`` gives ``source`` back.
        ranges: ends of each activation's steps by tensor name; for the precisions that are calibrated.
        keep: layers that are to be ``float32`` or ``int16`` instead, for ``int8`` and ``int8-full``.

    Raises:
        ExportError: when the quantizer fails, or ranges are missing.
        MachineError: when ai-edge-quantizer is not installed.
        UsageError: for unknown layers to keep.
    """
    if precision is Precision.FLOAT32:
        return source
    if precision is Precision.FLOAT16:
        return _by_recipe(source, lambda quantizer: _half(quantizer))
    tail = _float_tail(source)
    if precision is Precision.INT8_DYNAMIC:
        return _by_recipe(source, lambda quantizer: _dynamic(quantizer, tail))
    if ranges is None:
        raise ExportError(f"{precision} needs calibration images", fix="give ranges measured on training images")
    plan = checked(keep, source)
    ranges = with_input_range(source, ranges)
    whole = _by_recipe(source, lambda quantizer: _static(quantizer, precision.bits, tail, plan), ranges)
    return uint8_input(whole) if precision is Precision.INT8_FULL else whole


def with_input_range(source: bytes, ranges: Ranges) -> dict[str, tuple[float, float]]:
    """Return ``ranges`` with the scaled pixels' fixed to those of bytes 0 and 255: all 256 then stay distinct."""
    model = flatbuffer.load(source)
    graph = model.subgraphs[0]
    ends, name = np.array([0, _BYTES - 1], np.float64), INPUT
    for operator in graph.operators:
        kind = flatbuffer.op_name(model, operator)
        if kind not in _SCALING:
            break
        value = flatbuffer.constant(model, graph.tensors[operator.inputs[1]])
        if value is None:
            break
        ends = ends - float(value.item()) if kind == "SUB" else ends * float(value.item())
        name = flatbuffer.tensor_name(graph.tensors[operator.outputs[0]])
    return {**ranges, name: (float(ends[0]), float(ends[1]))}


def uint8_input(int8: bytes) -> bytes:
    """Turn an ``int8`` model into ``int8-full``: bytes go in and the scaling operations fall away.

    A byte b becomes the int8 value b - 128, as SUB, MUL and QUANTIZE made of it, so both files give equal numbers.
    There is no MUL where the converter multiplied it into the weights of a first convolution that pads nothing before.
    """
    model, generated = flatbuffer.load(int8), flatbuffer.schema()
    graph = model.subgraphs[0]
    kinds = [flatbuffer.op_name(model, op) for op in graph.operators]
    count = kinds.index("QUANTIZE") if "QUANTIZE" in kinds else 0
    first = graph.operators[: count + 1]
    if not count or kinds[:count] != [*_SCALING[:count]]:
        raise ExportError("the int8 model does not begin with the scaling of pixels", fix="report this with the log")
    scaled = graph.tensors[first[-1].outputs[0]]
    image = graph.tensors[graph.inputs[0]]
    found = flatbuffer.scale_and_zero(scaled)
    if found is None or found[1] != 0:
        raise ExportError("the scaled pixels are not int8 with zero point 0", fix="report this with the log")
    image.type = generated.TensorType.UINT8
    image.quantization = generated.QuantizationParametersT()
    image.quantization.scale = np.array([found[0]], np.float32)
    image.quantization.zeroPoint = np.array([_BYTES // 2], np.int64)
    first[-1].inputs = [graph.inputs[0]]
    graph.operators = graph.operators[count:]
    _drop_unused(model)
    return flatbuffer.pack(model)


def _drop_unused(model: Any) -> None:
    """Remove the tensors that no operator touches any more."""
    graph = model.subgraphs[0]
    lists = [graph.inputs, graph.outputs, *(part for op in graph.operators for part in (op.inputs, op.outputs))]
    used = sorted({index for part in lists for index in part if index >= 0})
    place = {old: new for new, old in enumerate(used)}
    graph.tensors = [graph.tensors[old] for old in used]
    for part in lists:
        part[:] = [place.get(index, -1) for index in part]
    for signature in model.signatureDefs or []:
        for entry in (*signature.inputs, *signature.outputs):
            entry.tensorIndex = place[int(entry.tensorIndex)]


def _float_tail(source: bytes) -> list[str]:
    """Name what stays in float: pooling, head and softmax, and the scaling of pixels in front."""
    model = flatbuffer.load(source)
    graph = model.subgraphs[0]
    kinds = [flatbuffer.op_name(model, operator) for operator in graph.operators]
    names = [flatbuffer.tensor_name(graph.tensors[operator.outputs[0]]) for operator in graph.operators]
    if HEAD not in names:
        raise ExportError("the model has no classifier head", fix="export a MobileNet of this package")
    # The converter leaves the pooling of a single place out.
    first = kinds.index(_POOLING) if _POOLING in kinds else names.index(HEAD)
    return [name for place, name in enumerate(names) if place >= first or kinds[place] in _SCALING]


def _by_recipe(source: bytes, configure: Any, ranges: Ranges | None = None) -> bytes:
    library = require("ai_edge_quantizer.quantizer", _PACKAGE)
    logging.getLogger("absl").setLevel(logging.ERROR)
    known = _activations(source) if ranges else set()
    values = {
        name: {"min": np.array(low, np.float32), "max": np.array(high, np.float32)}
        for name, (low, high) in (ranges or {}).items()
        if name in known
    }
    try:
        with quiet_native(), redirect_stderr(io.StringIO()), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # it warns of its own use of LiteRT, and draws a bar whatever it is told
            quantizer = library.Quantizer(source)
            configure(quantizer)
            result = quantizer.quantize(values or None, enable_progress_bar=False, enable_progress_report=False)
    except (ValueError, RuntimeError, KeyError, IndexError) as error:
        raise ExportError(f"ai-edge-quantizer cannot quantize the model: {error}", fix="see the log") from error
    return flatbuffer.pack(flatbuffer.load(bytes(result.quantized_model)))


def _activations(source: bytes) -> set[str]:
    model = flatbuffer.load(source)
    graph = model.subgraphs[0]
    return {flatbuffer.tensor_name(t) for t in graph.tensors if flatbuffer.constant(model, t) is None}


def _half(quantizer: Any) -> None:
    types = require("ai_edge_quantizer.qtyping", _PACKAGE)
    algorithms = require("ai_edge_quantizer.algorithm_manager", _PACKAGE).AlgorithmName
    everything = types.TFLOperationName.ALL_SUPPORTED
    quantizer.add_weight_only_config(".*", everything, _HALF, algorithm_key=algorithms.FLOAT_CASTING)


def _dynamic(quantizer: Any, tail: list[str]) -> None:
    types = require("ai_edge_quantizer.qtyping", _PACKAGE)
    quantizer.add_dynamic_config(".*", types.TFLOperationName.ALL_SUPPORTED, _BITS)
    _leave_float(quantizer, tail)


def _static(quantizer: Any, bits: int, tail: list[str], plan: Plan) -> None:
    everything = require("ai_edge_quantizer.qtyping", _PACKAGE).TFLOperationName.ALL_SUPPORTED
    quantizer.add_static_config(".*", everything, bits, _BITS)
    for name, kind in plan.items():
        if kind is Keep.INT16:
            quantizer.add_static_config(_exactly(name), everything, _WIDE, _BITS)
    _leave_float(quantizer, [*tail, *(name for name, kind in plan.items() if kind is Keep.FLOAT32)])


def _leave_float(quantizer: Any, names: list[str]) -> None:
    operations = require("ai_edge_quantizer.qtyping", _PACKAGE).TFLOperationName
    never = require("ai_edge_quantizer.algorithm_manager", _PACKAGE).AlgorithmName.NO_QUANTIZE
    quantizer.update_quantization_recipe(".*", operations.INPUT, algorithm_key=never)
    quantizer.update_quantization_recipe(".*", operations.OUTPUT, algorithm_key=never)
    for name in names:
        quantizer.update_quantization_recipe(_exactly(name), operations.ALL_SUPPORTED, algorithm_key=never)


def _exactly(name: str) -> str:
    return rf"^{re.escape(name)};?$"
