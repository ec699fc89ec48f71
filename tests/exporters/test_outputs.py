"""Further outputs: what they are, that they are exact, and that they leave the probabilities alone."""

from __future__ import annotations

from dataclasses import replace
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toy_files import sealed, toy_tflite

from exporters import FORMATS, flatbuffer, inventory, lint
from exporters.outputs import EXTRAS, chosen, output_shapes, with_outputs
from exporters.precision import Precision
from melanoma_edge.errors import ExportError, UsageError
from melanoma_edge.runtime import open_model, read_record
from melanoma_edge.runtime.artifact import FREE, read_artifact
from melanoma_edge.runtime.base import WrongShape
from melanoma_edge.runtime.worker import IsolatedRunner

__all__ = ["sealed", "toy_tflite"]

PAIRS = [
    (form, precision.value)
    for form, precision in product(("tflite", "onnx", "ort"), Precision)
    if precision is not Precision.INT8X16 and not FORMATS[form].refuse(precision, 1)
]
IMAGES = 12


def answers(path: Path, batch: Any) -> dict[str, Any]:
    with open_model(path) as runner:
        found = runner.infer_all(batch)
        np.testing.assert_array_equal(runner.infer(batch), found["probabilities"])
    return found


def softmax(logits: Any) -> Any:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return powers / powers.sum(axis=-1, keepdims=True)


@pytest.fixture(scope="module")
def explained(toy_run: Any, toy_batch: Any) -> dict[str, Any]:
    from melanoma_edge.model.classifier import explained_model

    model = explained_model(toy_run.network, toy_run.weights(), toy_run.contract.temperature)
    found = model(toy_batch[:IMAGES].astype(np.float32), training=False)
    return {name: np.asarray(values) for name, values in found.items()}


@pytest.mark.parametrize(("form", "precision"), PAIRS)
def test_the_probabilities_are_those_of_the_file_without_them(
    sealed: Any, toy_batch: Any, form: str, precision: str
) -> None:
    plain, rich = (answers(sealed(form, precision, extras), toy_batch[:IMAGES]) for extras in ((), EXTRAS))
    assert list(plain) == ["probabilities"] and list(rich) == ["probabilities", "embedding", "cam"]
    if precision.startswith("int8") and precision != "int8-dynamic":
        np.testing.assert_array_equal(plain["probabilities"], rich["probabilities"])
    np.testing.assert_allclose(plain["probabilities"], rich["probabilities"], atol=1e-6)


@pytest.mark.parametrize(("form", "precision"), PAIRS)
def test_the_map_explains_the_probabilities_exactly(sealed: Any, toy_batch: Any, form: str, precision: str) -> None:
    found = answers(sealed(form, precision, EXTRAS), toy_batch[:IMAGES])
    assert found["cam"].shape == (IMAGES, 8, 8, 3) and found["embedding"].shape == (IMAGES, 64)
    assert found["cam"].std(axis=(1, 2)).min() > 0.01
    np.testing.assert_allclose(softmax(found["cam"].mean(axis=(1, 2))), found["probabilities"], atol=1e-6)


@pytest.mark.parametrize("form", ["tflite", "onnx", "ort"])
def test_float_files_answer_as_keras(sealed: Any, toy_batch: Any, explained: dict[str, Any], form: str) -> None:
    found = answers(sealed(form, "float32", EXTRAS), toy_batch[:IMAGES])
    for name in ("embedding", "cam"):
        np.testing.assert_allclose(found[name], explained[name], atol=1e-4)


def test_the_mean_of_the_map_is_the_logits_divided_by_the_temperature(
    toy_run: Any, toy_batch: Any, explained: dict[str, Any], toy_expected: Any
) -> None:
    weights = toy_run.weights()
    kernel, bias = weights["head/kernel"][0, 0], weights["head/bias"]
    logits = explained["embedding"] @ kernel + bias
    temperature = toy_run.contract.temperature
    np.testing.assert_allclose(explained["cam"].mean(axis=(1, 2)), logits / temperature, atol=1e-5)
    np.testing.assert_allclose(explained["probabilities"], toy_expected[:IMAGES], atol=1e-6)


