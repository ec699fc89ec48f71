from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from exporters import flatbuffer
from exporters.plan import Keep, checked, layers, units, with_constants_of
from melanoma_edge.errors import UsageError


@pytest.fixture
def source(toy_material: Any) -> bytes:
    return bytes(toy_material.source)


def test_layers_are_what_int8_computes_in_int8(source: bytes) -> None:
    found = layers(source)
    assert found[:3] == ("stem_pad", "stem", "block_0_depthwise") and found[-1] == "last"
    assert not {"centred", "scaled", "pooled", "head", "probabilities"} & set(found)


def test_units_are_blocks_with_the_stem_in_the_first(source: bytes) -> None:
    found = units(layers(source))
    assert list(found) == ["block_0", "block_1", "block_2", "last"]
    assert {"stem_pad", "stem", "block_0_project"} <= set(found["block_0"])
    assert "block_2_add" in found["block_2"]
    assert sum(map(len, found.values())) == len(layers(source))


def test_a_plan_is_checked_against_the_network(source: bytes) -> None:
    assert checked({"stem": "int16"}, source) == {"stem": Keep.INT16}
    with pytest.raises(UsageError, match=r"layer 'stom', 'int4' for stem"):
        checked({"stom": "float32", "stem": "int4"}, source)


def test_constants_of_named_layers_alone_are_taken(source: bytes) -> None:
    model = flatbuffer.load(source)
    for tensor in model.subgraphs[0].tensors:
        if flatbuffer.tensor_name(tensor).endswith(("/weights", "/bias")):
            model.buffers[tensor.buffer].data = np.zeros_like(model.buffers[tensor.buffer].data)
    mixed = with_constants_of(source, flatbuffer.pack(model), ["stem", "last"])
    assert zeroed(mixed) == {"stem/weights", "stem/bias", "last/weights", "last/bias"}
    assert zeroed(source) == set()


def zeroed(data: bytes) -> set[str]:
    model = flatbuffer.load(data)
    found = {flatbuffer.tensor_name(one): flatbuffer.constant(model, one) for one in model.subgraphs[0].tensors}
    return {name for name, values in found.items() if values is not None and "/" in name and not values.any()}
