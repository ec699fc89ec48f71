"""``export --max-loss``."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.cli import searching
from melanoma_edge.errors import Interrupted

FAST = ("--format", "tflite", "--rounding", "nearest", "--no-check-calibration", "--calibration-images", "16")


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("artifacts")))


def test_limits_that_plain_int8_keeps_leave_nothing_in_float(run: Any, copy: Path) -> None:
    answer = run("export", copy, *FAST, "--max-loss", "decision_agreement=0.1", "--max-loss", "mean_score_change=1")
    assert answer.code in (0, 5, 6), answer.err
    assert "Search on validation" in answer.out and "plain int8" in answer.out
    assert "nothing stays in float" in answer.err
    record = json.loads((copy / "artifacts/model-int8.tflite.search.json").read_text())
    assert record["limits"]["decision_agreement"] == 0.1 and record["limits"]["class_agreement"] == 0.93
    assert record["chosen"] == 0


def test_limits_that_nothing_keeps_end_with_all_that_was_tried(run: Any, copy: Path) -> None:
    impossible = ("--max-loss", "mean_score_change=0", "--json")
    answer = run("export", copy, *FAST, *impossible)
    assert answer.code == 5
    assert "misses mean_score_change" in answer.err and "Fix: " in answer.err
    assert answer.document["schema"] == "melanoma-edge/search/1"
    assert len(answer.document["candidates"]) > 1 and answer.document["chosen"] is None
    assert list((copy / "artifacts").iterdir()) == []


def test_a_dry_run_says_what_is_asked(run: Any, copy: Path) -> None:
    answer = run("export", copy, *FAST, "--max-loss", "class_agreement=0.99", "--dry-run", "--json")
    assert answer.code == 0
    assert answer.document["max_loss"] == ["class_agreement=0.99"] and answer.document["rounding"] == "nearest"
    assert not (copy / "artifacts").exists()


def test_a_stopped_search_leaves_nothing(run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(searching._Judge, "__call__", stop)
    answer = run("export", copy, *FAST, "--max-loss", "class_agreement=0.99")
    assert answer.code == Interrupted.exit_code
    assert list((copy / "artifacts").iterdir()) == []
