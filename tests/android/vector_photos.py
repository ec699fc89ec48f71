"""Vectors of photo files: EXIF blocks and XMP packets, whole and damaged files, and what Python makes of them."""

from __future__ import annotations

import base64
import random
import struct
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import DataError
from melanoma_edge.pixels import decode_bytes, quietly

JPEG = base64.b64decode(
    "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDAAMCAgMCAgMDAwMEAwMEBQgFBQQEBQoHBwYIDAoMDAsKCwsNDhIQDQ4RDgsLEBYQERMUFRUVDA8XGBYU"
    "GBIUFRT/wAALCAAQACABAREA/8QAFgABAQEAAAAAAAAAAAAAAAAAAAgJ/8QAFBABAAAAAAAAAAAAAAAAAAAAAP/aAAgBAQAAPwDN8V2K6Fdj/9k="
)
"""A grey picture of 32 x 16 pixels whose four quarters differ, so that every turn of it is another picture."""

XMP = b"http://ns.adobe.com/xap/1.0/\0"
_FORMS = {1: "B", 2: "s", 3: "H", 4: "L", 5: "LL", 6: "b", 7: "B", 8: "h", 9: "l", 10: "ll", 11: "f", 12: "d", 13: "L"}


def segment(marker: int, data: bytes) -> bytes:
    """Return a JPEG segment."""
    return struct.pack(">BBH", 0xFF, marker, len(data) + 2) + data


def jpeg(*segments: bytes) -> bytes:
    """Return the picture with segments behind its first mark."""
    return JPEG[:2] + b"".join(segments) + JPEG[2:]


def with_exif(block: bytes | None, xmp: bytes | None = None) -> bytes:
    """Return the picture with an EXIF block, prefix included, and an XMP packet."""
    parts = [segment(0xE1, block)] if block is not None else []
    return jpeg(*parts, *([segment(0xE1, XMP + xmp)] if xmp is not None else []))


