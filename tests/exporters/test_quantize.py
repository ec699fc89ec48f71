from __future__ import annotations

import sys
from typing import Any

import pytest

from exporters import flatbuffer
from exporters.precision import Precision
from exporters.quantize import quantized, uint8_input, with_input_range
from melanoma_edge.errors import ExportError, MachineError


def float_file(toy_artifacts: Any) -> bytes:
    return bytes(toy_artifacts["tflite", "float32"].path.read_bytes())


def test_the_range_of_pixels_is_fixed_whatever_was_measured(toy_artifacts: Any) -> None:
    ranges = with_input_range(float_file(toy_artifacts), {"scaled": (-0.2, 0.3), "stem": (0.0, 6.0)})
    assert ranges["scaled"] == pytest.approx((-128 / 127.5, 127 / 127.5))
    assert ranges["stem"] == (0.0, 6.0)


def test_int8_without_ranges_is_refused(toy_artifacts: Any) -> None:
    with pytest.raises(ExportError, match="needs calibration images"):
        quantized(float_file(toy_artifacts), Precision.INT8)


def test_a_missing_range_is_an_error_not_a_guess(toy_artifacts: Any) -> None:
    with pytest.raises(ExportError, match="cannot quantize"):
        quantized(float_file(toy_artifacts), Precision.INT8, {"stem": (0.0, 6.0)})


def test_the_input_of_int8_full_is_the_bytes_themselves(toy_artifacts: Any) -> None:
    model = flatbuffer.load(toy_artifacts["tflite", "int8-full"].path.read_bytes())
    graph = model.subgraphs[0]
    image = graph.tensors[graph.inputs[0]]
    assert flatbuffer.dtype_name(image) == "uint8"
    assert flatbuffer.scale_and_zero(image) == (pytest.approx(1 / 127.5, rel=1e-6), 128)
    assert "SUB" not in [flatbuffer.op_name(model, operator) for operator in graph.operators]


def test_a_float_model_cannot_take_bytes(toy_artifacts: Any) -> None:
    with pytest.raises(ExportError, match="does not begin with the scaling"):
        uint8_input(float_file(toy_artifacts))


def test_a_missing_quantizer_names_the_package(toy_artifacts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer.quantizer", None)
    with pytest.raises(MachineError, match="pip install ai-edge-quantizer"):
        quantized(float_file(toy_artifacts), Precision.INT8_DYNAMIC)
