"""What ``evaluate`` prints: headline numbers first, then what they rest on and what nobody measured."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("plots")))


def test_one_file_as_json(run: Any, copy: Path) -> None:
    file = copy / "artifacts/model-int8.tflite"
    answer = run("evaluate", file, "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    assert next(iter(answer.document)) == "schema" and answer.document["schema"] == "melanoma-edge/evaluation/1"
    assert answer.document["artifact"]["precision"] == "int8"
    assert json.loads(file.with_name("model-int8.tflite.evaluation.json").read_text()) == answer.document


def test_several_models_stand_side_by_side(run: Any, copy: Path) -> None:
    models = (copy / "artifacts/model-float32.onnx", copy / "artifacts/model-int8.onnx")
    answer = run("evaluate", *models)
    assert answer.code == 0
    text = answer.out
    assert text.index("melanoma sensitivity") < text.index(" are referred (") < text.index("Predictive values")
    assert text.index("Predictive values") < text.index("For whom")
    assert "synthetic images" in text and "model-int8.onnx" in text and "cannot certify 95%" in text
    assert "luminance (estimated)" in text and " few " in text
    assert "No skin type is given" in answer.err and "Synthetic images" in answer.err
    several = run("evaluate", *models, "--json", "--quiet").document
    assert several["schema"] == "melanoma-edge/evaluations/1"
    assert [one["artifact"]["precision"] for one in several["evaluations"]] == ["float32", "int8"]


def test_a_dry_run_says_what_and_where_and_does_nothing(run: Any, copy: Path) -> None:
    answer = run("evaluate", copy, copy / "artifacts/model-int8.tflite", "--dry-run", "--json")
    assert answer.code == 0
    assert answer.document["images"] == "split test"
    assert answer.document["documents"] == [
        str(copy / "report/evaluation-test.json"),
        str(copy / "artifacts/model-int8.tflite.evaluation.json"),
    ]
    assert not (copy / "report").exists()


@pytest.mark.parametrize("extra", [(), ("--robustness",), ("--rejection",), ("--explain",)])
def test_force_is_refused_where_all_is_replaced_anyway(run: Any, copy: Path, extra: tuple[str, ...]) -> None:
    answer = run("evaluate", copy, *extra, "--force", "--dry-run")
    assert (answer.code, "--force is for --out" in answer.err) == (2, True), answer.err


def test_options_that_would_do_nothing_are_refused(run: Any, copy: Path) -> None:
    answer = run("evaluate", copy, "--skip-missing-images")
    assert answer.code == 2 and "for --data" in answer.err
