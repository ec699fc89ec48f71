"""Rounding by ``export`` itself."""

from __future__ import annotations

import shutil
from typing import Any

import numpy as np
import pytest

from exporters import export, flatbuffer
from exporters.answers import answers
from exporters.material import Material, Recipe
from exporters.plan import Keep, layers
from exporters.precision import Precision
from melanoma_edge.compression.quantize import quantize
from melanoma_edge.errors import UsageError
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.training.run import Run

OPTIONS: dict[str, Any] = {"calibration_images": 24, "check_calibration": False}


@pytest.fixture(scope="module")
def runs(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, Run]:
    """Return a float run and what ``quantize`` makes of it."""
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(trained.run, folder / "float", ignore=shutil.ignore_patterns("artifacts"))
    parent = Run.open(folder / "float")
    return parent, quantize(parent, folder / "int8", images=24)


@pytest.fixture(scope="module")
def material(runs: tuple[Run, Run]) -> Material:
    """Return what files of the float run are made from, with learned rounding."""
    return Material(runs[0], Recipe(24))


def tensors(data: bytes) -> dict[str, Any]:
    model = flatbuffer.load(data)
    found = {}
    for tensor in model.subgraphs[0].tensors:
        quantization = tensor.quantization
        scale = None if quantization is None or quantization.scale is None else quantization.scale.tolist()
        values = flatbuffer.constant(model, tensor)
        found[flatbuffer.tensor_name(tensor)] = None if values is None else values.tobytes(), scale
    return found


def test_export_rounds_as_quantize_does(runs: tuple[Run, Run]) -> None:
    parent, child = runs
    learned, made = (export(run, "tflite", "int8", **OPTIONS) for run in runs)
    rounded = tensors(learned.path.read_bytes())
    assert rounded == tensors(made.path.read_bytes())
    assert (learned.record.rounding, made.record.rounding) == ("learned", "as the run")
    found = read_record(learned.path)
    assert found.rounding == "learned" and found.contract == parent.contract != child.contract
    assert found.contract.provenance.reference_sha256 == parent.record.weights_sha256
    nearest = export(parent, "tflite", "int8", rounding="nearest", force=True, **OPTIONS)
    assert nearest.record.rounding == "nearest" and tensors(nearest.path.read_bytes()) != rounded


def test_float_files_know_no_rounding(runs: tuple[Run, Run]) -> None:
    assert export(runs[0], "tflite", "float32", **OPTIONS).record.rounding is None


def test_smooth_weights_answer_as_the_run_and_rounded_ones_do_not(material: Material) -> None:
    pixels = material.chosen.pixels[:4]  # on these, no equalised channel is cut off at 6
    smooth, plain = answers(material.smooth, pixels), answers(material.source, pixels)
    np.testing.assert_allclose(smooth, plain, atol=1e-4)
    assert np.abs(answers(material.on_grid, pixels) - plain).max() > 1e-4


def test_layers_left_in_float_have_the_weights_that_were_not_rounded(material: Material) -> None:
    smooth, rounded = tensors(material.smooth), tensors(material.on_grid)
    kept, *rest = [name for name in layers(material.on_grid) if f"{name}/weights" in rounded]
    found = tensors(material.mixed(Precision.INT8, material.ranges, {kept: Keep.FLOAT32}))
    assert found[f"{kept}/weights"] == smooth[f"{kept}/weights"] != rounded[f"{kept}/weights"]
    plain = tensors(material.mixed(Precision.INT8, material.ranges))
    assert rest and all(found[f"{name}/weights"] == plain[f"{name}/weights"] for name in rest)


def test_with_all_layers_left_in_float_nothing_is_rounded(material: Material) -> None:
    everything = dict.fromkeys(layers(material.on_grid), Keep.FLOAT32)
    pixels = material.chosen.pixels[:4]
    mixed = answers(material.mixed(Precision.INT8, material.ranges, everything), pixels)
    np.testing.assert_allclose(mixed, answers(material.smooth, pixels), atol=1e-6)


def test_an_unknown_rounding_is_refused_at_once(runs: tuple[Run, Run]) -> None:
    with pytest.raises(UsageError, match="unknown rounding 'magic'"):
        export(runs[0], "tflite", "int8", rounding="magic", force=True)
