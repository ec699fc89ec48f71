from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from toy_files import sealed, toy_tflite

from exporters import inventory, lint
from exporters.precision import Precision
from melanoma_edge.errors import ExportError

__all__ = ["sealed", "toy_tflite"]


@pytest.mark.parametrize("precision", ["float32", "int8-dynamic", "int8", "int8-full"])
def test_an_ort_file_holds_what_its_onnx_file_holds(sealed: Any, precision: str) -> None:
    ort, onnx = (inventory.take(sealed(form, precision).read_bytes(), form) for form in ("ort", "onnx"))
    assert (ort.format, ort.levels, ort.inputs, ort.outputs) == ("ort", 256, onnx.inputs, onnx.outputs)
    for name in ("macs", "parameters", "weight_bytes"):
        assert getattr(ort.totals(), name) == getattr(onnx.totals(), name)
    lint.check(ort, Precision(precision))


def test_fused_operators_are_listed_by_their_own_names(sealed: Any) -> None:
    int8 = {row.op: row for row in inventory.take(sealed("ort", "int8").read_bytes(), "ort").census()}
    assert (int8["QLinearConv"].activation, int8["QLinearConv"].weights) == ("int8", "int8")
    assert int8["com.microsoft:QLinearAdd"].activation == "int8"
    assert (int8["Conv"].activation, int8["Conv"].count) == ("float32", 1)
    whole = {row.op: row for row in inventory.take(sealed("ort", "float32").read_bytes(), "ort").census()}
    assert whole["com.microsoft:FusedConv"].weights == "float32"


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_file_of_another_precision_does_not_pass(sealed: Any, precision: str) -> None:
    other = Precision.INT8 if precision == "float32" else Precision.FLOAT32
    with pytest.raises(ExportError, match=f"is not {other}"):
        lint.check(inventory.take(sealed("ort", precision).read_bytes(), "ort"), other)


@given(st.data())
@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_damaged_bytes_are_an_export_error_or_another_inventory(sealed: Any, data: st.DataObject) -> None:
    content = bytearray(sealed("ort", "int8").read_bytes())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(0, len(content) - 1))] ^= data.draw(st.integers(1, 255))
    try:
        assert inventory.take(bytes(content), "ort").format == "ort"
    except ExportError as error:
        assert error.fix
