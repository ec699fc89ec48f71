"""One quantized model in two formats: the same integers, scales and zero points, and the same answers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from exporters import export_many, flatbuffer
from exporters.numbers import Numbers, agreement, read_numbers
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.integers import open_integers
from melanoma_edge.training.run import Run

BOTH = ("tflite", "onnx")
LAYERS = {"stem", "block_1_depthwise", "block_2_expand", "block_2_project", "last"}
Pair = dict[str, Path]


@pytest.fixture(scope="module")
def quantized_pair(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """Round the tiny run's weights as `quantize` does, and export the new run."""
    from melanoma_edge.compression.quantize import quantize

    run = quantize(Run.open(trained.run), tmp_path_factory.mktemp("same") / "int8", images=24)
    written = export_many(run, [(form, "int8") for form in BOTH], calibration_images=16)
    return {one.format: one.path for one in written}


@pytest.fixture(params=["plain", "quantized"])
def pair(request: pytest.FixtureRequest, trained: Any) -> Pair:
    """Give the int8 files of the tiny run, and those of the run that `quantize` made of it."""
    if request.param == "quantized":
        found: Pair = request.getfixturevalue("quantized_pair")
        return found
    return {form: trained.artifact(f"model-int8.{form}") for form in BOTH}


def numbers_of(pair: Pair) -> tuple[Numbers, Numbers]:
    lite, onnx = (read_numbers(pair[form].read_bytes(), form) for form in BOTH)
    return lite, onnx


def toy_numbers(toy_artifacts: Any, precision: str) -> tuple[Numbers, Numbers]:
    return numbers_of({form: toy_artifacts[form, precision].path for form in BOTH})


def test_a_run_s_int8_files_hold_the_same_numbers(pair: Pair) -> None:
    found = agreement(*numbers_of(pair))
    assert [(one.what, one.different) for one in found if one.different] == []
    assert {one.what: one.tensors for one in found}.items() >= {"weight integers": 10, "bias integers": 10}.items()


@pytest.mark.parametrize("precision", ["int8", "int8-full", "int8-dynamic"])
def test_every_int8_precision_holds_the_same_numbers(toy_artifacts: Any, precision: str) -> None:
    found = agreement(*toy_numbers(toy_artifacts, precision))
    assert [(one.what, one.different) for one in found if one.different] == []
    counts = {one.what: one.tensors for one in found}
    assert counts["weight integers"] == 10 and (counts["activation scales"] > 12) == (precision != "int8-dynamic")


def test_everything_quantized_is_read(toy_artifacts: Any) -> None:
    lite, _ = toy_numbers(toy_artifacts, "int8-full")
    model = flatbuffer.load(toy_artifacts["tflite", "int8-full"].path.read_bytes())
    whole = [one for one in model.subgraphs[0].tensors if flatbuffer.scale_and_zero(one)]
    stored = [one for one in whole if flatbuffer.constant(model, one) is not None]
    assert len(lite.activations) == len(whole) - len(stored)
    assert {"image", "scaled", "pad 0", "pad 1", "add 0"} | LAYERS <= set(lite.activations)
    assert set(lite.weights) == set(lite.biases) >= LAYERS


def test_numbers_are_those_stored(toy_artifacts: Any) -> None:
    for found in toy_numbers(toy_artifacts, "int8"):
        stem, depthwise = found.weights["stem"], found.weights["block_1_depthwise"]
        assert stem.integers.shape == (8, 3, 3, 3) and depthwise.integers.shape == (32, 3, 3, 1)
        assert stem.integers.dtype == np.int8 and np.abs(stem.integers).reshape(8, -1).max(axis=1).tolist() == [127] * 8
        assert stem.scales.shape == (8,) and not stem.zeros.any()
        assert found.biases["stem"].integers.dtype == np.int32
        scale, zero = found.activations["block_1_depthwise"]
        assert (scale, zero) == (pytest.approx(6 / 255, rel=0.2), -128)


def test_a_bias_has_the_scale_of_what_it_is_added_to(toy_artifacts: Any) -> None:
    lite, _ = toy_numbers(toy_artifacts, "int8")
    product = np.float32(lite.activations["scaled"][0]) * lite.weights["stem"].scales
    np.testing.assert_allclose(lite.biases["stem"].scales, product, rtol=1e-6)


def test_a_number_that_differs_is_named(toy_artifacts: Any) -> None:
    one, other = toy_numbers(toy_artifacts, "int8")
    other.weights["stem"].integers.flags.writeable = False
    changed = other.weights["stem"].integers.copy()
    changed[3, 1, 1, 0] += 1
    other.weights["stem"] = type(other.weights["stem"])(changed, other.weights["stem"].scales, np.zeros(8, np.int64))
    del other.biases["last"]
    other.activations["add 0"] = (other.activations["add 0"][0], 99)
    found = {one.what: one for one in agreement(one, other) if one.different}
    assert {what: one.different for what, one in found.items()} == {
        "weight integers": ("stem",),
        "bias integers": ("last",),
        "bias scales": ("last",),
        "activation zero points": ("add 0",),
    }
    assert found["weight integers"].equal == found["weight integers"].tensors - 1


def test_both_runtimes_agree_within_one_step(pair: Pair, trained: Any) -> None:
    pixels = Run.open(trained.run).images("validation").pixels[:]
    integers, probabilities = [], []
    for path in pair.values():
        with open_integers(path) as runner:
            integers.append(runner.infer(pixels).astype(int))
        with open_model(path) as runner:
            probabilities.append(runner.infer(pixels))
    assert len(np.unique(integers[0])) > 50
    assert np.abs(integers[0] - integers[1]).max() <= 1
    assert np.abs(probabilities[0] - probabilities[1]).max() < 1e-3
