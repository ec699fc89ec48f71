"""Read of a shared object what decides whether a phone can load it."""

from __future__ import annotations

import struct

_MAGIC = b"\x7fELF"
_BITS_64 = 2
_LITTLE_ENDIAN = 1
_PT_LOAD = 1


def load_alignments(data: bytes) -> list[int]:
    """Return the alignment of each segment that is loaded; raise ValueError of what is no 64-bit shared object."""
    if data[:4] != _MAGIC or data[4:6] != bytes([_BITS_64, _LITTLE_ENDIAN]):
        raise ValueError("not a 64-bit little-endian ELF file")
    (table,) = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    segments = [struct.unpack_from("<IIQQQQQQ", data, table + size * index) for index in range(count)]
    return [segment[7] for segment in segments if segment[0] == _PT_LOAD]
