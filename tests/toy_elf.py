"""The heads of shared objects."""

from __future__ import annotations

import struct

LOAD, DYNAMIC = 1, 2


def elf(*segments: tuple[int, int]) -> bytes:
    """Return the head of a 64-bit shared object with segments of given types and alignments."""
    sizes = (64, 56, len(segments), 0, 0, 0)
    head = struct.pack("<4sBBB9xHHIQQQIHHHHHH", b"\x7fELF", 2, 1, 1, 3, 183, 1, 0, 64, 0, 0, *sizes)
    return head + b"".join(struct.pack("<IIQQQQQQ", kind, 5, 0, 0, 0, 0, 0, align) for kind, align in segments)
