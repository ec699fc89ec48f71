"""Writing files so that no half of one is ever seen, and hashing what was written."""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import zlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

from melanoma_edge.errors import UsageError, machine_errors, named

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file as 64 hexadecimal digits."""
    digest = hashlib.sha256()
    with open(path, "rb") as stream:
        while chunk := stream.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def to_json(document: Any) -> str:
    """Return JSON with two spaces of indent, keys in given order, and no NaN.

    Raises:
        ValueError: if a number is NaN or infinite.
    """
    return json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"


def refuse_overwrite(paths: Sequence[Path], force: bool) -> None:
    """Raise ``UsageError`` when some of ``paths`` exist and ``force`` is not given."""
    there = [str(path) for path in paths if path.exists() or path.is_symlink()]
    if there and not force:
        raise UsageError("refusing to overwrite", where=named(there), fix="add --force to replace, or move away")


@contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a temporary sibling to write into, and rename it to ``path`` when the block ends well.

    The sibling is flushed to disk before the rename and removed when the block fails.

    Raises:
        MachineError: when the disk is full, read-only or not permitted.
        UsageError: when a folder on the way is a file.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    with machine_errors(f"writing {path.name}"):
        _make_folder(path.parent)
        try:
            yield temporary
            with open(temporary, "rb") as stream:
                os.fsync(stream.fileno())
            temporary.replace(path)
        finally:
            with suppress(FileNotFoundError):
                temporary.unlink()


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except (FileExistsError, NotADirectoryError) as error:
        fix = "choose another path"
        raise UsageError("a file stands where a folder is needed", where=str(error.filename), fix=fix) from error


def write_bytes(path: Path, data: bytes) -> str:
    """Write ``data`` atomically and return its sha256."""
    with written(path) as temporary:
        temporary.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def write_text(path: Path, text: str) -> str:
    """Write ``text`` as UTF-8 atomically and return the sha256 of its bytes."""
    return write_bytes(path, text.encode())


@contextmanager
def locked(path: Path, *, wait: bool, waiting: Callable[[], None] | None = None) -> Iterator[bool]:
    """Hold an exclusive lock on ``path`` for the length of the block.

    The kernel drops the lock when the process ends in any way, so a killed process never blocks the next.

    Args:
        path: the lock file; made when missing and left in place.
        wait: whether to wait for another holder; otherwise the block runs with ``False``.
        waiting: called before it waits, where it has to.

    Yields:
        Whether the lock is held.
    """
    with machine_errors(f"locking {path.name}"):
        _make_folder(path.parent)
        stream = open(path, "w")
    with stream:
        if not _lock(stream, wait, waiting):
            yield False
            return
        if _is_at(stream.fileno(), path):
            yield True
            return
    # Another holder removed the file between our opening and locking it: what we hold guards nothing.
    with locked(path, wait=wait, waiting=waiting) as held:
        yield held


def _lock(stream: IO[str], wait: bool, waiting: Callable[[], None] | None) -> bool:
    with suppress(BlockingIOError):
        fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return True
    if wait:
        if waiting:
            waiting()
        fcntl.flock(stream, fcntl.LOCK_EX)
    return wait


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def deflated_bytes(data: bytes) -> int:
    """Return how many bytes ``data`` takes deflated (RFC 1951, level 9), as an app store downloads a file of an app."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return len(packer.compress(data)) + len(packer.flush())
