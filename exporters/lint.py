"""Prove from a written file that it is what was asked for."""

from __future__ import annotations

from collections import Counter

from exporters.inventory import Inventory, Step
from exporters.precision import Precision
from melanoma_edge.errors import ExportError
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.runtime.base import INPUT, OUTPUT

_SCALING = ("SUB", "MUL", "QUANTIZE", "DEQUANTIZE")
_ONNX_SCALING = ("Sub", "Mul", "QuantizeLinear", "DequantizeLinear", "Cast")
_KNOWN = {
    "tflite": {*_SCALING, "PAD", "CONV_2D", "DEPTHWISE_CONV_2D", "ADD", "MEAN", "RESHAPE", "SOFTMAX"},
    "onnx": {*_ONNX_SCALING, "Transpose", "Pad", "Conv", "Clip", "Add", "GlobalAveragePool", "Reshape", "Softmax"},
}
_ONCE = {"SUB", "MUL", "Sub", "Mul"}
_BODY = {"PAD", "ADD", "Pad", "Add"}
_LEVELS = 256
# (activation, weights) of a convolution: in the body, and in the head.
_WANTED = {
    Precision.FLOAT32: (("float32", "float32"), ("float32", "float32")),
    Precision.FLOAT16: (("float32", "float16"), ("float32", "float16")),
    Precision.INT8_DYNAMIC: (("float32", "int8"), ("float32", "float32")),
    Precision.INT8: (("int8", "int8"), ("float32", "float32")),
    Precision.INT8_FULL: (("int8", "int8"), ("float32", "float32")),
}


def check(inventory: Inventory, precision: Precision) -> None:
    """Raise unless the file's operators, types and names are those of ``precision``.

    Raises:
        ExportError: naming everything that is wrong.
    """
    problems = [
        *_operators(inventory),
        *_convolutions(inventory.steps, precision),
        *_ends(inventory, precision),
    ]
    if problems:
        fix = "do not use the file; report this with the log (--debug)"
        raise ExportError(f"the {inventory.format} file is not {precision}: {'; '.join(problems)}", fix=fix)


def _operators(inventory: Inventory) -> list[str]:
    counts = Counter(step.op for step in inventory.steps)
    strange = sorted(set(counts) - _KNOWN[inventory.format])
    problems = [f"operator {op} is custom, from training, or unknown to phones" for op in strange]
    # A pruning mask that was not stripped multiplies weights, the scaling of pixels is the only rightful product.
    doubled = sorted(op for op in _ONCE if counts[op] > 1)
    return problems + [f"{counts[op]} operators {op} where one scales the pixels: unstripped masks?" for op in doubled]


def _convolutions(steps: tuple[Step, ...], precision: Precision) -> list[str]:
    body, head = _WANTED[precision]
    found = [step for step in steps if step.weights]
    heads = [step for step in found if step.layer == HEAD]
    problems = [] if len(heads) == 1 and len(found) > 1 else [f"{len(heads)} heads among {len(found)} convolutions"]
    for step in found:
        wanted = head if step.layer == HEAD else body
        if (step.activation, step.weights) != wanted:
            problems.append(f"{step.layer} computes {step.activation} with {step.weights} weights")
    for step in steps:
        if step.op in _BODY and step.activation != body[0]:
            problems.append(f"{step.op} {step.layer} computes {step.activation}")
    return problems


def _ends(inventory: Inventory, precision: Precision) -> list[str]:
    pixels = "uint8" if precision is Precision.INT8_FULL else "float32"
    problems = []
    if inventory.inputs != {INPUT: pixels}:
        problems.append(f"input is {inventory.inputs}, not {INPUT} in {pixels}")
    if inventory.outputs != {OUTPUT: "float32"}:
        problems.append(f"output is {inventory.outputs}, not {OUTPUT} in float32")
    if inventory.levels != _LEVELS:
        problems.append(f"only {inventory.levels} of {_LEVELS} input bytes stay distinct")
    return problems
