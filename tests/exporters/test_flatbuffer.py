from __future__ import annotations

from typing import Any

import pytest

from exporters import flatbuffer
from melanoma_edge.errors import ExportError


@pytest.mark.parametrize("precision", ["float32", "float16", "int8-dynamic", "int8", "int8-full"])
def test_every_buffer_is_aligned_and_inside(toy_artifacts: Any, precision: str) -> None:
    data = toy_artifacts["tflite", precision].path.read_bytes()
    model = flatbuffer.schema().Model.GetRootAs(data, 0)
    filled = [model.Buffers(i) for i in range(model.BuffersLength()) if model.Buffers(i).DataLength()]
    assert filled
    for buffer in filled:
        assert buffer._tab.Vector(buffer._tab.Offset(4)) % 16 == 0
    assert all(model.Buffers(i).Offset() == 0 for i in range(model.BuffersLength()))


def test_no_operator_code_reads_as_add(toy_artifacts: Any) -> None:
    model = flatbuffer.load(toy_artifacts["tflite", "int8"].path.read_bytes())
    assert all(code.deprecatedBuiltinCode == min(code.builtinCode, 127) for code in model.operatorCodes)


def test_metadata_is_found_by_name(toy_artifacts: Any) -> None:
    data = toy_artifacts["tflite", "float32"].path.read_bytes()
    model = flatbuffer.load(flatbuffer.with_metadata(data, "hello"))
    names = [entry.name.decode() for entry in model.metadata]
    assert names.count("melanoma-edge") == 2
    assert bytes(bytearray(model.buffers[model.metadata[-1].buffer].data)) == b"hello"


def test_rubbish_is_an_export_error() -> None:
    with pytest.raises(ExportError, match="not a readable TFLite"):
        flatbuffer.load(b"\xff" * 64)
