"""Quickstart clears what an earlier one left, and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.cli import chain
from melanoma_edge.cli.chain import check_place, quickstart
from melanoma_edge.errors import Interrupted, UsageError


@pytest.fixture
def place(trained: Any, tmp_path: Path) -> Path:
    """Give what a quickstart leaves when it is stopped in pruning."""
    out = tmp_path / "out"
    shutil.copytree(trained.data, out / "data")
    shutil.copytree(trained.run, out / "run")
    (out / ".pruned.lock").touch()
    return out


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def refused(out: Path, match: str) -> None:
    before = files(out)
    with pytest.raises(UsageError, match=match):
        quickstart(out, force=True)
    assert files(out) == before


def test_what_a_quickstart_left_is_cleared_with_force_only(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="refusing to overwrite"):
        check_place(place, force=False)
    check_place(place, force=True)
    (place / "pruned").mkdir()
    monkeypatch.setattr(chain, "_steps", lambda out, *_: sorted(path.name for path in out.iterdir()))
    assert quickstart(place, force=True) == []


@pytest.mark.parametrize("name", [".git", ".env", "notes.txt", ".data.json", "run2"])
def test_other_files_are_kept(place: Path, name: str) -> None:
    (place / name).write_text("work")
    refused(place, "other files: ")


def test_data_of_people_are_kept(place: Path) -> None:
    (place / "data" / "mine").mkdir()
    (place / "data" / "mine" / "photo.jpg").write_bytes(b"photo")
    refused(place, "not the synthetic set: mine")
    shutil.rmtree(place / "data" / "mine")
    (place / "data" / "synthetic.json").write_text('{"schema": "another/1"}')
    refused(place, r"not the synthetic set: no synthetic\.json")


def test_folders_that_are_no_runs_are_kept(place: Path) -> None:
    (place / "run" / "notes.txt").write_text("work")
    refused(place, r"other files than a run's: notes\.txt")
    (place / "run" / "notes.txt").unlink()
    (place / "pruned").mkdir()
    (place / "pruned" / "config.json").write_text("{}")
    refused(place, "not a run")


def test_ctrl_c_is_answered_with_what_quickstart_can_do(tmp_path: Path) -> None:
    def stop(text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(Interrupted, match="--force") as caught:
        quickstart(tmp_path / "out", say=stop)
    assert "--resume" not in str(caught.value)
