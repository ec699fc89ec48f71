"""A bundle's files: read from a folder or a zip within fixed limits, and written as a zip, the same each time."""

from __future__ import annotations

import io
import os
import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO

from melanoma_edge.bundle.documents import REMAKE
from melanoma_edge.errors import TrustError, machine_errors

MAX_FILES, MAX_FILE, MAX_TOTAL = 64, 64 << 20, 128 << 20
"""How many files a bundle may have, and how many bytes each and all of them."""

Files = Mapping[str, bytes]
"""A bundle's files by name, ``golden/01.jpg``."""

_Opener = Callable[[], IO[bytes]]
_NAME = re.compile(r"[a-z0-9_]+(/[a-z0-9_]+)*\.[a-z0-9]+")
_ZIP = b"PK"
_ENCRYPTED = 0x1
_DATE = (1980, 1, 1, 0, 0, 0)
_LOCAL, _CENTRAL, _END = 30, 46, 22
"""Sizes of a zip's records without names (PKWARE APPNOTE 4.3)."""
_HEADERS = 1 << 20
"""Bytes that the headers of a zip may take."""


def is_bundle(path: Path) -> bool:
    """Tell whether a path looks like a bundle: a folder with a manifest, or a zip by its name or its first bytes."""
    try:
        if path.is_dir():
            return (path / "manifest.json").exists()
        if path.suffix == ".zip":
            return True
        with open(path, "rb") as stream:
            return stream.read(len(_ZIP)) == _ZIP
    except OSError:
        return False


def read_files(path: Path) -> dict[str, bytes]:
    """Return every file of a bundle, in order of their names; nothing is believed that was not counted.

    Raises:
        TrustError: when the bundle is missing, is no folder or zip, or breaks a limit.
        MachineError: when it may not be read.
    """
    with machine_errors(f"reading {path.name}"):
        try:
            members = _folder(path) if path.is_dir() else _zip(path)
            return _collected(members, str(path))
        except (FileNotFoundError, NotADirectoryError) as error:
            fix = "give the folder or zip that `melanoma-edge bundle` wrote"
            raise TrustError("bundle missing", where=str(path), fix=fix) from error
        # A damaged zip makes zipfile meet whatever stands there: impossible offsets, methods, names.
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, ValueError, RuntimeError) as error:
            raise TrustError(f"not a whole zip: {error}", where=str(path), fix=REMAKE) from error


def zip_bytes(files: Files) -> bytes:
    """Return the files as a zip: stored, in order of names, of one fixed date."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            info = zipfile.ZipInfo(name, _DATE)
            info.create_system, info.external_attr = 3, 0o644 << 16
            archive.writestr(info, files[name])
    return stream.getvalue()


def _collected(members: Iterator[tuple[str, _Opener]], where: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    total = 0
    for name, opened in members:
        if not _NAME.fullmatch(name):
            raise _refused(f"a file named {name[:80]!r}", where)
        if name in found:
            raise _refused(f"two files named {name}", where)
        if len(found) == MAX_FILES:
            raise _refused(f"more than {MAX_FILES} files", where)
        with opened() as stream:
            data = stream.read(min(MAX_FILE, MAX_TOTAL - total) + 1)
        total += len(data)
        if len(data) > MAX_FILE or total > MAX_TOTAL:
            raise _refused(f"more than {MAX_FILE:,} bytes in {name}, or {MAX_TOTAL:,} in all", where)
        found[name] = data
    return dict(sorted(found.items()))


def _folder(path: Path) -> Iterator[tuple[str, _Opener]]:
    waiting, seen = [path], 0
    while waiting:
        folder = waiting.pop()
        with os.scandir(folder) as entries:
            for entry in entries:
                seen += 1
                if seen > 2 * MAX_FILES:
                    raise _refused(f"more than {MAX_FILES} files", str(path))
                if entry.is_dir(follow_symlinks=False):
                    waiting.append(Path(entry.path))
                elif not entry.is_file(follow_symlinks=False):
                    raise _refused(f"{entry.name!r}, which is a link or no file", str(path))
                else:
                    yield Path(entry.path).relative_to(path).as_posix(), partial(_opened, entry.path)


def _opened(path: str) -> IO[bytes]:
    return open(path, "rb")


def _zip(path: Path) -> Iterator[tuple[str, _Opener]]:
    status = path.stat()
    if not stat.S_ISREG(status.st_mode):
        raise TrustError("not a bundle: neither a folder nor a file", where=str(path), fix=REMAKE)
    if status.st_size > MAX_TOTAL + _HEADERS:
        raise _refused(f"{status.st_size:,} bytes", str(path))
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            _check_entry(info, str(path))
        if _plain_size(archive) != status.st_size:
            raise _refused("a zip with comments, extra fields, gaps, or bytes before or behind it", str(path))
        for info in archive.infolist():
            yield info.filename, partial(archive.open, info)


def _plain_size(archive: zipfile.ZipFile) -> int | None:
    """Return the size that a zip has when its files stand one behind the other with nothing between, else None.

    In such a zip no reader finds other files than another reader.
    """
    place = 0
    for info in archive.infolist():
        if info.header_offset != place or info.flag_bits:
            return None
        place += _LOCAL + len(info.orig_filename) + info.compress_size
    return place + sum(_CENTRAL + len(info.orig_filename) for info in archive.infolist()) + _END


def _check_entry(info: zipfile.ZipInfo, where: str) -> None:
    if info.flag_bits & _ENCRYPTED:
        raise _refused(f"{info.filename[:80]!r} encrypted", where)
    if stat.S_IFMT(info.external_attr >> 16) not in (0, stat.S_IFREG):
        raise _refused(f"{info.filename[:80]!r}, which is a link or no file", where)
    if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
        raise _refused(f"{info.filename[:80]!r} packed in a way that is not read", where)


def _refused(what: str, where: str) -> TrustError:
    return TrustError(f"no bundle has {what}", where=where, fix=REMAKE)
