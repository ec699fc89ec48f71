"""A model's answers on a split, made block by block and kept: a killed comparison goes on where it was.

Memory holds one block of pixels and all probabilities, nothing else. Answers lie in the cache folder, under the hash of
the split's pixels and then of all that decides them: the model, the runtime, its version and settings. Those of files
that are no longer there, or of other versions, are removed.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.cache import cache_folder
from melanoma_edge.errors import MelanomaEdgeError, TrustError
from melanoma_edge.files import sha256_of, to_json, write_text, written
from melanoma_edge.parity.comparison import SplitImages
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.worker import RuntimeCrash

SCHEMA = "melanoma-edge/parity-blocks/1"
BLOCK = 256
_ABOUT = "about.json"
_BATCH = 32


@dataclass(frozen=True)
class Origin:
    """Say whose answers are kept: a model's file or folder by hash, in a runtime by version, on pixels by hash."""

    path: str
    sha256: str
    runtime: str
    version: str
    pixels: str

    @property
    def folder(self) -> Path:
        """Where the answers lie."""
        key = json.dumps([SCHEMA, BLOCK, self.sha256, self.runtime, self.version, self.pixels])
        return split_folder(self.pixels) / hashlib.sha256(key.encode()).hexdigest()[:32]


@dataclass
class Answers:
    """Hold what a model gave: probabilities ``[n, classes]``, or the error that kept it from them.

    ``seconds`` were spent on the images that are not ``reused``, ``start_seconds`` before the first of them.
    """

    found: NDArray[np.float32] | MelanomaEdgeError
    seconds: float = 0.0
    start_seconds: float = 0.0
    reused: int = 0
    options: dict[str, str] = field(default_factory=dict)


def split_folder(pixels: str) -> Path:
    """Return where all answers on the pixels with a hash lie."""
    return cache_folder() / "parity" / pixels[:32]


def answers_in_blocks(
    open_runner: Callable[[], Runner],
    images: SplitImages,
    origin: Origin,
    progress: Progress = silent,
    task: str = "comparing",
) -> Answers:
    """Return a model's answers on all images, from what is kept and computed now.

    The model is opened only where a block is missing. A file that its runtime cannot run gives its error instead.

    Raises:
        MachineError: for lack of memory or of a package, or when the disk is full.
    """
    total = len(images.ids)
    blocks = [(start, min(start + BLOCK, total)) for start in range(0, total, BLOCK)]
    kept = {start: _read(origin.folder, start, end - start) for start, end in blocks}
    missing = [(start, end) for start, end in blocks if kept[start] is None]
    result = Answers(np.empty((0, 0), np.float32), options=_options(origin.folder), reused=0 if missing else total)
    if missing:
        try:
            _compute(open_runner(), images, origin, missing, kept, result, (progress, task))
        except (TrustError, RuntimeCrash) as error:
            result.found = error
            return result
    result.found = np.concatenate([one for one in kept.values() if one is not None])
    return result


def _compute(
    runner: Runner,
    images: SplitImages,
    origin: Origin,
    missing: list[tuple[int, int]],
    kept: dict[int, NDArray[np.float32] | None],
    result: Answers,
    told: tuple[Progress, str],
) -> None:
    progress, task = told
    total, done, began = len(images.ids), len(images.ids) - sum(end - start for start, end in missing), time.time()
    with runner:
        result.start_seconds, result.options, result.reused = time.time() - began, dict(runner.options), done
        _begin(origin, result.options)
        began = time.time()
        for start, end in missing:
            parts = []
            for first in range(start, end, _BATCH):
                batch = np.ascontiguousarray(images.pixels[first : min(first + _BATCH, end)])
                parts.append(np.atleast_1d(runner.infer(batch)))
                done += len(batch)
                progress(task, done, total)
            kept[start] = np.concatenate(parts)
            _write(origin.folder, start, kept[start])
        result.seconds = time.time() - began


def _begin(origin: Origin, options: Mapping[str, str]) -> None:
    """Say whose answers these are; others' of the same place were made with other settings and go."""
    if origin.folder.exists() and _options(origin.folder) != dict(options):
        shutil.rmtree(origin.folder, ignore_errors=True)
    about = {"schema": SCHEMA, **vars(origin), "options": dict(options)}
    write_text(origin.folder / _ABOUT, to_json(about))


def _options(folder: Path) -> dict[str, str]:
    return dict(_about(folder).get("options", {}))


def _about(folder: Path) -> dict[str, Any]:
    try:
        found = json.loads((folder / _ABOUT).read_text("utf-8"))
    except (OSError, ValueError):
        return {}
    return found if isinstance(found, dict) and found.get("schema") == SCHEMA else {}


def _path(folder: Path, start: int) -> Path:
    return folder / f"{start:09d}.npy"


def _read(folder: Path, start: int, count: int) -> NDArray[np.float32] | None:
    try:
        found = np.load(_path(folder, start), allow_pickle=False)
    except (OSError, ValueError, EOFError):
        return None
    return found if found.ndim == 2 and len(found) == count and found.dtype == np.float32 else None


def _write(folder: Path, start: int, values: NDArray[Any] | None) -> None:
    with written(_path(folder, start)) as temporary, open(temporary, "wb") as stream:
        np.save(stream, np.asarray(values, np.float32), allow_pickle=False)


def remove_stale(pixels: str, versions: Mapping[str, str], hash_of: Callable[[Path], str] = sha256_of) -> int:
    """Remove the answers, on pixels with a hash, of files that changed or went, and of runtimes in other versions.

    Args:
        pixels: their hash.
        versions: of the runtimes, by name, as they are now.
        hash_of: gives the hash of a model's file; folders of runs are not looked at.

    Returns:
        How many models' answers went.
    """
    gone = 0
    for folder in sorted(split_folder(pixels).glob("*")):
        about = _about(folder)
        path = Path(about.get("path", ""))
        current = bool(about) and about["version"] == versions.get(about["runtime"], about["version"])
        current = current and path.exists() and (path.is_dir() or hash_of(path) == about["sha256"])
        if not current:
            shutil.rmtree(folder, ignore_errors=True)
            gone += 1
    return gone
