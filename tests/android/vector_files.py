"""Vectors of whole photo files: which are photos, how they stand, and which are refused and why."""

from __future__ import annotations

import base64
import random
import zlib
from collections.abc import Iterator
from typing import Any

from android.vector_photos import (
    JPEG,
    XMP,
    block,
    chunk,
    entry,
    header,
    jpeg,
    orientation_of,
    png,
    segment,
    with_exif,
)

_SIX = block("<", entry("<", 3, 6))
_BIG = block(">", entry(">", 2, raw=b"\0\0\0\x26", count=40, tag=0x010F), entry(">", 3, 6), tail=b"m" * 40)
_THREE = b'tiff:Orientation="3"'
_PACKET = b"XML:com.adobe.xmp\0"
_FRAME = JPEG.index(b"\xff\xc0")
_SCAN = JPEG.index(b"\xff\xda")


def files() -> list[dict[str, Any]]:
    """Return files; ``orientation`` is Python's, None where it refuses, ``unfit`` the phone's reason to refuse."""
    cases = [*_jpegs(), *_pngs(), *_others()]
    return [_case(name, data, unfit) for name, data, unfit in cases]


def _case(name: str, data: bytes, unfit: str | None) -> dict[str, Any]:
    encoded = base64.b64encode(data).decode()
    return {"name": name, "file": encoded, "orientation": orientation_of(data), "unfit": unfit}


def damaged() -> list[dict[str, Any]]:
    """Return files with a few bytes changed or cut off, with Python's orientation, None where it refuses them."""
    choice = random.Random(6)
    wholes = [with_exif(_BIG, _THREE), png(chunk(b"eXIf", _SIX[6:]), chunk(b"iTXt", _PACKET + bytes(4) + _THREE))]
    cases = []
    for number in range(240):
        data = bytearray(wholes[number % 2])
        for _ in range(choice.randint(1, 3)):
            data[choice.randrange(len(data) if number % 3 else 120)] = choice.randrange(256)
        if number % 5 == 0:
            del data[choice.randrange(2, len(data)) :]
        cases.append({"file": base64.b64encode(bytes(data)).decode(), "orientation": orientation_of(bytes(data))})
    return cases


def _jpegs() -> Iterator[tuple[str, bytes, str | None]]:
    exif, scan = segment(0xE1, _SIX), JPEG[_SCAN:]
    yield "plain", JPEG, None
    yield "turned", with_exif(_SIX), None
    yield "turned, with a resolution of its own", with_exif(_SIX).replace(b"JFIF\0\1\1\0", b"JFIF\0\1\1\1"), None
    yield (
        "damaged EXIF, with a resolution of its own",
        with_exif(b"Exif\0\0junk", _THREE).replace(b"JFIF\0\1\1\0", b"JFIF\0\1\1\1"),
        None,
    )
    yield "EXIF in two parts", jpeg(segment(0xE1, _BIG[:30]), segment(0xE1, b"Exif\0\0" + _BIG[30:])), None
    yield "two EXIF blocks", jpeg(exif, segment(0xE1, block("<", entry("<", 3, 3)))), None
    yield "two XMP packets", jpeg(segment(0xE1, XMP + b"tiff:Orientation>8"), segment(0xE1, XMP + _THREE)), None
    yield "EXIF behind the frame", JPEG[:_SCAN] + exif + scan, None
    yield "EXIF behind the scan", JPEG[:-2] + exif + JPEG[-2:], None
    yield "EXIF in another segment", jpeg(segment(0xE2, _SIX)), None
    yield "EXIF with a lower-case name", jpeg(segment(0xE1, b"exif" + _SIX[4:])), None
    yield "profile", jpeg(segment(0xE2, b"ICC_PROFILE\0\1\2")), None
    yield "padding before a mark", jpeg(b"\xff\xff\xff", exif), None
    yield "junk between segments", jpeg(segment(0xFE, b"x"), b"junk\0\xff\0", exif), None
    yield "restart mark between segments", jpeg(b"\xff\xd3", exif), "cut-off"
    yield "segment of length 0", jpeg(b"\xff\xe1\0\0", exif), None
    yield "segment of length 1", jpeg(b"\xff\xe1\0\1", exif), None
    yield "unknown mark", jpeg(b"\xff\x01", exif), "damaged"
    yield "thumbnail with an end mark", with_exif(_SIX + b"\xff\xd9"), None
    yield "end mark in the thumbnail only", with_exif(_SIX + b"\xff\xd9")[:-2], "cut-off"
    yield "no end mark", JPEG[:-2], "cut-off"
    yield "bytes behind the end mark", JPEG + b"motion\xff\xda photo", None
    yield "filled up with zeros", JPEG[:-4] + bytes(4), "cut-off"
    yield "cut in a segment", with_exif(_SIX)[:30], "cut-off"
    yield "cut behind a segment", with_exif(_SIX)[: 4 + 2 + len(_SIX)], "cut-off"
    yield "only a start", JPEG[:3], "cut-off"
    yield "no frame", JPEG[:_FRAME] + scan, "damaged"
    yield "size 0", _patched(_FRAME + 5, bytes(4)), "damaged"
    yield "12 bits", _patched(_FRAME + 4, b"\x0c"), "other-colours"
    frame = bytes([8, 0, 16, 0, 32, 4, *(byte for layer in range(1, 5) for byte in (layer, 17, 0))])
    yield "four inks", JPEG[:_FRAME] + segment(0xC0, frame) + JPEG[_FRAME + 13 :], "other-colours"
    yield "a bomb", _patched(_FRAME + 5, b"\xff\xff\xff\xff"), "too-many-pixels"


