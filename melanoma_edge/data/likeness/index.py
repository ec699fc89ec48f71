"""What was seen of files, kept: appended as work goes on, so that killed work continues where it stopped.

Two files side by side: one line of JSON per file, and the thumbnails end to end. A thumbnail is written before its
line; whatever a killed process left behind the last whole line is cut off at the next opening.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np
import PIL
from numpy.typing import NDArray

from melanoma_edge.contract import PixelRecipe
from melanoma_edge.data.likeness.look import THUMB_BYTES, Look, stamp
from melanoma_edge.errors import machine_errors
from melanoma_edge.files import locked
from melanoma_edge.strictjson import Mismatch, from_plain, to_plain

SCHEMA = "melanoma-edge/looks/1"


class Thumbs:
    """Read thumbnails from disk as they are needed, so that memory does not grow with them."""

    def __init__(self, path: Path, places: NDArray[np.int64]) -> None:
        self._path, self._places = path, places

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, numbers: slice | NDArray[np.int64]) -> NDArray[np.uint8]:
        places = self._places[numbers]
        found = np.empty((len(places), THUMB_BYTES), np.uint8)
        with open(self._path, "rb") as stream:
            for row, place in enumerate(places):
                found[row] = np.frombuffer(os.pread(stream.fileno(), THUMB_BYTES, int(place) * THUMB_BYTES), np.uint8)
        return found


class Index:
    """Hold looks by path, and for each that could be decoded the place of its thumbnail."""

    def __init__(self, folder: Path, name: str) -> None:
        self._lines, self._thumbs = folder / f"{name}.looks", folder / f"{name}.thumbs"
        self._looks: dict[str, tuple[Look, int | None]] = {}
        self._count = 0

    def known(self, path: Path) -> Look | None:
        """Return what was seen of a file, or None when it was not or when the file changed since."""
        found = self._looks.get(str(path))
        return found[0] if found and (found[0].bytes, found[0].modified) == stamp(path) else None

    def look(self, path: str) -> Look:
        """Return what was seen of a file that is known."""
        return self._looks[path][0]

    def thumbs(self, paths: Sequence[str]) -> Thumbs:
        """Return the thumbnails of files that could be decoded."""
        places = [self._looks[path][1] for path in paths]
        assert None not in places, "only files that could be decoded have a thumbnail"
        return Thumbs(self._thumbs, np.array(places, np.int64))

    def beside(self, ending: str) -> Path:
        """Return the path of another file about the same images."""
        return self._lines.with_suffix(ending)

    def add(self, seen: Sequence[tuple[Look, bytes]], streams: tuple[BinaryIO, BinaryIO]) -> None:
        """Append looks with their thumbnails, thumbnails first."""
        lines, thumbs = streams
        text = []
        for look, thumb in seen:
            place = self._count if thumb else None
            self._count += bool(thumb)
            self._looks[look.path] = look, place
            text.append(json.dumps([place, to_plain(look)], ensure_ascii=False, separators=(",", ":")) + "\n")
        thumbs.write(b"".join(thumb for _, thumb in seen))
        thumbs.flush()
        lines.write("".join(text).encode("utf-8", "surrogatepass"))
        lines.flush()

    def read(self) -> None:
        """Read what is there and cut off what a killed process left half-written."""
        whole = 0
        stored = self._thumbs.stat().st_size // THUMB_BYTES if self._thumbs.exists() else 0
        for line in _whole_lines(self._lines):
            entry = _entry(line)
            if entry is None or (entry[1] is not None and entry[1] >= stored):
                break
            self._looks[entry[0].path] = entry
            self._count = self._count if entry[1] is None else entry[1] + 1
            whole += len(line)
        for path, length in ((self._lines, whole), (self._thumbs, self._count * THUMB_BYTES)):
            if path.exists():
                os.truncate(path, length)

    @contextmanager
    def appending(self) -> Iterator[tuple[BinaryIO, BinaryIO]]:
        """Give the two streams to append to."""
        with open(self._lines, "ab") as lines, open(self._thumbs, "ab") as thumbs:
            yield lines, thumbs


def _whole_lines(path: Path) -> Iterator[bytes]:
    if not path.exists():
        return
    with open(path, "rb") as stream:
        for line in stream:
            if not line.endswith(b"\n"):
                return
            yield line


def _entry(line: bytes) -> tuple[Look, int | None] | None:
    try:
        place, plain = json.loads(line.decode("utf-8", "surrogatepass"))
        return from_plain(Look, plain), place if place is None else int(place)
    except (ValueError, TypeError, Mismatch):
        return None


@contextmanager
def opened(folder: Path, paths: Sequence[Path]) -> Iterator[Index]:
    """Open the index of a set of files in a folder, alone; another process that wants it waits.

    Its name is a hash of where the files lie and of all that decides what is seen of them.
    """
    parents = sorted({str(path.parent) for path in paths})
    key = json.dumps([SCHEMA, PixelRecipe().version, PIL.__version__, THUMB_BYTES, parents])
    name = hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()
    with machine_errors("opening the index of images"):
        folder.mkdir(parents=True, exist_ok=True)
    with locked(folder / f"{name}.lock", wait=True), machine_errors("reading the index of images"):
        index = Index(folder, name)
        index.read()
        yield index
