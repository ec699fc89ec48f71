"""A run directory while it is being made: who may write, what a restart finds, how it is finished."""

from __future__ import annotations

import io
import json
import logging
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import check_schema
from melanoma_edge.errors import Interrupted, TrustError, UsageError, machine_errors
from melanoma_edge.files import locked, to_json, write_bytes, write_text
from melanoma_edge.strictjson import from_plain, to_plain
from melanoma_edge.training.config import TrainConfig, differences
from melanoma_edge.training.run import RECORD, STARTED

_CHECKPOINT = "checkpoint.npz"
_SCHEMA = "melanoma-edge/config/1"


@dataclass(frozen=True)
class Started:
    """Hold ``config.json``: what a training was asked for, and the weights of the run it continues, by sha256."""

    schema: str
    parent: str | None
    configuration: TrainConfig


@dataclass(frozen=True)
class Checkpoint:
    """Hold what a resumed training continues from: arrays by name, and the history so far."""

    arrays: dict[str, NDArray[Any]]
    history: list[dict[str, float]]

    @classmethod
    def of(cls, history: list[dict[str, float]], **parts: Mapping[str, NDArray[Any]]) -> Checkpoint:
        """Put several dictionaries of arrays together under the names of the arguments."""
        return cls({f"{part}/{name}": array for part, given in parts.items() for name, array in given.items()}, history)

    def part(self, name: str) -> dict[str, NDArray[Any]]:
        """Return one of the dictionaries that ``of`` put together."""
        start = f"{name}/"
        return {key.removeprefix(start): array for key, array in self.arrays.items() if key.startswith(start)}


@contextmanager
def claimed(path: Path, config: TrainConfig, parent: str | None = None, *, resume: bool, force: bool) -> Iterator[None]:
    """Hold a run directory for one training.

    A training that fails before its first epoch is finished leaves everything as it was; one that was interrupted,
    or that fails later, leaves a run to resume.

    Args:
        path: the directory.
        config: what is asked for.
        parent: sha256 of the weights that are trained on, if any.
        resume: continue the unfinished training of the same configuration.
        force: replace a run that is there.

    Raises:
        UsageError: when another training holds it, it has content, or its configuration is another.
        TrustError: when there is nothing to resume.
    """
    asked = Started(_SCHEMA, parent, config)
    lock = path.with_name(f".{path.name}.lock")
    with locked(lock, wait=False) as mine:
        if not mine:
            fix = "wait for it to end, or choose another --out"
            raise UsageError("another training writes into this run", where=str(path), fix=fix)
        try:
            with _resumed(path, asked) if resume else _begun(path, asked, force):
                yield
        finally:
            lock.unlink(missing_ok=True)


@contextmanager
def _resumed(path: Path, asked: Started) -> Iterator[None]:
    _check_same(started(path), asked, path)
    yield
    shutil.rmtree(_aside(path), ignore_errors=True)


@contextmanager
def _begun(path: Path, asked: Started, force: bool) -> Iterator[None]:
    check_free(path, force)
    with machine_errors(f"clearing {path}"):
        _set_aside(path)
    try:
        with machine_errors(f"making {path}"):
            path.mkdir(parents=True, exist_ok=True)
        write_text(path / STARTED, to_json(to_plain(asked)))
        yield
    except BaseException as error:
        if not isinstance(error, Interrupted) and not (path / _CHECKPOINT).exists():
            _put_back(path)
        raise
    finally:
        shutil.rmtree(_aside(path), ignore_errors=True)


def _aside(path: Path) -> Path:
    """Return where the run that is being replaced waits until the new one has an epoch to show."""
    return path.with_name(f".{path.name}.replaced")


def _set_aside(path: Path) -> None:
    shutil.rmtree(_aside(path), ignore_errors=True)
    if path.is_dir() and any(path.iterdir()):
        path.rename(_aside(path))


def _put_back(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if _aside(path).is_dir():
        _aside(path).rename(path)


def check_free(path: Path, force: bool) -> None:
    """Raise ``UsageError`` unless a run may be written here: nothing there, or a run and ``force``."""
    if path.exists() and not path.is_dir():
        raise UsageError("the run's path is a file", where=str(path), fix="choose another --out")
    if not path.is_dir() or not any(path.iterdir()):
        return
    ours = (path / RECORD).exists() or (path / STARTED).exists()
    if not force:
        unfinished = (path / STARTED).exists() and not (path / RECORD).exists()
        fix = "continue it with --resume, or " if unfinished else ""
        raise UsageError("refusing to overwrite", where=str(path), fix=f"{fix}choose another --out or add --force")
    if not ours:
        raise UsageError("refusing to clear a folder that is not a run", where=str(path), fix="choose another --out")


def started(path: Path) -> Started:
    """Return what an unfinished run was asked for.

    Raises:
        UsageError: when it has finished.
        TrustError: when there is none, or its file is damaged.
    """
    if (path / RECORD).exists():
        raise UsageError("this run has finished; there is nothing to resume", where=str(path), fix="leave out --resume")
    try:
        document = json.loads((path / STARTED).read_text("utf-8"))
        check_schema(document, _SCHEMA, str(path / STARTED))
        return from_plain(Started, document, "config.json")
    except (OSError, ValueError, UsageError) as error:
        fix = "leave out --resume to start anew"
        raise TrustError(f"nothing to resume: {error}", where=str(path / STARTED), fix=fix) from error


def _check_same(kept: Started, asked: Started, path: Path) -> None:
    changed = differences(kept.configuration, asked.configuration)
    if kept.parent != asked.parent:
        changed.append("another parent run")
    if changed:
        fix = "give the options of the run, or start a new one"
        raise UsageError(f"the run was started with other options: {'; '.join(changed)}", where=str(path), fix=fix)


@contextmanager
def logged(path: Path) -> Iterator[None]:
    """Append what the library logs during the block to ``train.log`` of the run, with the time."""
    logger = logging.getLogger("melanoma_edge")
    with machine_errors("opening train.log"):
        handler = logging.FileHandler(path / "train.log", encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s"))
    level = logger.level
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.setLevel(level)
        logger.removeHandler(handler)
        handler.close()


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the state after an epoch; the one before it stays until this one is whole."""
    stream = io.BytesIO()
    history = np.frombuffer(json.dumps(checkpoint.history).encode(), np.uint8)
    np.savez(stream, history=history, **checkpoint.arrays)  # type: ignore[arg-type]
    write_bytes(path / _CHECKPOINT, stream.getvalue())


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Return the last finished epoch's state, or None when no epoch has finished.

    Raises:
        TrustError: when the file is damaged.
    """
    file = path / _CHECKPOINT
    if not file.exists():
        return None
    try:
        with open(file, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            arrays = {name: archive[name] for name in archive.files}
        return Checkpoint(arrays, json.loads(arrays.pop("history").tobytes()))
    except Exception as error:  # a damaged zip raises half a dozen unrelated types
        fix = "start the training anew with --force"
        raise TrustError(f"checkpoint is damaged: {error}", where=str(file), fix=fix) from error


def forget_checkpoint(path: Path) -> None:
    """Remove what only an unfinished run needs."""
    (path / _CHECKPOINT).unlink(missing_ok=True)
