"""A run directory in the making: one writer, exact restarts, nothing lost to a typing error."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from melanoma_edge.errors import DataError, Interrupted, TrustError, UsageError
from melanoma_edge.training.checkpoint import Checkpoint, save_checkpoint
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.folder import claimed, forget_replaced, logged, started

CONFIG = TrainConfig(epochs=2)


def end_epoch(path: Path) -> None:
    """Do what a training does after its first epoch."""
    save_checkpoint(path, Checkpoint.of([{"epoch": 0.0}]))
    forget_replaced(path)


def begin(path: Path, config: TrainConfig = CONFIG) -> None:
    """Leave an unfinished run."""
    with pytest.raises(Interrupted), claimed(path, config, resume=False, force=False):
        end_epoch(path)
        raise Interrupted("stopped", fix="resume")


def finished(path: Path) -> dict[str, bytes]:
    """Leave a finished run."""
    with claimed(path, CONFIG, resume=False, force=False):
        (path / "run.json").write_text(json.dumps({"schema": "melanoma-edge/run/1"}))
        (path / "artifacts").mkdir()
        (path / "artifacts" / "model.tflite").write_bytes(b"precious")
    return files(path)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_run_inside_a_run_is_refused_as_the_outer_one_could_not_be_replaced_any_more(tmp_path: Path) -> None:
    begin(tmp_path / "begun")
    finished(tmp_path / "run")
    (tmp_path / "link").symlink_to(tmp_path / "run" / "artifacts")
    before = files(tmp_path)
    for inner in ("begun/inner", "run/inner", "run/artifacts/deep/inner", "run/../run/inner", "link/inner"):
        with (
            pytest.raises(UsageError, match=r"into the run .*(run|begun)\b"),
            claimed(tmp_path / inner, CONFIG, resume=False, force=True),
        ):
            pass
    assert files(tmp_path) == before
    assert finished(tmp_path / "beside")


def test_a_second_training_of_one_run_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with claimed(path, CONFIG, resume=False, force=False):
        for resume, force in ((False, False), (True, False), (False, True)):
            with (
                pytest.raises(UsageError, match="another training writes"),
                claimed(path, CONFIG, resume=resume, force=force),
            ):
                pytest.fail("the run is held already")
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_a_killed_training_holds_nothing(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.folder import claimed
with claimed(Path({str(tmp_path / "run")!r}), TrainConfig(epochs=2), resume=False, force=False):
    print("held", flush=True)
    time.sleep(60)
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with (
            pytest.raises(UsageError, match="another training"),
            claimed(tmp_path / "run", CONFIG, resume=True, force=False),
        ):
            pytest.fail("the run is held")
        holder.send_signal(signal.SIGKILL)
    with claimed(tmp_path / "run", CONFIG, resume=True, force=False):
        assert started(tmp_path / "run").configuration == CONFIG


def test_content_is_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run"
    begin(path)
    before = files(path)
    with (
        pytest.raises(UsageError, match=r"refusing to overwrite[\s\S]*--resume, or .*--force"),
        claimed(path, CONFIG, resume=False, force=False),
    ):
        pytest.fail("there is a run")
    (path / "run.json").write_text("{}")
    with (
        pytest.raises(UsageError, match=r"refusing to overwrite") as caught,
        claimed(path, CONFIG, resume=False, force=False),
    ):
        pytest.fail("there is a run")
    assert "--resume" not in caught.value.fix
    assert files(path) == {**before, "run.json": b"{}"}


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


def test_a_training_that_fails_after_an_epoch_leaves_a_run_to_resume(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(DataError), claimed(path, CONFIG, resume=False, force=False):
        end_epoch(path)
        raise DataError("disk gone", fix="plug it in")
    with claimed(path, CONFIG, resume=True, force=False):
        assert (path / "checkpoint.npz").exists()


def test_resuming_with_other_options_names_them(tmp_path: Path) -> None:
    begin(tmp_path / "run")
    with (
        pytest.raises(UsageError, match=r"epochs: 2 in the run, 7 asked; seed: 0 in the run, 1 asked"),
        claimed(tmp_path / "run", replace(CONFIG, epochs=7, seed=1), resume=True, force=False),
    ):
        pytest.fail("another training")


def test_resuming_from_another_parent_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(Interrupted), claimed(path, CONFIG, "a" * 64, resume=False, force=False):
        end_epoch(path)
        raise Interrupted("stopped", fix="resume")
    for other in (None, "b" * 64):
        with (
            pytest.raises(UsageError, match="another parent run"),
            claimed(path, CONFIG, other, resume=True, force=False),
        ):
            pytest.fail("another parent")
    with claimed(path, CONFIG, "a" * 64, resume=True, force=False):
        assert started(path).parent == "a" * 64


def test_there_must_be_something_to_resume(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with (
        pytest.raises(TrustError, match=r"nothing to resume[\s\S]*leave out --resume") as caught,
        claimed(path, CONFIG, resume=True, force=False),
    ):
        pytest.fail("there is nothing")
    assert caught.value.exit_code == 7
    assert list(tmp_path.iterdir()) == []
    begin(path)
    (path / "run.json").write_text("{}")
    with pytest.raises(UsageError, match="has finished"), claimed(path, CONFIG, resume=True, force=False):
        pytest.fail("it has finished")


def test_a_damaged_configuration_is_refused(tmp_path: Path) -> None:
    begin(tmp_path)
    whole = json.loads((tmp_path / "config.json").read_text())
    impossible = {**whole, "configuration": {**whole["configuration"], "epochs": 0}}
    newer = {**whole, "schema": "melanoma-edge/config/2"}
    for damaged in ("{", json.dumps(newer), json.dumps(impossible), json.dumps({**whole, "more": 1}), "[]"):
        (tmp_path / "config.json").write_text(damaged)
        with pytest.raises(TrustError):
            started(tmp_path)


def test_the_log_takes_what_is_logged_inside_and_nothing_else(tmp_path: Path) -> None:
    logger = logging.getLogger("melanoma_edge.training.trainer")
    level = logging.getLogger("melanoma_edge").level
    with logged(tmp_path):
        logger.info("inside é")
    logger.warning("outside")
    text = (tmp_path / "train.log").read_text("utf-8")
    assert text.endswith("inside é\n")
    assert text.startswith(time.strftime("%Y-"))
    assert "outside" not in text
    assert logging.getLogger("melanoma_edge").level == level
