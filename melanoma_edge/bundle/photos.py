"""The photos of golden vectors: drawn, turned as phones store them, and written as files."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cache, partial
from itertools import islice
from typing import Any

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from melanoma_edge.data.synthetic import SyntheticSpec, View, photo, plan
from melanoma_edge.pixels import ORIENTATION, UPRIGHT

SEED = 20
TRIES = 12
"""How many lesions, or chirps, are in a batch of photos to choose from."""

_SPEC = SyntheticSpec(lesions=1000, seed=SEED)
_SMALLER = 5
_LEVELS = 8
_QUALITY = 85

# How to undo a turn; all others undo themselves.
_BACK = {
    Image.Transpose.ROTATE_90: Image.Transpose.ROTATE_270,
    Image.Transpose.ROTATE_270: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True)
class Trial:
    """Offer one photo: the file, and a small version of it to look at first."""

    file: Callable[[], bytes]
    glance: Callable[[], Image.Image]


@dataclass(frozen=True)
class Shot:
    """Describe one photo: its upright size, how it is stored, and what is drawn.

    ``label`` is the class of the lesion, or None for a chirp of rings, which shows any fault in resizing. ``refer`` is
    the decision that is looked for.
    """

    id: str
    width: int
    height: int
    label: str | None
    refer: bool
    orientation: int = 1
    png: bool = False
    options: dict[str, Any] = field(default_factory=dict)

    @property
    def format(self) -> str:
        """The format of the file."""
        return "png" if self.png else "jpeg"

    @property
    def path(self) -> str:
        """The name of the file in a bundle."""
        return f"golden/{self.id}.{'png' if self.png else 'jpg'}"

    def trials(self, batch: int = 0) -> Iterator[Trial]:
        """Give a batch of photos to choose from, always the same ones; no two batches share one."""
        if self.label is None:
            for number in range(batch * TRIES, (batch + 1) * TRIES):
                yield Trial(partial(self._file, number), partial(self._draw, number))
            return
        for view in islice(_views(self.label), _skipped(self), _skipped(self) + TRIES):
            yield Trial(partial(self._file, view, batch), partial(self._draw, view, batch, _SMALLER))

    def _file(self, what: View | int, batch: int = 0) -> bytes:
        image = self._draw(what, batch)
        return _png(image) if self.png else _jpeg(image, self.orientation, self.options)

    def _draw(self, what: View | int, batch: int = 0, smaller: int = 1) -> Image.Image:
        if isinstance(what, int):
            return _rings(self.width, self.height, what)
        spec = replace(_SPEC, seed=SEED + batch)
        image = Image.fromarray(photo(spec, what, self.width // smaller, self.height // smaller))
        # Without grain and with few colours, for a file that stays small.
        return ImageOps.posterize(image.filter(ImageFilter.BoxBlur(2 / smaller)), 4) if self.png else image


SHOTS = (
    Shot("01", 1600, 1200, "MEL", True, 1),
    Shot("02", 1200, 1600, "NV", False, 2, options={"subsampling": "4:4:4"}),
    Shot("03", 1500, 1000, "BCC", True, 3, options={"progressive": True}),
    Shot("04", 1001, 1333, "BKL", False, 4),
    Shot("05", 1024, 1023, "MEL", True, 5),
    Shot("06", 1200, 1599, "DF", False, 6, options={"quality": 90}),
    Shot("07", 1281, 1000, "AK", True, 7, options={"quality": 70}),
    Shot("08", 1000, 1000, "VASC", False, 8, options={"subsampling": "4:2:2"}),
    Shot("09", 1300, 1003, "MEL", True, png=True),
    Shot("10", 1280, 1000, None, False, png=True),
)
"""Every orientation, both formats; sides that leave an odd remainder, nearly square, square, portrait, landscape."""


@cache
def _all_views() -> tuple[View, ...]:
    return plan(_SPEC)


def _views(label: str) -> Iterator[View]:
    """Give the first view of every lesion of a class."""
    return (view for view in _all_views() if view.label == label and view.view == 0)


def _skipped(shot: Shot) -> int:
    """Return how many lesions of its class belong to the shots before."""
    return TRIES * sum(other.label == shot.label for other in SHOTS if other.id < shot.id)


def _rings(width: int, height: int, number: int) -> Image.Image:
    """Draw grey rings around a corner, each finer than the last, in whole-number arithmetic."""
    down, across = np.ogrid[:height, :width]
    period = 4096 + 256 * number
    phase = (across * across + down * down) % period
    level = np.abs(2 * phase - period) * _LEVELS // (period + 1)
    grey = Image.fromarray((level * (255 // (_LEVELS - 1))).astype(np.uint8))
    return grey.convert("RGB")


def _png(image: Image.Image) -> bytes:
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()


def _jpeg(image: Image.Image, orientation: int, options: dict[str, Any]) -> bytes:
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    turn = UPRIGHT.get(orientation)
    stream = io.BytesIO()
    stored = image if turn is None else image.transpose(_BACK.get(turn, turn))
    stored.save(stream, "JPEG", **{"quality": _QUALITY, "subsampling": "4:2:0", **options}, exif=exif)
    return stream.getvalue()
