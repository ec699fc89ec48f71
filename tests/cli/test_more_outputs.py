"""Further outputs, ORT files and the precisions beside int8, as a user asks for them."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import exporters
from melanoma_edge.files import sha256_of
from melanoma_edge.training.run import Run

LIMITS = ("--limit", "sensitivity_loss=1", "--limit", "specificity_loss=1", "--limit", "macro_auc_change=-1")


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run, without its artifacts, that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("artifacts")))


def test_every_precision_of_both_formats_is_judged(run: Any, copy: Path) -> None:
    formats = ("--format", "tflite", "--format", "onnx")
    answer = run("export", copy, *formats, "--precision", "float16", "--precision", "int8-dynamic", "--json", *LIMITS)
    judged = {(one["format"], one["precision"]): one for one in json.loads(answer.out)["artifacts"]}
    assert set(judged) == {(form, kind) for form in ("tflite", "onnx") for kind in ("float16", "int8-dynamic")}
    for (form, precision), one in judged.items():
        assert one["verdict"] in ("PASS", "FAIL", "INCONCLUSIVE") and len(one["checks"]) == 14
        assert (copy / f"artifacts/model-{precision}.{form}.parity.json").is_file()
    assert answer.code in (0, 5, 6)


def test_an_ort_file_with_further_outputs_is_written_judged_and_inspected(run: Any, copy: Path) -> None:
    asked = ("--format", "ort", "--precision", "float32", "--with-cam", "--with-embedding")
    answer = run("export", copy, *asked, "--json", *LIMITS)
    (judged,) = json.loads(answer.out)["artifacts"]
    path = copy / "artifacts/model-float32-cam.ort"  # the embedding is what the contract's limits need
    assert (Path(judged["path"]), judged["runtime"]) == (path, "onnxruntime")
    record = json.loads(path.with_name(f"{path.name}.json").read_text())
    assert record["outputs"] == ["probabilities", "embedding", "cam"]
    ((name, digest),) = record["beside"].items()
    assert name == f"{path.name}.required_operators.config" and digest == sha256_of(path.with_name(name))
    census = json.loads(run("inspect", path, "--json").out)["census"]
    assert {row["op"] for row in census} >= {"com.microsoft:FusedConv", "Conv", "Softmax"}


def test_all_of_a_run_s_files_are_judged_whatever_their_outputs(run: Any, copy: Path) -> None:
    exporters.export(Run.open(copy), "onnx", "float32", extras=("cam",))
    exporters.export(Run.open(copy), "ort", "float32")
    answer = run("parity", copy, "--dry-run", "--json")
    names = sorted(Path(path).name for path in json.loads(answer.out)["artifacts"])
    assert names == ["model-float32-cam.onnx", "model-float32.ort"]


def test_a_second_outputless_file_lies_beside_the_first(run: Any, copy: Path) -> None:
    command = ("export", copy, "--format", "tflite", "--precision", "float32", "--no-parity")
    assert run(*command).code == 0
    assert run(*command, "--with-cam").code == 0
    assert run(*command, "--with-cam").code == 2
    names = sorted(path.name for path in (copy / "artifacts").glob("*.tflite"))
    assert names == ["model-float32-cam.tflite", "model-float32.tflite"]


def test_pictures_of_a_run_and_of_its_file_are_alike(run: Any, trained: Any, copy: Path, tmp_path: Path) -> None:
    exported = exporters.export(Run.open(copy), "tflite", "float32", extras=("cam",)).path
    photo, pictures = trained.photo(), []
    for name, model in (("of-run", copy), ("of-file", exported)):
        answer = run("predict", model, photo, photo, "--cam", tmp_path / name)
        assert (answer.code, sorted(path.name for path in (tmp_path / name).iterdir())) == (
            0,
            [f"0001-{photo.stem}.png", f"0002-{photo.stem}.png"],
        )
        pictures.append(np.asarray(Image.open(tmp_path / name / f"0001-{photo.stem}.png"), int))
    assert np.abs(pictures[0] - pictures[1]).max() <= 1
