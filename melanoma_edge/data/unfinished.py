"""A large file in the making: what of it is on disk for certain is written beside it, so that killed work continues."""

from __future__ import annotations

import errno
import json
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from io import FileIO
from pathlib import Path

from melanoma_edge.errors import MachineError, machine_errors
from melanoma_edge.files import locked, write_text

SCHEMA = "melanoma-edge/unfinished/1"
_SAVED_EVERY = 2.0
"""Seconds of work, at most, that are done again after the process was killed."""
_ABANDONED = 7 * 24 * 3600
"""Seconds after which unfinished work that nobody continued is removed."""


class Work:
    """Know how far the work on a file has come, and keep it in a record beside the file.

    Attributes:
        done: number of items from the first on that need not be worked on again.
        bad: reasons by number of those of them that nothing can be made of.
    """

    def __init__(self, file: FileIO, record: Path, count: int) -> None:
        self.done, self.bad = 0, dict[int, str]()
        self._file, self._record, self._saved = file, record, time.monotonic()
        with suppress(OSError, ValueError, KeyError, TypeError):
            found = json.loads(record.read_text("utf-8"))
            done, bad = int(found["done"]), {int(index): str(reason) for index, reason in found["bad"]}
            if found["schema"] == SCHEMA and 0 <= done <= count:
                self.done, self.bad = done, bad

    def advance(self, done: int, bad: Mapping[int, str]) -> None:
        """Take note of finished items, further bad ones among them; what is noted is saved every two seconds."""
        self.done = done
        self.bad |= bad
        if time.monotonic() - self._saved >= _SAVED_EVERY:
            self.save()

    def save(self) -> None:
        """Put on disk what was written into the file, and only then say so in the record."""
        os.fdatasync(self._file.fileno())
        note = {"schema": SCHEMA, "done": self.done, "bad": sorted(self.bad.items())}
        write_text(self._record, json.dumps(note) + "\n")
        self._saved = time.monotonic()


@contextmanager
def unfinished(path: Path, length: int, count: int) -> Iterator[tuple[FileIO, Work]]:
    """Give the file to write into, with what is in it already, and rename it to ``path`` when the block ends well.

    When it does not, what is there stays for the next time; but lack of disk must not last, so then it is removed.
    Whoever calls this holds the lock of the file: its name with the ending ``.lock``.

    Args:
        path: what the file is called in the end.
        length: bytes that it takes at least; they are reserved, so that a full disk is known before the work.
        count: number of items that are put into it.

    Raises:
        MachineError: when the disk is full, read-only or not permitted.
    """
    part, record = path.with_name(f".{path.name}.part"), path.with_name(f".{path.name}.done")
    with machine_errors(f"writing {path.name}"):
        there = part.exists() and part.stat().st_size >= length
        if not there:
            record.unlink(missing_ok=True)
        try:
            with FileIO(part, "r+" if there else "w+") as file:
                _reserve(file, length, path.parent)
                yield file, Work(file, record, count)
                os.fsync(file.fileno())
            part.replace(path)
            _remove(path)
        except (OSError, MachineError) as error:
            if not isinstance(error.__cause__, MemoryError):
                _remove(path)
            raise


def _reserve(file: FileIO, length: int, folder: Path) -> None:
    try:
        os.posix_fallocate(file.fileno(), 0, length)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG):
            raise
        what = f"no space on the disk: the decoded images need {length / 1e6:.0f} MB"
        fix = "free some space or set MELANOMA_EDGE_CACHE to a folder on another disk"
        raise MachineError(what, where=str(folder), fix=fix) from error


def _remove(path: Path) -> None:
    """Remove what work on a file leaves beside it: the part, its record, and a record that was being written."""
    for leftover in path.parent.glob(f".*{path.name}.*"):
        leftover.unlink(missing_ok=True)


def remove_abandoned(folder: Path) -> None:
    """Remove unfinished work of long ago, unless somebody is at it: whoever writes a file holds its lock."""
    for leftover in sorted(folder.glob(".*.npy.*")):
        with suppress(FileNotFoundError):
            if time.time() - leftover.stat().st_mtime > _ABANDONED:
                key = leftover.name.lstrip(".").split(".")[0]
                with locked(folder / f"{key}.lock", wait=False) as held:
                    if held:
                        leftover.unlink()


def write_at(file: FileIO, data: bytes, position: int) -> None:
    """Write all bytes at a position; threads share the file without sharing a position."""
    while data:
        count = os.pwrite(file.fileno(), data, position)
        data, position = data[count:], position + count
