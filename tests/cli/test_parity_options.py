"""``parity`` in depth: matrix, layers, bisection, folds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from mutations import constant, resealed


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run"))


def test_the_matrix_is_printed_and_stands_beside_the_run(run: Any, copy: Path) -> None:
    answer = run("parity", copy, "--runtimes", "litert,onnxruntime", "--json", "--quiet")
    assert (answer.code, answer.err) == (6, "")
    assert answer.document["schema"] == "melanoma-edge/parity-matrix/1"
    assert json.loads((copy / "report/matrix-test.json").read_text()) == answer.document
    assert not list(copy.glob("artifacts/*.parity.json")), "the record of an artifact is that of plain parity"
    shown = run("parity", copy, "--runtimes", "litert")
    assert "Parity matrix" in shown.out and "model-int8.tflite" in shown.out
    assert "52 melanoma lesions with the same result would decide" in shown.err


def test_out_is_not_overwritten_unasked(run: Any, copy: Path, tmp_path: Path) -> None:
    out = tmp_path / "matrix.json"
    out.write_text("mine")
    command = ("parity", copy, "--runtimes", "litert", "--out", out, "--quiet")
    assert (run(*command).code, out.read_text()) == (2, "mine")
    assert run(*command, "--force").code == 6
    assert json.loads(out.read_text())["split"] == "test"


def test_layers_and_bisect_name_the_broken_layer(run: Any, copy: Path) -> None:
    path = copy / "artifacts/broken.tflite"
    change = constant("block_1_depthwise/weights", np.zeros_like)
    path.write_bytes(resealed(change((copy / "artifacts/model-int8.tflite").read_bytes())))
    answer = run("parity", copy, path, "--layers", "--json")
    assert (answer.code, answer.document["first_large"]) == (0, "block_1_depthwise")
    assert answer.document["sentence"] == "block_1_depthwise answers every image alike"
    assert answer.document["diagnosis"]["float_file"].endswith("model-float32.tflite")
    assert (copy / "report/broken.tflite.layers.png").stat().st_size > 5000
    assert json.loads((copy / "report/broken.tflite.layers.json").read_text()) == answer.document
    found = run("parity", copy, path, "--bisect", "--split", "train", "--json", "--limit", "class_agreement=0.8")
    assert (found.code, found.document["layers"]) == (0, ["block_1_depthwise"])


@pytest.mark.parametrize(
    ("more", "says"),
    [
        (("--layers",), "--layers looks at one file, not 0"),
        (("--bisect",), "--bisect looks at one file, not 0"),
        (("--layers", "--bisect"), "are different questions"),
        (("--runtimes", "all", "--layers"), "are different questions"),
        (("--runtimes", "tpu"), "unknown runtime tpu"),
        (("--runtimes", ""), "unknown runtime none"),
        (("--out", "matrix.json"), "--out is for the matrix"),
    ],
)
def test_what_does_not_go_together_is_refused(run: Any, trained: Any, more: tuple[str, ...], says: str) -> None:
    answer = run("parity", trained.run, *more)
    assert (answer.code, says in answer.err) == (2, True), answer.err


def test_runs_that_are_no_folds_are_refused(run: Any, trained: Any, copy: Path) -> None:
    answer = run("parity", trained.run, copy)
    assert (answer.code, "no fold: trained without --folds" in answer.err) == (2, True), answer.err


def test_a_file_with_a_made_up_calibration_is_refused(run: Any, trained: Any, tmp_path: Path) -> None:
    from mutations import mutations

    (ten,) = [one for one in mutations("block_1", "block_2_add") if "ten copies" in one.name]
    path = tmp_path / "ten.tflite"
    path.write_bytes(resealed(ten.change(trained.artifact(ten.base).read_bytes())))
    answer = run("parity", trained.run, path)
    assert (answer.code, "calibrated on 10 images (10 MEL)" in answer.err) == (7, True), answer.err
