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

import numpy as np
import pytest

from melanoma_edge.errors import DataError, Interrupted, TrustError, UsageError
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.folder import (
    Checkpoint,
    claimed,
    forget_checkpoint,
    load_checkpoint,
    logged,
    save_checkpoint,
    started,
)

CONFIG = TrainConfig(epochs=2)


def begin(path: Path, config: TrainConfig = CONFIG) -> None:
    """Leave an unfinished run."""
    with pytest.raises(Interrupted), claimed(path, config, resume=False, force=False):
        raise Interrupted("stopped", fix="resume")


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


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
    (path / "old.txt").write_text("old")
    with claimed(path, replace(CONFIG, epochs=9), resume=False, force=True):
        assert sorted(files(path)) == ["config.json"]
    assert started(path).configuration.epochs == 9
    photos = tmp_path / "photos"
    photos.mkdir()
    (photos / "cat.jpg").write_bytes(b"cat")
    with pytest.raises(UsageError, match="not a run"), claimed(photos, CONFIG, resume=False, force=True):
        pytest.fail("these are photos")
    with pytest.raises(UsageError, match="is a file"), claimed(photos / "cat.jpg", CONFIG, resume=False, force=True):
        pytest.fail("this is a photo")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["photos", "run"]
    assert files(photos) == {"cat.jpg": b"cat"}


@pytest.mark.parametrize("error", [DataError("no images", fix="add some"), ZeroDivisionError()])
def test_a_training_that_fails_at_once_leaves_everything_as_it_was(tmp_path: Path, error: Exception) -> None:
    path = tmp_path / "run"
    with pytest.raises(type(error)), claimed(path, CONFIG, resume=False, force=False):
        (path / "catalog.csv").write_text("half")
        raise error
    assert list(tmp_path.iterdir()) == []
    begin(path)
    (path / "run.json").write_text("precious")
    before = files(path)
    with pytest.raises(type(error)), claimed(path, replace(CONFIG, epochs=9), resume=False, force=True):
        raise error
    assert files(path) == before
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_a_training_that_fails_after_an_epoch_leaves_a_run_to_resume(tmp_path: Path) -> None:
    path = tmp_path / "run"
    with pytest.raises(DataError), claimed(path, CONFIG, resume=False, force=False):
        save_checkpoint(path, Checkpoint.of([{"epoch": 0.0}]))
        raise DataError("disk gone", fix="plug it in")
    with claimed(path, CONFIG, resume=True, force=False):
        assert load_checkpoint(path) is not None


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


def test_a_checkpoint_comes_back_exactly(tmp_path: Path) -> None:
    state = {"model/0": np.float32([[0.1, np.nan]]), "step": np.asarray(7, np.int64)}
    best = {"head/kernel": np.float32([1e-30])}
    history = [{"epoch": 0.0, "train_loss": 0.1 + 0.2}]
    assert load_checkpoint(tmp_path) is None
    save_checkpoint(tmp_path, Checkpoint.of(history, state=state, best=best))
    back = load_checkpoint(tmp_path)
    assert back is not None
    assert back.history == history
    for part, given in (("state", state), ("best", best)):
        found = back.part(part)
        assert list(found) == list(given)
        assert all(found[k].dtype == given[k].dtype and found[k].tobytes() == given[k].tobytes() for k in given)
    forget_checkpoint(tmp_path)
    assert load_checkpoint(tmp_path) is None


@pytest.mark.parametrize("damage", ["cut", "text", "empty"])
def test_a_damaged_checkpoint_is_refused(tmp_path: Path, damage: str) -> None:
    save_checkpoint(tmp_path, Checkpoint.of([{"epoch": 0.0}], state={"a": np.arange(100.0)}))
    file = tmp_path / "checkpoint.npz"
    file.write_bytes({"cut": file.read_bytes()[:-30], "text": b"text", "empty": b""}[damage])
    with pytest.raises(TrustError, match=r"checkpoint is damaged[\s\S]*--force"):
        load_checkpoint(tmp_path)


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
