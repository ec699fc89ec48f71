"""The integers in front of the float tail."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest

from exporters import flatbuffer
from melanoma_edge.errors import UsageError
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.artifact import seal
from melanoma_edge.runtime.integers import open_integers

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


@pytest.mark.parametrize("precision", ["float32", "float16", "int8-dynamic"])
def test_a_file_without_integers_is_refused(toy_artifacts: Any, precision: str) -> None:
    with pytest.raises(UsageError, match="no integers"):
        open_integers(toy_artifacts["tflite", precision].path)


def test_a_file_for_several_images_at_once_is_refused(toy_artifacts: Any, tmp_path: Path) -> None:
    model = onnx.load(str(toy_artifacts["onnx", "int8"].path))
    for tensor in (*model.graph.input, *model.graph.output):
        tensor.type.tensor_type.shape.dim[0].dim_value = 5
    path = tmp_path / "model.onnx"
    path.write_bytes(seal(model.SerializeToString()))
    with pytest.raises(UsageError, match="5 images at once"):
        open_integers(path)
