"""Prove from a written file that it is what was asked for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from exporters.inventory import Inventory, Step
from exporters.onnx import BEFORE_LAYOUT
from exporters.plan import NOTHING, Keep, Plan
from exporters.precision import Precision
from melanoma_edge.errors import ExportError, named
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.runtime.base import CAM, INPUT, OUTPUT

_SCALING = ("SUB", "MUL", "QUANTIZE", "DEQUANTIZE")
_ONNX_SCALING = ("Sub", "Mul", "QuantizeLinear", "DequantizeLinear", "Cast")
_ONNX_POOLS = ("MaxPool", "GlobalAveragePool")
_ONNX = {*_ONNX_SCALING, *_ONNX_POOLS, "Transpose", "Pad", "Conv", "Clip", "Relu", "Add", "Reshape", "Softmax"}
_CONVOLUTIONS = ("CONV_2D", "DEPTHWISE_CONV_2D")
_KNOWN = {
    "tflite": {*_SCALING, *_CONVOLUTIONS, "PAD", "ADD", "MAX_POOL_2D", "MEAN", "RESHAPE", "SOFTMAX", "DENSIFY"},
    "onnx": _ONNX,
    "ort": {*_ONNX, "QLinearConv", "com.microsoft:QLinearAdd", "com.microsoft:FusedConv"},
}
_ONCE = {"SUB", "MUL", "Sub", "Mul"}
_BODY = {"PAD", "ADD", "MAX_POOL_2D", "Pad", "Add", "MaxPool", "com.microsoft:QLinearAdd"}
_BODY_LAYERS = ("_pad", "_add", "_pool")
_MAPS = (CAM, f"{CAM}{BEFORE_LAYOUT}")
"""The layer that applies the head to the whole feature map, in files that were asked for it."""
_LEVELS = 256
# (activation, weights) of a convolution: in the body, and in the head.
_WANTED = {
    Precision.FLOAT32: (("float32", "float32"), ("float32", "float32")),
    Precision.FLOAT16: (("float32", "float16"), ("float32", "float16")),
    Precision.INT8_DYNAMIC: (("float32", "int8"), ("float32", "float32")),
    Precision.INT8: (("int8", "int8"), ("float32", "float32")),
    Precision.INT8_FULL: (("int8", "int8"), ("float32", "float32")),
    Precision.INT8X16: (("int16", "int8"), ("float32", "float32")),
}
_KEPT = {Keep.FLOAT32: ("float32", "float32"), Keep.INT16: ("int16", "int8")}


def check(inventory: Inventory, precision: Precision, extras: Sequence[str] = (), *, plan: Plan = NOTHING) -> None:
    """Raise unless the file is what was asked for.

    Args:
        inventory: of the file.
        precision: whose operators, types and names it should have.
        extras: further outputs.
        plan: layers that are computed otherwise; exactly these must be.

    Raises:
        ExportError: naming everything that is wrong.
    """
    problems = [
        *_operators(inventory),
        *_convolutions(inventory.steps, precision, plan, CAM in extras),
        *_others(inventory, precision, plan),
        *_ends(inventory, precision, extras),
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


def _convolutions(steps: tuple[Step, ...], precision: Precision, plan: Plan, with_map: bool) -> list[str]:
    body, head = _WANTED[precision]
    found = [step for step in steps if step.weights]
    heads, maps = ([step for step in found if step.layer in names] for names in ((HEAD,), _MAPS))
    problems = [] if len(heads) == 1 and len(found) > 1 else [f"{len(heads)} heads among {len(found)} convolutions"]
    if len(maps) != with_map:
        problems.append(f"{len(maps)} convolutions make the class activation map")
    for step in found:
        kept = _KEPT[plan[step.layer]] if step.layer in plan else body
        if (step.activation, step.weights) != (head if step in (*heads, *maps) else kept):
            problems.append(f"{step.layer} computes {step.activation} with {step.weights} weights")
    return problems


def _others(inventory: Inventory, precision: Precision, plan: Plan) -> list[str]:
    """Check paddings, additions and poolings; by their number in ONNX files, where they do not bear a layer's name."""
    body = _WANTED[precision][0][0]
    steps = [step for step in inventory.steps if step.op in _BODY]
    if inventory.format == "tflite":
        wanted = [_KEPT[plan[step.layer]][0] if step.layer in plan else body for step in steps]
        wrong = [step for step, kind in zip(steps, wanted, strict=True) if step.activation != kind]
        return [f"{step.op} {step.layer} computes {step.activation}" for step in wrong]
    odd = [step for step in steps if step.activation != body]
    expected = sum(name.endswith(_BODY_LAYERS) for name in plan)
    return [] if len(odd) == expected else [f"{step.op} {step.layer} computes {step.activation}" for step in odd]


def _ends(inventory: Inventory, precision: Precision, extras: Sequence[str]) -> list[str]:
    pixels = "uint8" if precision is Precision.INT8_FULL else "float32"
    problems = []
    if inventory.inputs != {INPUT: pixels}:
        problems.append(f"input is {inventory.inputs}, not {INPUT} in {pixels}")
    if inventory.outputs != dict.fromkeys((OUTPUT, *extras), "float32"):
        problems.append(f"output is {inventory.outputs}, not {', '.join((OUTPUT, *extras))} in float32")
    if inventory.odd_zeros:
        problems.append(f"the zero points of {named(inventory.odd_zeros)} are off: 0 is not 0 there")
    if inventory.levels != _LEVELS:
        problems.append(f"only {inventory.levels} of {_LEVELS} input bytes stay distinct")
    return problems