def chunk(name: bytes, data: bytes, damage: int = 0) -> bytes:
    """Return a PNG chunk; ``damage`` falsifies its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data) ^ damage)


def header(width: int = 32, height: int = 16, depth: int = 8, colour: int = 0) -> bytes:
    """Return the header chunk of a PNG."""
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0))


def png(*before: bytes, after: Sequence[bytes] = (), head: bytes = b"", end: bytes = chunk(b"IEND", b"")) -> bytes:
    """Return the picture as PNG with chunks before and behind the pixels."""
    lines = b"".join(b"\0" + bytes(row) for row in _quarters())
    pixels = chunk(b"IDAT", zlib.compress(lines, 0))
    return b"\x89PNG\r\n\x1a\n" + (head or header()) + b"".join(before) + pixels + b"".join(after) + end


def _quarters() -> NDArray[np.uint8]:
    return np.repeat(np.repeat(np.array([[20, 90], [160, 230]], np.uint8), 8, axis=0), 16, axis=1)


def orientation_of(file: bytes) -> int | None:
    """Return which of the eight turns Python has made of the picture, None where it refuses the file."""
    try:
        with quietly():
            found = np.asarray(decode_bytes(file, Path("photo")))[..., 0].astype(int)
    except DataError:
        return None
    stored = _quarters().astype(int)
    turned = {
        **{1: stored, 2: stored[:, ::-1], 3: stored[::-1, ::-1], 4: stored[::-1]},
        **{5: stored.T, 6: np.rot90(stored, -1), 7: stored[::-1, ::-1].T, 8: np.rot90(stored, 1)},
    }
    alike = [turn for turn, wanted in turned.items() if wanted.shape == found.shape and abs(wanted - found).max() < 9]
    return alike[0] if len(alike) == 1 else None


def entry(endian: str, kind: int, *values: Any, count: int | None = None, tag: int = 0x0112, raw: bytes = b"") -> bytes:
    """Return a directory entry of 12 bytes; ``raw`` stands where the value or its place would."""
    data = raw or b"".join(struct.pack(endian + _FORMS[kind], *np.atleast_1d(value)) for value in values)
    number = len(values) if count is None else count
    return struct.pack(endian + "HHL", tag, kind, number) + data.ljust(4, b"\0")[:4]


def block(endian: str, *entries: bytes, tail: bytes = b"", first: int = 8, head: bytes = b"", count: int = -1) -> bytes:
    """Return an EXIF block with its prefix; what lies out of line is in ``tail``, from byte 14 + 12 n on."""
    head = head or {"<": b"II*\0", ">": b"MM\0*"}[endian]
    number = len(entries) if count < 0 else count
    body = struct.pack(endian + "L", first) + struct.pack(endian + "H", number) + b"".join(entries)
    return b"Exif\0\0" + head + body + bytes(4) + tail


def _plain(value: int, endian: str = "<", kind: int = 3) -> bytes:
    return block(endian, entry(endian, kind, value))


def blocks() -> Iterator[tuple[bytes | None, bytes | None]]:
    """Yield EXIF blocks and XMP packets, whole, strange and damaged."""
    for endian in "<>":
        yield from ((_plain(value, endian), None) for value in (*range(11), 255, 256, 262, 65535))
        yield from ((_plain(6, endian, kind), None) for kind in (1, 3, 4, 6, 7, 8, 9, 13))
        yield from ((block(endian, item), None) for item in _odd_entries(endian))
        yield from ((found, b'tiff:Orientation="8"') for found in _odd_blocks(endian))
    for text in _PACKETS:
        yield from ((exif, text) for exif in (None, _plain(6), _plain(0), block("<"), b"Exif\0\0", b"Exif\0\0junk"))
    yield from ((b"Exif\0\0" * number + _plain(6)[6:], None) for number in (1, 2, 3))
    yield from ((_plain(6)[:length], b"tiff:Orientation>3<") for length in range(6, len(_plain(6)) + 1))
    yield from ((found, b'tiff:Orientation="4"') for found in _mutated())


_PACKETS = (
    b'<rdf tiff:Orientation="8"/>',
    b"<tiff:Orientation>3</tiff:Orientation>",
    b'tiff:Orientation = "5"',
    b"tiff:Orientation='5'",
    b'tiff:Orientation="0" tiff:Orientation="5"',
    b'tiff:Orientation="9"',
    b'tiff:Orientation="12"',
    b'exif:Orientation="5"',
    b'\xff\xfe tiff:Orientation="7"',
    b"",
)


def _odd_entries(endian: str) -> Iterator[bytes]:
    yield entry(endian, 2, raw=b"6\0", count=2)
    yield entry(endian, 3, 6, 3)
    yield entry(endian, 3, 6, count=0)
    yield entry(endian, 11, 6.0)
    yield from (entry(endian, 11, value) for value in (6.5, float("nan"), float("inf"), -6.0))
    yield from (entry(endian, kind, raw=struct.pack(endian + "H", 6), count=1) for kind in (0, 14, 15, 17, 18, 129))
    yield from (entry(endian, kind, value) for kind in (6, 8, 9) for value in (-6, -1))


def _odd_blocks(endian: str) -> Iterator[bytes]:
    six, place = entry(endian, 3, 6), struct.pack(endian + "L", 26)
    for kind, values in [
        (12, (6.0,)),
        (12, (5.9,)),
        (5, (6, 1)),
        (5, (12, 2)),
        (5, (7, 2)),
        (5, (6, 0)),
        (10, (-6, -1)),
    ]:
        data = struct.pack(endian + (_FORMS[kind] if kind != 12 else "d"), *values)
        yield block(endian, entry(endian, kind, raw=place, count=1), tail=data)
    yield block(endian, entry(endian, 3, raw=place, count=5), tail=struct.pack(endian + "5H", 6, 1, 1, 1, 1))
    yield block(endian, entry(endian, 16, raw=place, count=1), tail=struct.pack(endian + "Q", 6))
    far, huge = struct.pack(endian + "L", 900), struct.pack(endian + "L", 2**32 - 1)
    for raw, count in [(far, 10), (far, 10**6), (huge, 10), (place, 2**32 - 1)]:
        make = entry(endian, 2, raw=raw, count=count, tag=0x010F)
        yield block(endian, make, six)
        yield block(endian, six, make)
        yield block(endian, entry(endian, 3, raw=raw, count=count), six)
    yield block(endian, six, entry(endian, 3, 3))
    yield block(endian, entry(endian, 3, 3, count=0), six)
    yield block(endian, entry(endian, 99, raw=b"\3", count=1), six)
    yield block(endian, *(entry(endian, 3, 1, tag=tag) for tag in range(256, 274)), six)
    yield from (block(endian, six, first=first) for first in (0, 4, 9, 22, 24, 500, 2**31, 2**32 - 1))
    yield from (block(endian, six, count=count) for count in (0, 2, 3, 65535))
    yield block(endian, entry(endian, 3, 1, tag=0x0100), tail=block(endian, six)[14:])
    yield block(endian, tail=block(endian, six)[14:])
    for head in (b"MM*\0", b"II\0*", b"MM\0+", b"II+\0", b"MM+\0", b"II\0+", b"ii*\0", b"IIII", b"\0\0\0\0"):
        yield block(endian, six, head=head)


def _mutated() -> Iterator[bytes]:
    choice = random.Random(5)
    for number in range(240):
        endian = "<>"[number % 2]
        place = struct.pack(endian + "L", 50)
        make = entry(endian, 2, raw=place, count=6, tag=0x010F)
        data = bytearray(block(endian, make, entry(endian, 3, 6), entry(endian, 4, 8, tag=0x8769), tail=b"Maker\0"))
        for _ in range(choice.randint(1, 3)):
            data[choice.randrange(6, len(data))] = choice.choice((0, 1, 2, 3, 4, 6, 8, 255, choice.randrange(256)))
        yield bytes(data)


def exif_cases() -> list[dict[str, Any]]:
    """Return EXIF blocks and XMP packets, with the orientation that Python finds."""
    return [
        {
            "exif": None if exif is None else base64.b64encode(exif).decode(),
            "xmp": None if xmp is None else xmp.decode("latin-1"),
            "orientation": orientation_of(with_exif(exif, xmp)),
        }
        for exif, xmp in blocks()
    ]