def _patched(at: int, data: bytes) -> bytes:
    return JPEG[:at] + data + JPEG[at + len(data) :]


def _pngs() -> Iterator[tuple[str, bytes, str | None]]:
    exif = chunk(b"eXIf", _SIX[6:])
    yield "plain", png(), None
    for value in range(1, 9):
        yield f"eXIf {value}", png(chunk(b"eXIf", block(">", entry(">", 3, value))[6:])), None
    yield "eXIf behind the pixels", png(after=[exif]), None
    yield "eXIf with a prefix", png(chunk(b"eXIf", _SIX)), None
    yield "two eXIf", png(exif, after=[chunk(b"eXIf", block(">", entry(">", 3, 8))[6:])]), None
    yield "damaged eXIf", png(chunk(b"eXIf", b"junk"), chunk(b"iTXt", _PACKET + bytes(4) + _THREE)), None
    yield from ((f"note {number}", png(note), None) for number, note in enumerate(_notes()))
    yield from ((f"note {number} behind", png(after=[note]), None) for number, note in enumerate(_notes()))
    yield "wrong checksum", png(chunk(b"eXIf", _SIX[6:], damage=1)), "damaged"
    yield "wrong checksum behind the pixels", png(after=[chunk(b"eXIf", _SIX[6:], damage=1)]), None
    yield "unknown compression", png(chunk(b"zTXt", b"Raw profile type exif\0\1abc")), "damaged"
    yield "endless text", png(chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(bytes(3 << 20)))), "damaged"
    yield "profile", png(chunk(b"iCCP", b"x\0\0junk")), None
    yield "no end mark", png(end=b""), "cut-off"
    yield "end mark with a wrong checksum", png(end=chunk(b"IEND", b"", damage=1)), "cut-off"
    yield "bytes behind the end mark", png() + b"more", None
    yield "cut in a chunk", png()[:60] + chunk(b"IEND", b""), "cut-off"
    yield "no chunk name", png(b"\0\0\0\0\1\2\3\4\0\0\0\0"), "damaged"
    yield "no chunk name behind the pixels", png(after=[b"\0\0\0\0\1\2\3\4\0\0\0\0", exif]), None
    yield "no pixels", png()[:33] + chunk(b"IEND", b""), "damaged"
    yield "no header", png(head=exif), "damaged"
    yield "two headers", png(header()), "damaged"
    yield "size 0", png(head=header(width=0)), "damaged"
    yield "unknown kind", png(head=header(colour=5)), "damaged"
    yield "3 bits", png(head=header(depth=3)), "damaged"
    yield "16 bits", png(head=header(depth=16)), "other-colours"
    yield "a bomb", png(head=header(13_378, 13_378)), "too-many-pixels"
    frames = chunk(b"acTL", b"\0\0\0\2\0\0\0\0")
    yield "animated", png(frames), "more-than-one-frame"
    yield "animated behind the pixels", png(after=[frames]), None


