"""A run directory while it is being made: who may write, what a restart finds, how it is finished."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from melanoma_edge.contract import check_schema
from melanoma_edge.errors import TrustError, UsageError, machine_errors, named
from melanoma_edge.files import locked, to_json, write_text
from melanoma_edge.strictjson import ADDED_LATER, from_plain, to_plain
from melanoma_edge.training.checkpoint import CHECKPOINT
from melanoma_edge.training.config import TrainConfig, differences
from melanoma_edge.training.run import CONTRACT, RECORD, STARTED, WEIGHTS

_SCHEMA = "melanoma-edge/config/1"
_KINDS = {STARTED: "melanoma-edge/config/", RECORD: "melanoma-edge/run/"}
"""How the schemas of the two files begin that tell a run from the folder of another tool."""
_FILES = ("catalog.csv", "catalog.json", "history.csv", "train.log", CHECKPOINT)
_NAMES = {STARTED, RECORD, CONTRACT, WEIGHTS.partition("/")[0], "plots", "artifacts", "report", *_FILES}
_PART = re.compile(r"\..+\.\d+\.part")


@dataclass(frozen=True)
class Started:
    """Hold ``config.json``: what a training was asked for, and the weights of the run it continues, by sha256.

    ``beside`` holds what else decides the result, such as a teacher.
    """

    schema: str
    parent: str | None
    configuration: TrainConfig
    beside: dict[str, Any] = field(default_factory=dict, metadata=ADDED_LATER)


@contextmanager
def claimed(
    path: Path,
    config: TrainConfig,
    parent: str | None = None,
    beside: dict[str, Any] | None = None,
    *,
    resume: bool,
    force: bool,
) -> Iterator[None]:
    """Hold a run directory for one training.

    A training that ends before its first epoch is finished, in whatever way, leaves everything as it was: a run that
    is replaced waits beside it until the new one has an epoch to show, and comes back, at the next start if the
    process was killed. One that ends later leaves a run to resume.

    Args:
        path: the directory; a link to one is followed.
        config: what is asked for.
        parent: sha256 of the weights that are trained on, if any.
        beside: what else decides the result, as plain JSON.
        resume: continue the unfinished training of the same configuration.
        force: replace a run that is there.

    Raises:
        UsageError: when another training holds it, it has content, or its configuration is another.
        TrustError: when there is nothing to resume.
    """
    asked, path = Started(_SCHEMA, parent, config, beside or {}), real(path)
    if not path.name:  # the root of the file system, which has no place beside it
        check_free(path, force)
    lock = path.with_name(f".{path.name}.lock")
    with locked(lock, wait=False) as mine:
        if not mine:
            fix = "wait for it to end, or choose another --out"
            raise UsageError("another training writes into this run", where=str(path), fix=fix)
        try:
            with machine_errors(f"restoring {path}"):
                _recover(path, resume)
            with _resumed(path, asked) if resume else _begun(path, asked, force):
                yield
        finally:
            lock.unlink(missing_ok=True)


def real(path: Path) -> Path:
    """Return the absolute path with links followed; a loop of links is left as it is."""
    return Path(os.path.realpath(path))


@contextmanager
def _resumed(path: Path, asked: Started) -> Iterator[None]:
    _check_same(started(path), asked, path)
    with _kept(path, new=False):
        yield


@contextmanager
def _begun(path: Path, asked: Started, force: bool) -> Iterator[None]:
    check_free(path, force)
    with machine_errors(f"clearing {path}"):
        _set_aside(path)
    with _kept(path, new=True):
        with machine_errors(f"making {path}"):
            path.mkdir(parents=True, exist_ok=True)
        write_text(path / STARTED, to_json(to_plain(asked)))
        yield


@contextmanager
def _kept(path: Path, new: bool) -> Iterator[None]:
    """Put everything back when the block ends with nothing to show, and drop what was replaced when it has."""
    try:
        yield
    except BaseException:
        if not has_progress(path) and (new or _aside(path).is_dir()):
            _put_back(path)
        raise
    finally:
        if has_progress(path):
            shutil.rmtree(_aside(path), ignore_errors=True)


def has_progress(path: Path) -> bool:
    """Tell whether a run has a finished epoch, or has finished."""
    return (path / CHECKPOINT).exists() or (path / RECORD).exists()


def _aside(path: Path) -> Path:
    """Return where the run that is being replaced waits until the new one has an epoch to show."""
    return path.with_name(f".{path.name}.replaced")


def _recover(path: Path, resume: bool) -> None:
    """Put a run back that a killed training had set aside; drop it when its successor has an epoch to show."""
    aside = _aside(path)
    if not aside.is_dir() or not _is_run(aside) or (resume and (path / STARTED).exists()):
        return
    if has_progress(path):
        shutil.rmtree(aside)
    elif not path.exists() or not any(path.iterdir()) or _is_run(path):
        _put_back(path)


def _set_aside(path: Path) -> None:
    if not path.is_dir() or not any(path.iterdir()):
        return
    if _aside(path).exists():
        fix = "move it away, or choose another --out"
        raise UsageError("something stands where the old run would wait", where=str(_aside(path)), fix=fix)
    path.rename(_aside(path))


def _put_back(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
    if _aside(path).is_dir():
        _aside(path).rename(path)


def check_claim(
    path: Path,
    config: TrainConfig,
    parent: str | None = None,
    beside: dict[str, Any] | None = None,
    *,
    resume: bool,
    force: bool,
) -> None:
    """Raise what ``claimed`` would, as far as it can be known without holding the directory."""
    if resume:
        _check_same(started(path), Started(_SCHEMA, parent, config, beside or {}), path)
    else:
        check_free(path, force)


def check_free(path: Path, force: bool) -> None:
    """Raise ``UsageError`` unless a run may be written here: nothing there, or a run and ``force``; in no other run."""
    for folder in real(path).parents:
        if _has_kind(folder):
            what = f"refusing to write a run into the run {folder}"
            raise UsageError(what, where=str(path), fix="choose another --out, beside it")
    if path.exists() and not path.is_dir():
        raise UsageError("the run's path is a file", where=str(path), fix="choose another --out")
    if not path.is_dir() or not any(path.iterdir()):
        return
    if not force:
        unfinished = (path / STARTED).exists() and not (path / RECORD).exists()
        fix = "continue it with --resume, or " if unfinished else ""
        raise UsageError("refusing to overwrite", where=str(path), fix=f"{fix}choose another --out or add --force")
    refuse_to_clear(path)


def refuse_to_clear(path: Path) -> None:
    """Raise ``UsageError`` unless a folder is a run and holds nothing that a run does not write."""
    fix = "choose another --out"
    if not _has_kind(path):
        raise UsageError("refusing to clear a folder that is not a run", where=str(path), fix=fix)
    if strange := _strange(path):
        what = f"refusing to clear a folder with other files than a run's: {named(strange)}"
        raise UsageError(what, where=str(path), fix=f"move them away, or {fix}")


def _is_run(path: Path) -> bool:
    return _has_kind(path) and not _strange(path)


def _has_kind(path: Path) -> bool:
    return any(schema_of(path / name).startswith(kind) for name, kind in _KINDS.items())


def _strange(path: Path) -> list[str]:
    """Name what a run does not write; the hidden halves of files that a killed process leaves are its own."""
    return sorted(file.name for file in path.iterdir() if file.name not in _NAMES and not _PART.fullmatch(file.name))


def schema_of(file: Path) -> str:
    """Return the schema that a JSON file names, or nothing."""
    try:
        document = json.loads(file.read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return ""
    return str(document.get("schema")) if isinstance(document, dict) else ""


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
    except (OSError, ValueError, RecursionError, UsageError) as error:
        fix = "leave out --resume to start anew"
        raise TrustError(f"nothing to resume: {error}", where=str(path / STARTED), fix=fix) from error


def _check_same(kept: Started, asked: Started, path: Path) -> None:
    changed = differences(kept.configuration, asked.configuration)
    if kept.parent != asked.parent:
        changed.append("another parent run")
    names = sorted({*kept.beside, *asked.beside})
    changed += [f"another {name}" for name in names if kept.beside.get(name) != asked.beside.get(name)]
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


def forget_replaced(path: Path) -> None:
    """Drop the run that was replaced, now that the new one has an epoch to show."""
    shutil.rmtree(_aside(path), ignore_errors=True)
