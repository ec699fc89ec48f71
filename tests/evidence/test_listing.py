"""The list of runs: numbers of whole ones, names of broken ones."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
from verdicts import give_verdicts

from melanoma_edge.errors import TrustError
from melanoma_edge.evidence.listing import list_runs
from melanoma_edge.training.run import Run


@pytest.fixture
def folder(trained: Any, tmp_path: Path) -> Path:
    """Give a folder with a whole run, a broken one, one that never ended, and what is none."""
    home = tmp_path / "runs"
    whole = Path(shutil.copytree(trained.run, home / "b-whole"))
    give_verdicts([whole / "artifacts/model-int8.tflite"])
    broken = Path(shutil.copytree(trained.run, home / "a-broken"))
    (broken / "weights/model.npz").write_bytes(b"")
    (home / "c-unfinished").mkdir()
    shutil.copy(whole / "config.json", home / "c-unfinished")
    (home / "photos").mkdir()
    (home / "notes.txt").write_text("text")
    return home


def test_whole_broken_and_unfinished_runs(folder: Path) -> None:
    broken, whole, unfinished = list_runs(folder)
    assert [one.name for one in (broken, whole, unfinished)] == ["a-broken", "b-whole", "c-unfinished"]
    assert broken.error is not None and "model.npz" in broken.error and broken.metrics == {}
    assert unfinished.error is not None and "not finished" in unfinished.error
    record = Run.open(folder / "b-whole").record
    assert whole.error is None
    assert whole.metrics["melanoma_auc"] == record.metrics["test"]["melanoma_auc"]
    assert (whole.method, whole.parent, whole.stamp) == ("train", None, "synthetic images")
    verdicts = {one.file: one.verdict for one in whole.artifacts}
    assert verdicts["model-int8.tflite"] == "PASS" and verdicts["model-int8.onnx"] == "unverified"


def test_a_run_itself_is_the_only_row(folder: Path) -> None:
    (one,) = list_runs(folder / "b-whole")
    assert one.name == "b-whole"


def test_no_folder(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == ()
    with pytest.raises(TrustError, match="no such folder"):
        list_runs(tmp_path / "nowhere")
