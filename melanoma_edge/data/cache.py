"""Decoded squares in one memory-mapped file, made once for a list of images and a size.

The file is an ordinary ``.npy`` (``numpy.load`` opens it) with a line of JSON behind it that repeats its key and names
the images that could not be decoded. Its name is a hash of all that decides its content: it is right or it is missing.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import BytesIO, FileIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import PIL
from numpy.lib import format as npy

from melanoma_edge.contract import PixelRecipe
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.errors import DataError, MachineError, machine_errors, named
from melanoma_edge.files import locked, written
from melanoma_edge.pixels import decode_bytes, quietly, read_picture, square
from melanoma_edge.progress import Progress, silent

if TYPE_CHECKING:
    from numpy.typing import NDArray

SCHEMA = "melanoma-edge/cache/1"
_TASK = "decoding images"
_CHUNK = 16


@dataclass(frozen=True)
class BadImage:
    """Name an image whose bytes are as catalogued but cannot be decoded."""

    path: Path
    reason: str


@dataclass(frozen=True)
class CachedPixels:
    """Hold decoded squares, row by row with the catalog rows they belong to.

    ``pixels`` is uint8 ``[n, size, size, 3]``, read-only and memory-mapped; ``bad`` names what was left out.
    """

    pixels: NDArray[np.uint8]
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

    A killed run leaves only a temporary file, which the next one removes. Two runs that need the same file share it:
    the second waits for the first. Images are not read again once the file is there.

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
        _remove_leftovers(path.parent)
        with locked(path.with_suffix(".lock"), wait=True):
            stored = _stored(path, len(rows), size) or _built(path, rows, size, progress, workers)
    pixels, reasons = stored
    bad = tuple(BadImage(Path(rows[index].path), reason) for index, reason in reasons.items())
    _check_bad(bad, len(rows), skip_bad)
    return CachedPixels(pixels, tuple(row for index, row in enumerate(rows) if index not in reasons), bad)


def _key(rows: Sequence[CatalogRow], size: int) -> str:
    """Hash the images, the recipe and the decoder: another Pillow may decode to other bytes."""
    recipe = [SCHEMA, PixelRecipe().version, PIL.__version__, size]
    return hashlib.sha256(json.dumps(recipe + [row.sha256 for row in rows]).encode()).hexdigest()


def _check_bad(bad: Sequence[BadImage], count: int, skip_bad: bool) -> None:
    if not bad or (skip_bad and len(bad) < count):
        return
    names = named(f"{image.path} ({image.reason})" for image in bad)
    everything = "or check where they came from" if len(bad) == count else "or leave them out with --skip-bad-images"
    raise DataError(f"{len(bad)} of {count} images cannot be decoded: {names}", fix=f"replace them, {everything}")


_Stored = tuple["NDArray[np.uint8]", dict[int, str]]


def _stored(path: Path, count: int, size: int) -> _Stored | None:
    """Open a finished file, or return ``None`` when it is missing or not what its name says."""
    try:
        with machine_errors("opening the pixel cache"), open(path, "rb") as stream:
            pixels = npy.open_memmap(path, mode="r")
            stream.seek(pixels.offset + pixels.nbytes)
            note = json.loads(stream.read())
            bad = {int(index): str(reason) for index, reason in note["bad"]}
            key = note["key"]
    except (FileNotFoundError, NotADirectoryError, ValueError, KeyError, TypeError):
        return None
    fits = key == path.stem and pixels.shape == (count - len(bad), size, size, 3) and pixels.dtype == np.uint8
    return (pixels, bad) if fits else None


def _make_folder(folder: Path) -> None:
    with machine_errors("making the cache folder"):
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except (FileExistsError, NotADirectoryError) as error:
            fix = "remove the file in its place or set MELANOMA_EDGE_CACHE to a folder"
            raise MachineError("the cache folder is a file", where=str(folder), fix=fix) from error


def _remove_leftovers(folder: Path) -> None:
    """Remove temporary files that nobody is writing: whoever writes one holds the lock of its key."""
    for leftover in sorted(folder.glob(".*.npy.*.part")):
        key = leftover.name.split(".")[1]
        with locked(folder / f"{key}.lock", wait=False) as held:
            if held:
                leftover.unlink(missing_ok=True)


def _built(path: Path, rows: Sequence[CatalogRow], size: int, progress: Progress, workers: int | None) -> _Stored:
    with written(path) as temporary, FileIO(temporary, "w+") as file:
        _reserve(file, len(rows), size, path.parent)
        bad = _decode_all(file, rows, size, progress, workers)
        _finish(file, path.stem, len(rows), size, bad)
    stored = _stored(path, len(rows), size)
    if stored is None:
        raise MachineError("the pixel cache could not be read back", where=str(path), fix="check the disk")
    return stored


def _header(count: int, size: int) -> bytes:
    """Return the ``.npy`` header; numpy pads it so that its length does not depend on ``count``."""
    stream = BytesIO()
    npy.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": (count, size, size, 3)})
    return stream.getvalue()


def _reserve(file: FileIO, count: int, size: int, folder: Path) -> None:
    """Take the disk space before the work, so that a full disk is an error and not a crash when the file is mapped."""
    header = _header(count, size)
    wanted = len(header) + count * size * size * 3
    try:
        os.posix_fallocate(file.fileno(), 0, wanted)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        what = f"no space on the disk: the decoded images need {wanted / 1e6:.0f} MB"
        fix = "free some space or set MELANOMA_EDGE_CACHE to a folder on another disk"
        raise MachineError(what, where=str(folder), fix=fix) from error
    _write_at(file, header, 0)


@dataclass(frozen=True)
class _Problem:
    index: int
    reason: str
    lasting: bool  # follows from the bytes themselves, not from where the file is now


def _decode_all(
    file: FileIO, rows: Sequence[CatalogRow], size: int, progress: Progress, workers: int | None
) -> dict[int, str]:
    """Decode every row into its place and return index and reason of those that cannot be.

    Threads suffice: Pillow works outside Python's global lock.
    """
    work = partial(_decode_chunk, file, rows, size)
    problems: list[_Problem] = []
    pool = ThreadPoolExecutor(workers or len(os.sched_getaffinity(0)))
    try:
        with quietly():
            chunks = [range(start, min(start + _CHUNK, len(rows))) for start in range(0, len(rows), _CHUNK)]
            for chunk, future in zip(chunks, [pool.submit(work, chunk) for chunk in chunks], strict=True):
                problems += future.result()
                progress(_TASK, chunk.stop, len(rows))
    finally:
        pool.shutdown(cancel_futures=True)
    _refuse_changed([problem for problem in problems if not problem.lasting], rows)
    return {problem.index: problem.reason for problem in problems}


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
        pixels = square(decode_bytes(data, path), size)
    except DataError as error:
        return _Problem(index, error.what, lasting=True)
    _write_at(file, pixels.tobytes(), len(_header(len(rows), size)) + index * pixels.nbytes)
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


def _finish(file: FileIO, key: str, count: int, size: int, bad: dict[int, str]) -> None:
    """Close the gaps that bad images left and write the final header and the note behind the pixels."""
    kept = [index for index in range(count) if index not in bad]
    start, one = len(_header(count, size)), size * size * 3
    for place, index in enumerate(kept):
        if place != index:
            _write_at(file, os.pread(file.fileno(), one, start + index * one), start + place * one)
    end = start + len(kept) * one
    os.ftruncate(file.fileno(), end)
    _write_at(file, _header(len(kept), size), 0)
    note = {"schema": SCHEMA, "key": key, "bad": sorted(bad.items())}
    _write_at(file, (json.dumps(note) + "\n").encode(), end)


def _write_at(file: FileIO, data: bytes, position: int) -> None:
    """Write all bytes at a position; threads share the file without sharing a position."""
    while data:
        count = os.pwrite(file.fileno(), data, position)
        data, position = data[count:], position + count
