"""Write a ZIP archive whose stored entries lie where Android can map them into memory."""

from __future__ import annotations

import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

PAGE = 16384
"""The largest memory page of a phone; a shared object is mapped only from a page's beginning."""
WORD = 4
"""Where every other stored entry begins."""

_ALIGNMENT_FIELD = 0xD935
"""The extra field in which Android's own tools note an entry's alignment; apksigner keeps to it."""
_LOCAL_HEADER = 30
_EPOCH = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Entry:
    """A file of an archive; a stored one is not compressed."""

    name: str
    data: bytes
    stored: bool

    @property
    def alignment(self) -> int:
        """Return the multiple at which its bytes must begin."""
        if not self.stored:
            return 1
        return PAGE if self.name.endswith(".so") else WORD


def read_entries(path: Path) -> list[Entry]:
    """Read every file of an archive, in its order."""
    with zipfile.ZipFile(path) as archive:
        return [
            Entry(info.filename, archive.read(info), info.compress_type == zipfile.ZIP_STORED)
            for info in archive.infolist()
        ]


def write_entries(path: Path, entries: Iterable[Entry]) -> None:
    """Write an archive: the same entries give the same bytes, at any hour and on any machine."""
    with path.open("wb") as file, zipfile.ZipFile(file, "w") as archive:
        for entry in entries:
            info = zipfile.ZipInfo(entry.name, _EPOCH)
            info.create_system = 0
            info.compress_type = zipfile.ZIP_STORED if entry.stored else zipfile.ZIP_DEFLATED
            info.extra = padding(file.tell() + _LOCAL_HEADER + len(entry.name.encode()), entry.alignment)
            archive.writestr(info, entry.data, compresslevel=9)


def padding(offset: int, alignment: int) -> bytes:
    """Return the extra field that moves an entry's bytes from an offset to the next multiple of the alignment."""
    if alignment == 1:
        return b""
    header = struct.calcsize("<HHH")
    fill = -(offset + header) % alignment
    return struct.pack("<HHH", _ALIGNMENT_FIELD, 2 + fill, alignment) + bytes(fill)
