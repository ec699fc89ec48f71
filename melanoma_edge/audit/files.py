"""What the files are: unreadable, misnamed, turned, coloured by profile, small or enlarged."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.data.likeness import Look

_ENDINGS = {
    "JPEG": {".jpg", ".jpeg", ".jfif"},
    "MPO": {".jpg", ".jpeg", ".jfif"},
    "PNG": {".png"},
    "BMP": {".bmp"},
    "GIF": {".gif"},
    "TIFF": {".tif", ".tiff"},
    "WEBP": {".webp"},
}
_SMALL, _ENLARGED_FROM, _LITTLE_DETAIL = 300, 257, 0.75
_MOST = 0.5
_SHOWN = 12


@dataclass(frozen=True)
class Fault:
    """Name a file and what is wrong with it."""

    path: str
    what: str


@dataclass(frozen=True)
class Files:
    """Hold what is to be said of the files themselves.

    Attributes:
        files, bytes: how many, and how large together.
        undecodable: what the pixel recipe refuses, with the reason.
        misnamed: what is another format than its name says.
        formats, modes, profiles, cameras, sizes: counts, the most frequent first; ``sizes`` ends with what is left.
        turned: files that EXIF turns or flips.
        square: share of square pictures.
        one_size: the one size of at least half of the files, where it is that of thumbnails.
        enlarged: files whose picture has no finer detail than one of half the size.
        thumbnails: a sentence when the files seem to be thumbnails or enlargements of what was published.
    """

    files: int
    bytes: int
    undecodable: tuple[Fault, ...]
    misnamed: tuple[Fault, ...]
    formats: dict[str, int]
    modes: dict[str, int]
    profiles: dict[str, int]
    cameras: dict[str, int]
    sizes: dict[str, int]
    turned: int
    square: float
    one_size: str
    enlarged: int
    thumbnails: str


def check_files(looks: Sequence[Look]) -> Files:
    """Say what the files are; ``looks`` names each file once."""
    good = [look for look in looks if not look.problem]
    sizes = Counter(f"{look.width}x{look.height}" for look in good)
    enlarged = sum(_enlarged(look) for look in good)
    one_size = _one_size(sizes, len(good))
    return Files(
        files=len(looks),
        bytes=sum(look.bytes for look in looks),
        undecodable=tuple(Fault(look.path, look.problem) for look in looks if look.problem),
        misnamed=tuple(Fault(look.path, f"is {look.format}") for look in looks if _misnamed(look)),
        formats=_ranked(look.format for look in good),
        modes=_ranked(look.mode for look in good),
        profiles=_ranked(look.profile for look in good if look.profile),
        cameras=_ranked(look.camera for look in good if look.camera),
        sizes=_ranked(sizes.elements()),
        turned=sum(look.orientation != 1 for look in good),
        square=sum(look.width == look.height for look in good) / len(good) if good else 0.0,
        one_size=one_size,
        enlarged=enlarged,
        thumbnails=_thumbnails(one_size, enlarged, len(good)),
    )


def _ranked(values: Iterable[str]) -> dict[str, int]:
    counts = Counter(values).most_common()
    shown: dict[str, int] = dict(sorted(counts[:_SHOWN], key=lambda item: (-item[1], item[0])))
    rest = sum(count for _, count in counts[_SHOWN:])
    return shown | ({f"{len(counts) - _SHOWN} others": rest} if rest else {})


def _misnamed(look: Look) -> bool:
    return bool(look.format) and Path(look.path).suffix.lower() not in _ENDINGS.get(look.format, set())


def _enlarged(look: Look) -> bool:
    return min(look.width, look.height) >= _ENLARGED_FROM and look.detail < _LITTLE_DETAIL


def _one_size(sizes: Counter[str], count: int) -> str:
    for size, found in sizes.most_common(1):
        if found >= _MOST * count and max(map(int, size.split("x"))) <= _SMALL:
            return size
    return ""


def _thumbnails(one_size: str, enlarged: int, count: int) -> str:
    if one_size:
        return (
            f"at least half of the pictures are {one_size}: thumbnails, since cameras give 600 pixels and more; "
            "what is finer than that is lost"
        )
    if enlarged >= _MOST * count and enlarged:
        return f"{enlarged:,} of {count:,} pictures were enlarged: they hold no finer detail than at half their size"
    return ""
