"""Pictures that are no lesions: drawn junk, and folders of other photos."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from melanoma_edge.errors import DataError, MelanomaEdgeError
from melanoma_edge.pixels import decode

JUNK_IMAGES, JUNK_SIDE = 25, 400
"""How many pictures of each kind of junk are drawn, and their side in pixels."""
_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
_WORDS = ("lesion", "page", "total", "invoice", "12.50", "patient", "date", "and", "of", "the", "7", "signature")


@dataclass(frozen=True, eq=False)
class Pictures:
    """Name pictures and give them one by one, upright and in RGB; None stands for one that cannot be read."""

    name: str
    count: int
    photos: Callable[[], Iterator[Image.Image | None]]


def folder_pictures(folder: Path) -> Pictures:
    """Return the pictures below a folder, in sorted order.

    Raises:
        DataError: when there are none, or no such folder.
    """
    if not folder.is_dir():
        raise DataError("no such folder", where=str(folder), fix="give --other a folder of photos")
    files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in _SUFFIXES and path.is_file())
    if not files:
        raise DataError("folder holds no image", where=str(folder), fix="give --other a folder of photos")
    return Pictures(str(folder), len(files), lambda: map(_read, files))


def _read(path: Path) -> Image.Image | None:
    try:
        return decode(path)
    except MelanomaEdgeError:
        return None


def junk(seed: int) -> tuple[Pictures, ...]:
    """Return drawn pictures of which none is a photo of anything: noise, text, flat colours, gradients."""

    def drawn(kind: int, draw: Callable[[np.random.Generator], Image.Image]) -> Callable[[], Iterator[Image.Image]]:
        return lambda: (draw(np.random.default_rng([seed, kind, number])) for number in range(JUNK_IMAGES))

    kinds = (("noise", _noise), ("text", _text), ("flat colour", _flat), ("gradient", _gradient))
    return tuple(Pictures(f"drawn {name}", JUNK_IMAGES, drawn(kind, draw)) for kind, (name, draw) in enumerate(kinds))


def _noise(random: np.random.Generator) -> Image.Image:
    """Draw coloured noise of cells between one pixel and a quarter of the side."""
    cells = int(random.choice([JUNK_SIDE, 100, 25, 4]))
    small = random.integers(0, 256, (cells, cells, 3), np.uint8)
    return Image.fromarray(small).resize((JUNK_SIDE, JUNK_SIDE), Image.Resampling.BILINEAR)


def _text(random: np.random.Generator) -> Image.Image:
    """Draw a page of words, dark on light or light on dark, in colours."""
    light, dark = random.integers(170, 256, 3), random.integers(0, 90, 3)
    paper, ink = (light, dark) if random.random() < 0.7 else (dark, light)
    image = Image.new("RGB", (JUNK_SIDE, JUNK_SIDE), _colour(paper))
    draw, size = ImageDraw.Draw(image), int(random.integers(12, 36))
    font = ImageFont.load_default(size)
    for top in range(8, JUNK_SIDE, round(1.4 * size)):
        draw.text((10, top), " ".join(random.choice(_WORDS, 9)), _colour(ink), font)
    return image


def _flat(random: np.random.Generator) -> Image.Image:
    return Image.new("RGB", (JUNK_SIDE, JUNK_SIDE), _colour(random.integers(0, 256, 3)))


def _gradient(random: np.random.Generator) -> Image.Image:
    """Draw a straight transition between two colours in any direction."""
    place = (np.arange(JUNK_SIDE) + 0.5) / JUNK_SIDE - 0.5
    turn = random.random() * 2 * np.pi
    part = (np.add.outer(np.sin(turn) * place, np.cos(turn) * place) / 1.42 + 0.5)[..., None]
    first, second = random.integers(0, 256, (2, 3))
    return Image.fromarray(np.round(first + part * (second - first)).clip(0, 255).astype(np.uint8))


def _colour(values: Sequence[int] | np.ndarray) -> tuple[int, int, int]:
    red, green, blue = (int(value) for value in values)
    return red, green, blue
