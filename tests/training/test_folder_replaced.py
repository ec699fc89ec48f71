"""A run that is replaced: only a run, and it waits until the new one has an epoch."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from run_folders import CONFIG, begin, end_epoch, files, finished, names

from melanoma_edge.errors import DataError, Interrupted, UsageError
from melanoma_edge.training.folder import claimed, started


def test_force_replaces_a_run_but_never_a_folder_of_something_else(tmp_path: Path) -> None:
    path = tmp_path / "run"
    begin(path)
    (path / ".run.json.77.part").write_text("half")
    with claimed(path, replace(CONFIG, epochs=9), resume=False, force=True):
        assert sorted(files(path)) == ["config.json"]
        end_epoch(path)
    assert started(path).configuration.epochs == 9
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(UsageError, match="not a run"), claimed(photos, CONFIG, resume=False, force=True):
        pytest.fail("these are photos")
    with pytest.raises(UsageError, match="is a file"), claimed(photos / "cat.jpg", CONFIG, resume=False, force=True):
        pytest.fail("this is a photo")
    assert names(tmp_path) == ["photos", "run"]
    assert files(photos) == {"cat.jpg": b"cat"}


@pytest.mark.parametrize("text", ["{}", '{"schema": "other/config/1"}', "[1]", "no json", "[" * 100_000])
@pytest.mark.parametrize("name", ["config.json", "run.json"])
def test_force_keeps_the_folder_of_a_tool_that_uses_the_same_names(tmp_path: Path, name: str, text: str) -> None:
    path = tmp_path / "theirs"
    path.mkdir()
    (path / name).write_text(text)
    with pytest.raises(UsageError, match="not a run"), claimed(path, CONFIG, resume=False, force=True):
        pytest.fail("this is no run of ours")
    assert files(path) == {name: text.encode()}


@pytest.mark.parametrize("name", ["notes.txt", ".git", "src"])
def test_force_keeps_a_run_among_other_files(tmp_path: Path, name: str) -> None:
    path = tmp_path / "run"
    finished(path)
    (path / name).mkdir()
    (path / name / "work.py").write_text("work")
    before = files(path)
    with (
        pytest.raises(UsageError, match=f"other files than a run's: {name}"),
        claimed(path, CONFIG, resume=False, force=True),
    ):
        pytest.fail("there are other files")
    assert files(path) == before


def test_the_root_folder_is_refused(tmp_path: Path) -> None:
    for force in (False, True):
        with pytest.raises(UsageError, match="refusing to"), claimed(Path("/"), CONFIG, resume=False, force=force):
            pytest.fail("this is everything")


ENDS = [DataError("no images", fix="add some"), ZeroDivisionError(), Interrupted("s", fix="f"), KeyboardInterrupt()]


@pytest.mark.parametrize("error", ENDS)
def test_a_training_that_ends_before_its_first_epoch_leaves_everything_as_it_was(
    tmp_path: Path, error: BaseException
) -> None:
    path = tmp_path / "run"
    with pytest.raises(type(error)), claimed(path, CONFIG, resume=False, force=False):
        (path / "catalog.csv").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []
    before = finished(path)
    with pytest.raises(type(error)), claimed(path, replace(CONFIG, epochs=9), resume=False, force=True):
        raise error
    assert files(path) == before
    assert names(tmp_path) == ["run"]


def test_the_old_run_waits_until_the_new_one_has_an_epoch(tmp_path: Path) -> None:
    path, waiting = tmp_path / "run", tmp_path / ".run.replaced"
    before = finished(path)
    with pytest.raises(KeyboardInterrupt), claimed(path, CONFIG, resume=False, force=True):
        assert files(waiting) == before
        end_epoch(path)
        assert not waiting.exists()
        raise KeyboardInterrupt
    assert sorted(files(path)) == ["checkpoint.npz", "config.json"]
    assert names(tmp_path) == ["run"]


def killed(path: Path, epochs: int = 0) -> None:
    """Replace a run by ``--force`` and be killed when so many epochs are finished."""
    code = f"""
import os, signal
from pathlib import Path
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.checkpoint import Checkpoint, save_checkpoint
from melanoma_edge.training.folder import claimed, forget_replaced
path = Path({str(path)!r})
with claimed(path, TrainConfig(epochs=9), resume=False, force=True):
    if {epochs}:
        save_checkpoint(path, Checkpoint.of([{{"epoch": 0.0}}]))
        forget_replaced(path)
    os.kill(os.getpid(), signal.SIGKILL)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    assert subprocess.run([sys.executable, "-c", code], env=environment, check=False).returncode == -9


def test_a_run_whose_replacement_was_killed_comes_back_at_the_next_start(tmp_path: Path) -> None:
    path, waiting = tmp_path / "run", tmp_path / ".run.replaced"
    before = finished(path)
    killed(path)
    killed(path)
    assert files(waiting) == before
    with pytest.raises(UsageError, match="refusing to overwrite"), claimed(path, CONFIG, resume=False, force=False):
        pytest.fail("the old run is back")
    assert files(path) == before
    killed(path)
    with pytest.raises(DataError), claimed(path, replace(CONFIG, epochs=9), resume=True, force=False):
        raise DataError("no images", fix="add some")
    assert files(path) == before
    killed(path)
    with claimed(path, replace(CONFIG, epochs=9), resume=True, force=False):
        end_epoch(path)
    assert names(tmp_path) == ["run"]
    killed(path, epochs=1)
    assert names(tmp_path) == [".run.lock", "run"]


def test_a_kill_between_two_steps_loses_nothing(tmp_path: Path) -> None:
    path, waiting = tmp_path / "run", tmp_path / ".run.replaced"
    before = finished(path)
    path.rename(waiting)
    with pytest.raises(UsageError, match="has finished"), claimed(path, CONFIG, resume=True, force=False):
        pytest.fail("the old run is back, and finished")
    assert files(path) == before
    assert not waiting.exists()


def test_what_stands_where_the_old_run_would_wait_is_kept(tmp_path: Path) -> None:
    before = finished(tmp_path / "run")
    (tmp_path / ".run.replaced").mkdir()
    (tmp_path / ".run.replaced" / "cat.jpg").write_bytes(b"cat")
    with (
        pytest.raises(UsageError, match="something stands"),
        claimed(tmp_path / "run", CONFIG, resume=False, force=True),
    ):
        pytest.fail("there is no place")
    assert files(tmp_path / "run") == before
    assert files(tmp_path / ".run.replaced") == {"cat.jpg": b"cat"}


def test_a_link_to_a_run_stays_a_link(tmp_path: Path) -> None:
    link, path = tmp_path / "link", tmp_path / "disk" / "run"
    path.parent.mkdir()
    link.symlink_to(path)
    for _ in range(3):
        with claimed(link, CONFIG, resume=False, force=True):
            end_epoch(link.resolve())
    assert link.is_symlink() and link.resolve() == path
    assert (names(tmp_path), names(path.parent)) == (["disk", "link"], ["run"])
