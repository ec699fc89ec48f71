"""Looking at many files, and finding the copies among them: in processes, kept as it goes on."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import astuple
from functools import partial
from pathlib import Path

import numpy as np

from melanoma_edge.data.cache import cache_folder
from melanoma_edge.data.likeness.index import Index, opened
from melanoma_edge.data.likeness.look import Look, look_at
from melanoma_edge.data.likeness.search import SAME, Copy, Search, best
from melanoma_edge.data.workers import check_workers, spread
from melanoma_edge.errors import machine_errors
from melanoma_edge.progress import Progress, silent

SCHEMA = "melanoma-edge/copies/2"
_LOOKING, _SEARCHING = "looking at images", "searching for copies"
_CHUNK = 32
_WORTH_A_PROCESS = 256
"""Images that take about as long as starting a process."""


@contextmanager
def scanned(
    paths: Sequence[Path], folder: Path | None = None, progress: Progress = silent, workers: int | None = None
) -> Iterator[Index]:
    """Look at every file that was not looked at before, or changed since, and give the index of all.

    Args:
        paths: absolute paths of files, which need not be readable.
        folder: where the index lies; ``cache_folder() / "looks"`` when not given.
        progress: told of files looked at.
        workers: processes; as many as there are cores when not given.

    Raises:
        UsageError: for less than one process.
        MachineError: when the disk is full or a process is ended from outside.
    """
    workers = check_workers(workers)
    with opened(folder or cache_folder() / "looks", paths) as index, machine_errors("writing the index of images"):
        new = [path for path in paths if index.known(path) is None]
        done = len(paths) - len(new)
        chunks = [new[start : start + _CHUNK] for start in range(0, len(new), _CHUNK)]
        progress(_LOOKING, done, len(paths))
        with index.appending() as streams:
            for seen in spread(_look_at_all, chunks, _useful(workers, len(new))):
                index.add(seen, streams)
                done += len(seen)
                progress(_LOOKING, done, len(paths))
        yield index


def _look_at_all(paths: Sequence[Path]) -> list[tuple[Look, bytes]]:
    return [look_at(path) for path in paths]


def _useful(workers: int, images: int) -> int:
    return max(1, min(workers, images // _WORTH_A_PROCESS))


def copies_among(
    index: Index, paths: Sequence[str], progress: Progress = silent, workers: int | None = None
) -> list[Copy]:
    """Find near-duplicates and cuttings among decoded files whose pixels all differ.

    Args:
        index: what was seen of the files.
        paths: files that could be decoded; ``Copy`` numbers them.
        progress: told of images looked up.
        workers: processes; as many as there are cores when not given.

    Raises:
        UsageError: for less than one process.
        MachineError: when the disk is full or a process is ended from outside.
    """
    looks = [index.look(path) for path in paths]
    workers = _useful(check_workers(workers), len(paths))
    if len(paths) < 2:
        return []
    key = hashlib.sha256(json.dumps([SCHEMA, SAME, [look.pixels for look in looks]]).encode()).hexdigest()
    found, known = _stored(index.beside(".copies"), key)
    chunks = [start for start in range(0, len(paths), _CHUNK) if start not in known]
    progress(_SEARCHING, sum(min(_CHUNK, len(paths) - start) for start in known), len(paths))
    if not chunks:
        return best(found)
    search = Search(index.thumbs(paths), np.array([aspect(look) for look in looks]))
    return best(found + _searched(index.beside(".copies"), key, search, chunks, len(paths), workers, progress))


def aspect(look: Look) -> float:
    """Return width divided by height of the upright picture."""
    return look.height / look.width if look.orientation >= 5 else look.width / look.height


def _searched(
    path: Path, key: str, search: Search, chunks: Sequence[int], count: int, workers: int, progress: Progress
) -> list[Copy]:
    found: list[Copy] = []
    work = partial(_copies_of, count)
    with machine_errors("writing the list of copies"), open(path, "a", encoding="utf-8") as stream:
        for start, copies in zip(chunks, spread(work, chunks, workers, partial(_install, search)), strict=True):
            stream.write(json.dumps([key, start, [astuple(copy) for copy in copies]]) + "\n")
            stream.flush()
            found += copies
            progress(_SEARCHING, min(start + _CHUNK, count), count)
    return found


_installed: list[Search] = []
"""The search of this process: too large to be sent along with every task."""


def _install(search: Search) -> None:
    _installed[:] = [search]


def _copies_of(count: int, start: int) -> list[Copy]:
    return _installed[0].copies_of(range(start, min(start + _CHUNK, count)))


def _stored(path: Path, key: str) -> tuple[list[Copy], set[int]]:
    """Return what was found before among the same images, and from where on it was looked for.

    A list of other images is of no more use and removed; so is a line that a killed process left half-written.
    """
    lines = path.read_text("utf-8").splitlines(keepends=True) if path.exists() else []
    good = [line for line in lines if line.endswith("\n") and line.startswith(json.dumps([key])[:-1])]
    if good != lines:
        path.write_text("".join(good), "utf-8")
    entries = [json.loads(line) for line in good]
    return [Copy(*copy) for _, _, copies in entries for copy in copies], {start for _, start, _ in entries}
