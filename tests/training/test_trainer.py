"""Training as a whole: the same weights again, after kill -9 and after Ctrl-C; and what stops it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tiny import tiny_config

from melanoma_edge.errors import Interrupted, MachineError, TrustError, UsageError
from melanoma_edge.training import epochs, trainer
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.learner import Learner
from melanoma_edge.training.material import Origin
from melanoma_edge.training.run import Run
from melanoma_edge.training.trainer import train


def stopping(at: tuple[str, int], action: Callable[[], None]) -> Callable[[str, int, int], None]:
    """Return a progress listener that acts at one step of one task."""

    def progress(task: str, done: int, total: int) -> None:
        if (task, done) == at:
            action()

    return progress


def control_c() -> None:
    raise KeyboardInterrupt


def history(run: Run) -> str:
    return (run.path / "history.csv").read_text()


_KILLED = """
import os, signal, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from tiny import shrink, tiny_config
from melanoma_edge.training import trainer
class Patch:
    def setattr(self, name, value):
        trainer.network = value
shrink(Patch())
def progress(task, done, total):
    if (task, done) == ("epoch 2/3", 32):
        os.kill(os.getpid(), signal.SIGKILL)
trainer.train(tiny_config(Path(sys.argv[2])), Path(sys.argv[3]), progress=progress)
"""


def test_killed_in_the_middle_of_an_epoch_and_resumed_gives_the_same_weights(
    run: Run, images: Path, tmp_path: Path
) -> None:
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    command = [sys.executable, "-c", _KILLED, str(Path(__file__).parents[1]), str(images), str(tmp_path / "run")]
    killed = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    assert killed.returncode == -9, killed.stderr[-2000:]
    assert (tmp_path / "run" / "checkpoint.npz").is_file()
    assert not (tmp_path / "run" / "run.json").exists()
    tasks: list[str] = []
    resumed = train(
        tiny_config(images), tmp_path / "run", resume=True, progress=lambda task, done, total: tasks.append(task)
    )
    assert "epoch 1/3" not in tasks
    assert "epoch 2/3" in tasks
    assert resumed.record.weights_sha256 == run.record.weights_sha256
    assert history(resumed) == history(run)
    assert resumed.record.metrics == run.record.metrics
    assert not (tmp_path / "run" / "checkpoint.npz").exists()


def test_control_c_leaves_a_run_that_resumes_to_the_same_weights(run: Run, images: Path, tmp_path: Path) -> None:
    with pytest.raises(Interrupted, match="--resume") as caught:
        train(tiny_config(images), tmp_path / "run", progress=stopping(("epoch 3/3", 16), control_c))
    assert caught.value.exit_code == 130
    with pytest.raises(Interrupted):
        train(tiny_config(images), tmp_path / "run", resume=True, progress=stopping(("measuring", 2), control_c))
    resumed = train(tiny_config(images), tmp_path / "run", resume=True)
    assert resumed.record.weights_sha256 == run.record.weights_sha256
    assert resumed.contract.operating_point == run.contract.operating_point


def test_control_c_before_the_first_epoch_keeps_the_run_that_is_replaced(
    run: Run, images: Path, tmp_path: Path
) -> None:
    copy = Path(shutil.copytree(run.path, tmp_path / "run"))
    stop = stopping(("epoch 1/2", 16), control_c)
    with pytest.raises(Interrupted, match=r"everything is as it was[\s\S]*the same command again") as caught:
        train(tiny_config(images, epochs=2), copy, force=True, progress=stop)
    assert "--resume" not in str(caught.value)
    assert Run.open(copy).record == run.record
    assert [file.name for file in tmp_path.iterdir()] == ["run"]


def test_what_would_be_refused_is_known_before_anything_is_read(run: Run, images: Path, tmp_path: Path) -> None:
    config = tiny_config(images)
    trainer.check(config, tmp_path / "new")
    with pytest.raises(UsageError, match="refusing to overwrite"):
        trainer.check(config, run.path)
    trainer.check(config, run.path, force=True)
    with pytest.raises(UsageError, match="has finished"):
        trainer.check(config, run.path, resume=True)
    with pytest.raises(UsageError, match="replace its parent"):
        trainer.check(config, run.path, origin=Origin(run, "prune"), force=True)
    if trainer.choose_devices("auto", None).names == ("CPU",):
        with pytest.raises(MachineError, match="no GPU"):
            trainer.check(tiny_config(images, device="gpu"), tmp_path / "new")
    assert list(tmp_path.iterdir()) == []


def test_damaged_initial_weights_are_refused_before_images_are_decoded(tmp_path: Path) -> None:
    (tmp_path / "w.h5").write_text("no weights")
    config = TrainConfig(data=("/nowhere",), backbone="mobilenet_v1", width=0.25, init=str(tmp_path / "w.h5"))
    with pytest.raises(TrustError, match="does not fit"):
        train(config, tmp_path / "run")


def test_another_seed_gives_other_weights_and_progress_counts_to_its_end(
    run: Run, images: Path, tmp_path: Path
) -> None:
    calls: list[tuple[str, int, int]] = []
    config = tiny_config(images, seed=1, epochs=2, batch_size=500, progressive=False)
    other = train(config, tmp_path / "run", progress=lambda *call: calls.append(call))
    assert other.record.weights_sha256 != run.record.weights_sha256
    train_images = other.record.training["images"]["train"]
    assert [call for call in calls if call[0].startswith("epoch")] == [
        (f"epoch {epoch}/2", train_images, train_images) for epoch in (1, 2)
    ], "a batch larger than the images is all of them"
    assert {"measuring", "intervals"} <= {task for task, _, _ in calls}
    assert [call for call in calls if not 0 <= call[1] <= call[2]] == []
    last = {task: (done, total) for task, done, total in calls}
    assert [task for task, (done, total) in last.items() if done != total] == [], "every task is told to its end"


def test_what_a_training_leaves_is_listed(run: Run) -> None:
    left = {str(file.relative_to(run.path)) for file in run.path.rglob("*") if file.is_file()}
    plots = {f"plots/{name}" for name in run.record.plots}
    assert left == {*run.record.files, *plots, "run.json", "config.json", "train.log"}
    rows = history(run).splitlines()
    assert len(rows) == 4
    assert rows[0].split(",")[:4] == ["epoch", "image_size", "learning_rate", "train_loss"]
    assert run.record.training["best_epoch"] in (1, 2, 3)


def test_weights_that_stop_being_numbers_are_an_error_and_never_kept(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    averaged = Learner.averaged

    def broken(self: Learner) -> Any:
        weights = averaged(self)
        return weights if self.step < 6 else {**weights, "head/bias": np.full(3, np.nan, np.float32)}

    monkeypatch.setattr(Learner, "averaged", broken)
    with pytest.raises(UsageError, match=r"diverged in epoch 2[\s\S]*--learning-rate below 0\.003") as caught:
        train(tiny_config(images), tmp_path / "run")
    assert caught.value.exit_code == 2
    with np.load(tmp_path / "run" / "checkpoint.npz") as kept:
        assert all(np.isfinite(kept[name]).all() for name in kept.files if name.startswith("best/"))


def test_a_loss_that_is_not_a_number_leaves_nothing(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Learner, "train_batch", lambda *_: float("nan"))
    with pytest.raises(UsageError, match="diverged in epoch 1"):
        train(tiny_config(images), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_training_stops_when_patience_ends_and_keeps_the_best(
    images: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    aucs, kept = iter([0.6, 0.9, 0.9, 0.7, 0.95]), []
    validate, averaged = epochs._validate, Learner.averaged

    def ordered(*arguments: Any) -> dict[str, float]:
        return {**validate(*arguments), "validation_macro_auc": next(aucs)}

    def seen(self: Learner) -> Any:
        kept.append(averaged(self))
        return kept[-1]

    monkeypatch.setattr(epochs, "_validate", ordered)
    monkeypatch.setattr(Learner, "averaged", seen)
    stopped = train(tiny_config(images, epochs=5, patience=2), tmp_path / "run")
    assert stopped.record.training["epochs"] == 4
    assert stopped.record.training["best_epoch"] == 2, "equal is not better"
    assert np.array_equal(stopped.weights()["head/kernel"], kept[1]["head/kernel"])


def test_small_images_come_first_and_the_last_third_is_whole() -> None:
    config = TrainConfig(image_size=160, epochs=10)
    assert [epochs._size(config, epoch) for epoch in range(10)] == [96] * 4 + [128] * 3 + [160] * 3
    assert {epochs._size(TrainConfig(image_size=64, epochs=10), epoch) for epoch in range(10)} == {64}
    assert {epochs._size(TrainConfig(progressive=False, epochs=9), epoch) for epoch in range(9)} == {160}


def test_batches_show_each_image_once_in_an_order_of_seed_and_epoch() -> None:
    config = TrainConfig(batch_size=16, seed=4)
    drawn = [np.stack(list(epochs._batches(50, config, epoch))) for epoch in (0, 1, 0)]
    assert drawn[0].shape == (3, 16)
    assert len(np.unique(drawn[0])) == 48
    assert np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[1])
    assert [len(batch) for batch in epochs._batches(5, config, 0)] == [5]


def test_a_pruning_without_what_prunes_is_refused_before_anything_is_written(images: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="shaper_of"):
        train(tiny_config(images, prune=0.5), tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_the_record_is_strict_json(run: Run) -> None:
    def refuse(name: str) -> None:
        pytest.fail(f"{name} is not JSON")

    json.loads((run.path / "run.json").read_text(), parse_constant=refuse)
