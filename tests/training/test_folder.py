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
from run_folders import CONFIG, begin, end_epoch, files, finished

from melanoma_edge.errors import DataError, Interrupted, TrustError, UsageError
from melanoma_edge.training.folder import claimed, logged, started


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
