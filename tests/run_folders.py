"""Run directories in the making, unfinished or finished, without a training."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from melanoma_edge.errors import Interrupted
from melanoma_edge.training.checkpoint import Checkpoint, save_checkpoint
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.folder import claimed, forget_replaced

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
