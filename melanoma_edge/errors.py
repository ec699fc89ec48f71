"""The error tree: every failure a user can cause or meet, each with its exit code.

A message has three parts: what is wrong, where (file, row, column) and ``Fix:`` what to do.
The library raises these; the command line translates them in one place (``cli/main.py``).
"""

from __future__ import annotations

import errno
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import ClassVar

SHOWN = 10
"""How many of several bad inputs a message names before it only counts."""


class MelanomaEdgeError(Exception):
    """Say what is wrong, where, and how to fix it."""

    exit_code: ClassVar[int] = 1

    def __init__(self, what: str, *, fix: str, where: str = "") -> None:
        self.what = what
        self.where = where
        self.fix = fix
        super().__init__(str(self))

    def __str__(self) -> str:
        place = f" ({self.where})" if self.where else ""
        return f"{self.what}{place}\nFix: {self.fix}"

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.what, self.fix, self.where)


def _rebuild(cls: type[MelanomaEdgeError], what: str, fix: str, where: str) -> MelanomaEdgeError:
    return cls(what, fix=fix, where=where)


class UsageError(MelanomaEdgeError):
    """Refuse a request that cannot be meant: bad option, or a file that would be overwritten."""

    exit_code = 2


class DataError(MelanomaEdgeError):
    """Name images, tables or folders that are missing, unreadable or contradictory."""

    exit_code = 3


class ExportError(MelanomaEdgeError):
    """Report a file that could not be written as asked, or that is not what was asked."""

    exit_code = 4


class ParityFailed(MelanomaEdgeError):
    """Report an artifact that decides worse than its reference."""

    exit_code = 5


class ParityInconclusive(MelanomaEdgeError):
    """Report a test split with too few cases to decide."""

    exit_code = 6


class TrustError(MelanomaEdgeError):
    """Refuse a run, artifact or bundle that is missing or not what it claims to be."""

    exit_code = 7


class MachineError(MelanomaEdgeError):
    """Report what the machine lacks: disk, memory, permission, GPU, package."""

    exit_code = 8


class Interrupted(MelanomaEdgeError):
    """Report that the user stopped the work, and how it continues."""

    exit_code = 130


def named(items: Iterable[object], limit: int = SHOWN) -> str:
    """Join the first ``limit`` items with commas and count the rest."""
    everything = [str(item) for item in items]
    shown = ", ".join(everything[:limit])
    rest = len(everything) - limit
    return f"{shown} and {rest} more" if rest > 0 else shown


_REMEDIES = {
    errno.ENOSPC: ("the disk is full", "free some space or choose another folder, then run again"),
    errno.EDQUOT: ("the disk quota is used up", "free some space or choose another folder"),
    errno.EACCES: ("permission denied", "choose a folder you may write to, or change its permissions"),
    errno.EPERM: ("permission denied", "choose a folder you may write to, or change its permissions"),
    errno.EROFS: ("the file system is read-only", "choose a folder that can be written"),
    errno.EMFILE: ("too many open files", "raise the limit with `ulimit -n`"),
    errno.ENOMEM: ("out of memory", "close other programs or choose a smaller batch or image size"),
}


@contextmanager
def machine_errors(doing: str) -> Iterator[None]:
    """Turn operating-system failures inside the block into ``MachineError``.

    Args:
        doing: what was attempted, as the end of "while ...", for instance ``writing run.json``.

    Raises:
        MachineError: for a full disk, missing permission, read-only file system or lack of memory.
    """
    try:
        yield
    except MemoryError as error:
        what, fix = _REMEDIES[errno.ENOMEM]
        raise MachineError(f"{what} while {doing}", fix=fix) from error
    except OSError as error:
        if error.errno not in _REMEDIES:
            raise
        what, fix = _REMEDIES[error.errno]
        raise MachineError(f"{what} while {doing}", where=str(error.filename or ""), fix=fix) from error
