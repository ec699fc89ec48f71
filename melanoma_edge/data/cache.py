"""Decoded squares in one file, made once for a list of images and a size.

The file is an ordinary ``.npy`` (``numpy.load`` opens it) with a line of JSON behind it that repeats its key and names
the images that could not be decoded, whose squares are black. Its name is a hash of all that decides its content: it is
right or it is missing. While it is made it has another name, and a record beside it says what is on disk for certain,
so that work that was stopped or killed continues there.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO, FileIO
from pathlib import Path

import PIL
from numpy.lib import format as npy

from melanoma_edge.contract import PixelRecipe
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.copies import drawn
from melanoma_edge.data.metadata import TURNED
from melanoma_edge.data.stored import StoredSquares
from melanoma_edge.data.unfinished import Work, remove_abandoned, unfinished, write_at
from melanoma_edge.errors import DataError, MachineError, machine_errors, named
from melanoma_edge.files import locked
from melanoma_edge.pixels import decode_bytes, quietly, read_picture, square
from melanoma_edge.progress import Progress, silent

SCHEMA = "melanoma-edge/cache/1"
_TASK = "decoding images"
_WAITING = "waiting for another run that decodes the same images"
_CHUNK = 16


@dataclass(frozen=True)
class BadImage:
    """Name an image whose bytes are as catalogued but cannot be decoded."""

    path: Path
    reason: str


@dataclass(frozen=True)
class CachedPixels:
    """Hold decoded squares, row by row with the catalog rows they belong to.

    ``pixels`` stand for uint8 ``[n, size, size, 3]``, read from disk as they are asked for; ``bad`` names the files
    that were left out.
    """

    pixels: StoredSquares
    rows: tuple[CatalogRow, ...]
    bad: tuple[BadImage, ...]


def cache_folder() -> Path:
    """Return ``$MELANOMA_EDGE_CACHE``, else ``melanoma-edge`` in ``$XDG_CACHE_HOME`` or ``~/.cache``.

    Raises:
        MachineError: when none of them is set and the user has no home.
    """
    chosen = os.environ.get("MELANOMA_EDGE_CACHE")
    if chosen:
        return Path(chosen)
    # The XDG base directory specification wants relative paths ignored.
    base = Path(os.environ.get("XDG_CACHE_HOME", ""))
    try:
        return (base if base.is_absolute() else Path.home() / ".cache") / "melanoma-edge"
    except RuntimeError as error:
        fix = "set MELANOMA_EDGE_CACHE to a folder that may be written"
        raise MachineError(f"no place for the cache: {error}", fix=fix) from error


def cached_pixels(
    rows: Sequence[CatalogRow],
    size: int,
    folder: Path | None = None,
    progress: Progress = silent,
    skip_bad: bool = False,
    workers: int | None = None,
) -> CachedPixels:
    """Return the decoded squares of ``rows``, from the cache or decoded now and kept.

    Work that was stopped or killed continues with the next call. Two runs that need the same file share it: the second
    waits for the first. Images are not read again once the file is there.

    Args:
        rows: catalog rows; their order is the order of the pixels.
        size: side of the squares in pixels.
        folder: where the files lie; ``cache_folder()`` when not given.
        progress: told of images decoded.
        skip_bad: whether images that cannot be decoded are left out and recorded instead of an error.
        workers: threads that decode; as many as there are processors when not given.

    Raises:
        DataError: when images are missing, differ from their catalogued sha256, or cannot be decoded.
        MachineError: when the disk is full or the folder cannot be used.
    """
    rows = tuple(rows)
    path = (cache_folder() if folder is None else folder) / f"{_key(rows, size)}.npy"
    stored = _stored(path, len(rows), size)
    if stored is None:
        _make_folder(path.parent)
        remove_abandoned(path.parent)
        with locked(path.with_suffix(".lock"), wait=True, waiting=lambda: progress(_WAITING, 0, 0)):
            stored = _stored(path, len(rows), size) or _built(path, rows, size, progress, workers)
    squares, reasons = stored
    # Augmented copies are rows of the same file.
    bad = tuple(dict.fromkeys(BadImage(Path(rows[index].path), reason) for index, reason in reasons.items()))
    _check_bad(bad, len({row.path for row in rows}), skip_bad)
    kept = [index for index in range(len(rows)) if index not in reasons]
    return CachedPixels(squares.picked(kept), tuple(rows[index] for index in kept), bad)


def _key(rows: Sequence[CatalogRow], size: int) -> str:
    """Hash the images, the recipe and the decoder: another Pillow may decode to other bytes."""
    recipe = [SCHEMA, PixelRecipe().version, PIL.__version__, size]
    return hashlib.sha256(
        json.dumps(recipe + [row.sha256 + row.extra.get(TURNED, "") for row in rows]).encode()
    ).hexdigest()


def _check_bad(bad: Sequence[BadImage], count: int, skip_bad: bool) -> None:
    if not bad or (skip_bad and len(bad) < count):
        return
    names = named(f"{image.path} ({image.reason})" for image in bad)
    everything = "or check where they came from" if len(bad) == count else "or leave them out with --skip-bad-images"
    raise DataError(f"{len(bad)} of {count} images cannot be decoded: {names}", fix=f"replace them, {everything}")


_Stored = tuple[StoredSquares, dict[int, str]]


def _stored(path: Path, count: int, size: int) -> _Stored | None:
    """Open a finished file, or return ``None`` when it is missing or not what its name says."""
    header = _header(count, size)
    try:
        with machine_errors("opening the pixel cache"), open(path, "rb") as stream:
            fits = stream.read(len(header)) == header
            stream.seek(_end(count, size))
            note = json.loads(stream.read())
            bad = {int(index): str(reason) for index, reason in note["bad"]}
            fits = fits and note["key"] == path.stem
            return (StoredSquares(path, len(header), count, size), bad) if fits else None
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None


def _make_folder(folder: Path) -> None:
    with machine_errors("making the cache folder"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            fix = "remove the file in its place or set MELANOMA_EDGE_CACHE to a folder"
            raise MachineError("the cache folder is a file", where=str(folder), fix=fix) from error


def _built(path: Path, rows: Sequence[CatalogRow], size: int, progress: Progress, workers: int | None) -> _Stored:
    header, end = _header(len(rows), size), _end(len(rows), size)
    with unfinished(path, end, len(rows)) as (file, work):
        write_at(file, header, 0)
        _decode_all(file, work, rows, size, progress, workers)
        note = {"schema": SCHEMA, "key": path.stem, "bad": sorted(work.bad.items())}
        os.ftruncate(file.fileno(), end)
        write_at(file, (json.dumps(note) + "\n").encode(), end)
    stored = _stored(path, len(rows), size)
    if stored is None:
        raise MachineError("the pixel cache could not be read back", where=str(path), fix="check the disk")
    return stored


def _header(count: int, size: int) -> bytes:
    stream = BytesIO()
    npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)})
    return stream.getvalue()


def _end(count: int, size: int) -> int:
    """Return where the pixels end and the note begins."""
    return len(_header(count, size)) + count * size * size * 3


@dataclass(frozen=True)
class _Problem:
    index: int
    reason: str
    lasting: bool  # follows from the bytes themselves, not from where the file is now


def _decode_all(
    file: FileIO, work: Work, rows: Sequence[CatalogRow], size: int, progress: Progress, workers: int | None
) -> None:
    """Decode every row that is not done into its place; those that cannot be are noted in ``work``.

    Threads suffice: Pillow works outside Python's global lock.
    """
    passing: list[_Problem] = []
    chunks = [range(start, min(start + _CHUNK, len(rows))) for start in range(work.done, len(rows), _CHUNK)]
    progress(_TASK, work.done, len(rows))
    pool = ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)))
    try:
        with quietly():
            futures = [pool.submit(partial(_decode_chunk, file, rows, size), chunk) for chunk in chunks]
            for chunk, future in zip(chunks, futures, strict=True):
                problems = future.result()
                passing += (problem for problem in problems if not problem.lasting)
                if not passing:
                    work.advance(chunk.stop, {problem.index: problem.reason for problem in problems})
                progress(_TASK, chunk.stop, len(rows))
    except KeyboardInterrupt:
        work.save()
        raise
    finally:
        pool.shutdown(cancel_futures=True)
    if passing:
        work.save()
    _refuse_changed(passing, rows)


def _decode_chunk(file: FileIO, rows: Sequence[CatalogRow], size: int, chunk: range) -> list[_Problem]:
    found = (_decode_one(file, rows, size, index) for index in chunk)
    return [problem for problem in found if problem is not None]


def _decode_one(file: FileIO, rows: Sequence[CatalogRow], size: int, index: int) -> _Problem | None:
    path = Path(rows[index].path)
    try:
        data = read_picture(path)
    except DataError as error:
        return _Problem(index, error.what, lasting=False)
    if hashlib.sha256(data).hexdigest() != rows[index].sha256:
        return _Problem(index, "other bytes than catalogued", lasting=False)
    try:
        pixels = square(drawn(decode_bytes(data, path), rows[index].extra), size)
    except DataError as error:
        return _Problem(index, error.what, lasting=True)
    write_at(file, pixels.tobytes(), len(_header(len(rows), size)) + index * pixels.nbytes)
    return None


def _refuse_changed(problems: Sequence[_Problem], rows: Sequence[CatalogRow]) -> None:
    """Tell images that are no longer there from those that are others now."""
    gone = [problem for problem in problems if not Path(rows[problem.index].path).exists()]
    changed = [problem for problem in problems if problem not in gone]
    parts = []
    if gone:
        names = named(rows[problem.index].path for problem in gone)
        parts.append(f"{len(gone)} of {len(rows)} images are no longer there: {names}")
    if changed:
        names = named(f"{rows[problem.index].path} ({problem.reason})" for problem in changed)
        parts.append(f"{len(changed)} of {len(rows)} images changed since the catalog was made: {names}")
    if parts:
        raise DataError("; ".join(parts), fix="put the files back as they were, or train anew on what is there now")
