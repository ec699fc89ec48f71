"""Runs that the tests of the page share."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from found_out import evaluation, found_out, name_images
from verdicts import catalog_of_drawn, give_verdicts

from melanoma_edge.files import to_json
from melanoma_edge.training.run import Run


@pytest.fixture
def full(run: Run) -> Run:
    """Give a run of which everything was found out."""
    for name, document in found_out(run).items():
        (run.path / f"report/{name}.json").write_text(to_json(document))
    return run


@pytest.fixture
def run(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Give a run with verdicts, one of them FAIL, and an evaluation."""
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    give_verdicts([folder / "artifacts/model-int8.tflite", folder / "artifacts/model-float32.onnx"])
    give_verdicts([folder / "artifacts/model-int8.onnx"], worse=True)
    opened = Run.open(folder)
    catalog_of_drawn(monkeypatch, opened.contract, name_images(folder))
    (folder / "report").mkdir()
    (folder / "report/evaluation-test.json").write_text(to_json(evaluation(opened)))
    return opened
