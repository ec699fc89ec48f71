"""``parity`` in depth: matrix, layers, bisection, folds."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from breaking import constant, resealed


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
    assert "bounds at either end: a 90 % interval" in shown.err
    parts = {row["attribute"] for cell in answer.document["cells"] for row in cell["subgroups"]}
    assert {"site", "hair", "luminance"} <= parts, "known and measured"


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
    assert answer.document["sentence"] == "Layer block_1_depthwise answers every image alike"
    assert "answers every image alike" in answer.document["diagnosis"]["sentence"]
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
        (("--layers", "--limit", "sensitivity_loss=0.1"), "--limit would do nothing with --layers"),
        (("--layers", "--seed", "0"), "--seed would do nothing with --layers"),
        (("--layers", "--force"), "--force would do nothing with --layers"),
        (("--bisect", "--reference", "run"), "--reference would do nothing with --bisect"),
        (("--bisect", "--seed", "1", "--force"), "leave out --seed and --force"),
        (("--force",), "--force would do nothing without --out"),
        (("--runtimes", "litert", "--force"), "--force would do nothing without --out"),
    ],
)
def test_what_does_not_go_together_is_refused(run: Any, trained: Any, more: tuple[str, ...], says: str) -> None:
    answer = run("parity", trained.run, *more)
    assert (answer.code, says in answer.err) == (2, True), answer.err


def test_what_is_no_record_is_said_to_be_none(run: Any, copy: Path) -> None:
    path = copy / "artifacts/model-float32.tflite"
    assert "Not kept beside the files" in run("parity", copy, path, "--split", "validation").err
    assert not list(copy.glob("artifacts/*.parity.json"))


def test_a_bisection_of_many_layers_fits_a_terminal(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    from exporters import bisect as module
    from melanoma_edge.cli.drift import run_bisect
    from melanoma_edge.parity.gate import Limits

    names = tuple(f"block_{number}_depthwise" for number in range(40))
    missed = ("balanced_accuracy_change", "melanoma_auc_change", "sensitivity_loss", "melanomas_lost")
    tried = (module.Trial((), False, missed), module.Trial(names, True, ()))
    found = module.Bisection("schema", "run", "model.tflite", *["0" * 64] * 3, "test", names[:1], tried)
    monkeypatch.setattr(module, "bisect", lambda *_: found)
    subject: Any = SimpleNamespace(path=tmp_path)
    assert run_bisect(subject, Path("model.tflite"), "test", Limits(), False, True) == 0
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) < 10 and max(map(len, lines)) <= 100, "one line a trial"
    assert "and 2 more" in "".join(lines)
    written = json.loads((tmp_path / "report/model.tflite.bisect.json").read_text())
    assert written["tried"][1]["layers"] == list(names)


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