def _notes() -> Iterator[bytes]:
    """Yield chunks of text that programs and other programs' mistakes leave."""
    yield chunk(b"iTXt", _PACKET + bytes(4) + _THREE)
    yield chunk(b"iTXt", _PACKET + b"\0\0en\0title\0" + _THREE)
    yield chunk(b"iTXt", _PACKET + b"\1\0\0\0" + zlib.compress(_THREE))
    yield chunk(b"iTXt", _PACKET + b"\1\0\0\0" + zlib.compress(_THREE)[:-6])
    yield chunk(b"iTXt", _PACKET + b"\1\0\0\0junk")
    yield chunk(b"iTXt", _PACKET + b"\1\1\0\0" + zlib.compress(_THREE))
    yield chunk(b"iTXt", _PACKET + bytes(4) + b"\xff" + _THREE)
    yield chunk(b"iTXt", _PACKET + bytes(3) + _THREE)
    yield chunk(b"iTXt", _PACKET + b"\0")
    yield chunk(b"iTXt", b"XML:com.adobe.xmp")
    yield chunk(b"iTXt", b"exif\0" + bytes(4) + _SIX)
    yield chunk(b"tEXt", _PACKET + _THREE)
    yield chunk(b"zTXt", _PACKET + b"\0" + zlib.compress(_THREE))
    yield chunk(b"zTXt", _PACKET + b"\0junk")
    yield chunk(b"zTXt", b"XML:com.adobe.xmp")
    yield chunk(b"tEXt", b"xmp\0" + _THREE)
    yield chunk(b"tEXt", b"exif\0" + _SIX)
    yield chunk(b"zTXt", b"exif\0\0" + zlib.compress(_SIX))
    digits = _SIX.hex().encode()
    for lines in (digits, digits[:20] + b"\n" + digits[20:], digits[:8] + b" " + digits[8:], digits[:-1], b"xy", b""):
        yield chunk(b"tEXt", b"Raw profile type exif\0\nexif\n  38\n" + lines)
        yield chunk(b"zTXt", b"Raw profile type exif\0\0" + zlib.compress(b"\nexif\n      38\n" + lines + b"\n"))
    yield chunk(b"tEXt", b"Raw profile type exif\0" + digits)
    yield chunk(b"tEXt", b"Raw profile type APP1\0\nexif\n  38\n" + digits)


def _others() -> Iterator[tuple[str, bytes, str | None]]:
    yield "no bytes", b"", "empty"
    yield "text", b"not a picture", "unknown-format"
    yield "two bytes of JPEG", b"\xff\xd8", "unknown-format"
    yield "HEIC", b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64), "heic"
    yield "AVIF", b"\0\0\0\x18ftypavif\0\0\0\0mif1" + bytes(64), "heic"
    yield "MP4", b"\0\0\0\x18ftypisom\0\0\0\0mp41" + bytes(64), "unknown-format"
    yield "BMP", b"BM" + bytes(60), "other-format"
    yield "GIF", b"GIF89a" + bytes(60), "other-format"
    yield "TIFF", b"II*\0" + bytes(60), "other-format"
    yield "TIFF, big-endian", b"MM\0*" + bytes(60), "other-format"
    yield "WebP", b"RIFF\0\0\0\0WEBPVP8 " + bytes(60), "other-format"
    yield "sound", b"RIFF\0\0\0\0WAVEfmt " + bytes(60), "unknown-format"
