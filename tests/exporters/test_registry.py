from __future__ import annotations

from typing import Any

import pytest

import exporters
from exporters.precision import Precision
from exporters.registry import FORMATS, checked, register
from melanoma_edge.errors import UsageError


def test_unknown_names_are_all_named_with_what_is_known() -> None:
    with pytest.raises(UsageError) as caught:
        checked([("coreml", "int8"), ("tflite", "int4"), ("onnx", "int4")], 1)
    assert "format 'coreml'" in str(caught.value) and str(caught.value).count("int4") == 1
    assert "onnx, ort, tflite" in str(caught.value)
    assert caught.value.exit_code == 2


def test_pairs_keep_their_order_and_come_once() -> None:
    found = checked([("onnx", "int8"), ("tflite", "float32"), ("onnx", "int8")], 1)
    assert [(form.name, precision) for form, precision in found] == [
        ("onnx", Precision.INT8),
        ("tflite", Precision.FLOAT32),
    ]


@pytest.mark.parametrize("batch", [None, 4])
def test_tflite_refuses_other_batches_before_anything_is_computed(batch: int | None) -> None:
    with pytest.raises(UsageError, match="tflite int8: a TFLite file takes one image"):
        exporters.export(None, "tflite", "int8", batch=batch)  # type: ignore[arg-type]


def test_a_batch_of_none_is_refused() -> None:
    with pytest.raises(UsageError, match="batch of 0"):
        checked([("onnx", "int8")], 0)


def test_another_format_is_one_function_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("exporters.registry.FORMATS", dict(FORMATS))

    @register("plain", ".bin", refuse=lambda precision, batch: "" if precision == "float32" else "floats only")
    def write(tflite: bytes, document: str, precision: Precision, batch: int | None) -> bytes:
        return tflite + document.encode()

    ((form, _),) = checked([("plain", "float32")], 1)
    arguments: dict[str, Any] = {"document": "{}", "precision": Precision.FLOAT32, "batch": 1}
    assert (form.suffix, form.write(b"model", **arguments)) == (".bin", b"model{}")
    with pytest.raises(UsageError, match="plain int8: floats only"):
        checked([("plain", "int8")], 1)