@pytest.mark.parametrize(("form", "precision"), [("tflite", "int8"), ("onnx", "int8"), ("ort", "int8")])
def test_the_head_is_stored_once(sealed: Any, form: str, precision: str) -> None:
    """Its weights are 768 bytes here, and would be 36 kB in the usual network."""
    plain, rich = (sealed(form, precision, extras) for extras in ((), ("cam",)))
    counted = [inventory.take(path.read_bytes(), form).totals().weight_bytes for path in (plain, rich)]
    assert counted[0] == counted[1]


@pytest.mark.parametrize(("form", "precision"), PAIRS)
@pytest.mark.parametrize("extras", [(), ("cam",), ("embedding",), EXTRAS])
def test_the_lint_wants_what_was_asked_and_nothing_else(
    sealed: Any, form: str, precision: str, extras: tuple[str, ...]
) -> None:
    found = inventory.take(sealed(form, precision, extras).read_bytes(), form)
    lint.check(found, Precision(precision), extras)
    for other in ((), ("cam",), ("embedding",), EXTRAS):
        if other != extras:
            with pytest.raises(ExportError, match="output is"):
                lint.check(found, Precision(precision), other)


@pytest.mark.parametrize("batch", [None, 5])
@pytest.mark.parametrize("precision", ["float32", "int8"])
@pytest.mark.parametrize("form", ["onnx", "ort"])
def test_any_batch_answers_as_one_image_at_a_time(
    sealed: Any, toy_batch: Any, form: str, precision: str, batch: int | None
) -> None:
    alone = answers(sealed(form, precision, EXTRAS), toy_batch[:32])
    for count in (1, 7, 32):
        together = answers(sealed(form, precision, EXTRAS, batch), toy_batch[:count])
        for name, values in together.items():
            np.testing.assert_allclose(values, alone[name][:count], atol=1e-5)


def test_the_document_names_shapes_and_meanings(sealed: Any) -> None:
    record = read_record(sealed("onnx", "int8", EXTRAS, None))
    assert {note.name: note.shape for note in record.outputs} == {
        "probabilities": (FREE, 3),
        "embedding": (FREE, 64),
        "cam": (FREE, 8, 8, 3),
    }
    assert all(note.meaning for note in record.outputs)
    assert record.extras == EXTRAS


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_a_document_that_lies_about_its_outputs_is_refused(sealed: Any, form: str) -> None:
    from melanoma_edge.runtime.litert import LiteRTRunner
    from melanoma_edge.runtime.onnx import OnnxRunner

    record, data = read_artifact(sealed(form, "int8", EXTRAS))
    less, other = record.outputs[:1], (*record.outputs[:2], replace(record.outputs[2], shape=(1, 7, 7, 3)))
    for outputs in (less, other):
        with pytest.raises(WrongShape, match="its document says"):
            (LiteRTRunner if form == "tflite" else OnnxRunner)(replace(record, outputs=outputs), data)


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_another_process_answers_the_same(sealed: Any, toy_batch: Any, form: str) -> None:
    path = sealed(form, "int8", EXTRAS)
    here = answers(path, toy_batch[:40])
    with IsolatedRunner(path) as runner:
        there, none = runner.infer_all(toy_batch[:40]), runner.infer_all(toy_batch[:0])
    for name, values in here.items():
        np.testing.assert_array_equal(there[name], values)
        assert none[name].shape == (0, *values.shape[1:])


def test_names_come_once_in_their_order_and_unknown_ones_are_refused() -> None:
    assert chosen(["cam", "embedding", "cam"]) == EXTRAS and chosen([]) == ()
    with pytest.raises(UsageError, match="heatmap"):
        chosen(["cam", "heatmap"])


def test_nothing_asked_is_nothing_done(toy_tflite: Any) -> None:
    assert with_outputs(toy_tflite("int8"), ()) is toy_tflite("int8")
    assert output_shapes(toy_tflite("int8"), 4) == {"probabilities": (4, 3)}


def test_a_model_without_a_head_is_refused(toy_tflite: Any) -> None:
    model = flatbuffer.load(toy_tflite("float32"))
    for tensor in model.subgraphs[0].tensors:
        if flatbuffer.tensor_name(tensor) == "head":
            tensor.name = "other"
    with pytest.raises(ExportError, match="no classifier head"):
        with_outputs(flatbuffer.pack(model), EXTRAS)
