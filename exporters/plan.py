"""Which layers of an int8 file are computed otherwise, and which of them belong together."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from exporters import flatbuffer
from melanoma_edge.errors import UsageError, named
from melanoma_edge.model.mobilenet import HEAD

_BLOCK = re.compile(r"(block_\d+)_")
_STEM, _FIRST = "stem", "block_0"
_OUTSIDE = ("SUB", "MUL", "MEAN", "RESHAPE", "SOFTMAX")
_PARTS = ("weights", "bias")


class Keep(StrEnum):
    """Say how a layer is computed that is not int8.

    ``float32``: weights and activations in float. ``int16``: weights in int8, activations in int16, which LiteRT
    computes with its reference kernels, slowly, and ONNX of opset 17 cannot say.
    """

    FLOAT32 = "float32"
    INT16 = "int16"


Plan = Mapping[str, Keep]
"""Layers by the name of their output tensor; what is not named is int8."""
NOTHING: Plan = MappingProxyType({})


def layers(source: bytes) -> tuple[str, ...]:
    """Return the layers of a float TFLite model that int8 files compute in int8, in their order."""
    model = flatbuffer.load(source)
    graph = model.subgraphs[0]
    found = [
        flatbuffer.tensor_name(graph.tensors[operator.outputs[0]])
        for operator in graph.operators
        if flatbuffer.op_name(model, operator) not in _OUTSIDE
    ]
    return tuple(name for name in found if name != HEAD)


def checked(keep: Mapping[str, str], source: bytes) -> Plan:
    """Return a plan of names as a user writes them.

    Raises:
        UsageError: naming all layers and kinds that are unknown.
    """
    kinds, known = [kind.value for kind in Keep], layers(source)
    strange = [f"layer {name!r}" for name in keep if name not in known]
    strange += [f"{kind!r} for {name}" for name, kind in keep.items() if kind not in kinds]
    if strange:
        fix = f"kinds are {', '.join(kinds)}; layers are {', '.join(known)}"
        raise UsageError(f"cannot keep {named(strange)}", where="plan of an int8 file", fix=fix)
    return {name: Keep(kind) for name, kind in keep.items()}


def units(names: Iterable[str]) -> dict[str, tuple[str, ...]]:
    """Gather layers into blocks, with the stem in the first: borders between kinds cost time, and blocks few.

    Args:
        names: of layers, as ``layers`` gives them.
    """
    found: dict[str, list[str]] = {}
    for name in names:
        block = _BLOCK.match(name)
        unit = block.group(1) if block else _FIRST if name.startswith(_STEM) else name
        found.setdefault(unit, []).append(name)
    return {unit: tuple(members) for unit, members in found.items()}


def with_constants_of(base: bytes, other: bytes, names: Iterable[str]) -> bytes:
    """Return ``base`` with the weights and biases of some layers taken from ``other``, a model of the same layout."""
    wanted = {f"{name}/{part}" for name in names for part in _PARTS}
    model, giver = flatbuffer.load(base), flatbuffer.load(other)
    given = {flatbuffer.tensor_name(tensor): tensor.buffer for tensor in giver.subgraphs[0].tensors}
    for tensor in model.subgraphs[0].tensors:
        if flatbuffer.tensor_name(tensor) in wanted:
            model.buffers[tensor.buffer].data = giver.buffers[given[flatbuffer.tensor_name(tensor)]].data
    return flatbuffer.pack(model)
