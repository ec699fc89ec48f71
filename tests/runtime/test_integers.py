"""The integers in front of the float tail."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters import flatbuffer
from melanoma_edge.errors import UsageError
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.artifact import FREE, read_record, seal
from melanoma_edge.runtime.integers import open_integers, why_no_integers

BOTH = ("tflite", "onnx")


def integers(path: Path, batch: Any) -> Any:
    with open_integers(path) as runner:
        return runner.infer(batch)


@pytest.mark.parametrize("precision", ["int8", "int8-full"])
@pytest.mark.parametrize("form", BOTH)
def test_the_tail_makes_the_probabilities_of_the_integers(
    toy_artifacts: Any, toy_batch: Any, form: str, precision: str
) -> None:
    path = toy_artifacts[form, precision].path
    with open_model(path) as runner:
        expected = runner.infer(toy_batch[:8])
    model = flatbuffer.load(toy_artifacts["tflite", precision].path.read_bytes())
    tensors = {flatbuffer.tensor_name(one): one for one in model.subgraphs[0].tensors}
    scale, zero = flatbuffer.scale_and_zero(tensors["last"]) or (0.0, 0)
    found = integers(path, toy_batch[:8])
    assert found.dtype == np.int8
    channels = int(tensors["last"].shape[-1])
    places = found.reshape(8, -1, channels)
    pooled = (places.astype(np.float64).mean(axis=1) - zero) * scale
    weights, bias = (flatbuffer.constant(model, tensors[f"head/{part}"]) for part in ("weights", "bias"))
    logits = pooled @ weights.reshape(-1, channels).T + bias
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), expected, atol=1e-6)


def test_all_answers_of_a_runner_of_integers_are_integers(toy_artifacts: Any, toy_batch: Any) -> None:
    with open_integers(toy_artifacts["onnx", "int8"].path) as runner:
        (values,) = runner.infer_all(toy_batch[:2]).values()
        assert runner.options == {"session.qdqisint8allowed": "1"}
    np.testing.assert_array_equal(values, integers(toy_artifacts["onnx", "int8"].path, toy_batch[:2]))


@pytest.mark.parametrize(
    ("form", "precision", "why"),
    [
        ("tflite", "float32", "the precision is float32"),
        ("onnx", "float16", "the precision is float16"),
        ("tflite", "int8-dynamic", "the precision is int8-dynamic"),
        ("ort", "int8", "the format is ort"),
    ],
)
def test_a_file_without_integers_is_refused(toy_artifacts: Any, form: str, precision: str, why: str) -> None:
    with pytest.raises(UsageError, match=f"no integers to read: {why}"):
        open_integers(toy_artifacts[form, precision].path)


def resealed(path: Path, folder: Path, old: bytes, new: bytes) -> Path:
    """Write a copy whose document says something else."""
    data = path.read_bytes()
    assert data.count(old) == 1
    changed = folder / path.name
    changed.write_bytes(seal(data.replace(old, new)))
    return changed


def test_a_file_with_layers_in_float_is_refused(toy_artifacts: Any) -> None:
    path = toy_artifacts["tflite", "int8"].path
    record = read_record(path)
    assert why_no_integers(record) is None
    hybrid = replace(record, kept={"last": "float32"})
    assert why_no_integers(hybrid) == "not all layers are int8: last"


def test_a_file_for_several_images_at_once_is_refused(toy_artifacts: Any, tmp_path: Path) -> None:
    path = resealed(toy_artifacts["onnx", "int8"].path, tmp_path, b'"shape": [1,3]', b'"shape": [5,3]')
    with pytest.raises(UsageError, match="the file takes 5 images at once"):
        open_integers(path)
    record = read_record(path)
    free = replace(record, outputs=(replace(record.outputs[0], shape=(FREE, 3)),))
    assert why_no_integers(free) is None
