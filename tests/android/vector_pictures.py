"""Vectors of the pixel recipe and the quality gate: pictures by formula, and what Python makes of them."""

from __future__ import annotations

import hashlib
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.pixels import UPRIGHT, square
from melanoma_edge.quality import QualityMeasures, findings, measure
from melanoma_edge.safeguards import QualityLimits
from melanoma_edge.strictjson import to_plain

Pixels = NDArray[np.uint8]
_SHOWN = 60
"""Results up to so many bytes stand in the vectors as they are, so that a miss can be looked at."""


@dataclass(frozen=True)
class Bitmap:
    """Name a picture that every language can draw: ``kind``, size, and for noise a seed and a range per channel.

    ``low`` and ``span`` say that a channel runs from ``low`` to ``low + span``.
    """

    kind: str
    width: int
    height: int
    seed: int = 0
    low: tuple[int, int, int] = (0, 0, 0)
    span: tuple[int, int, int] = (255, 255, 255)

    def draw(self) -> Pixels:
        """Return uint8 ``[height, width, 3]``."""
        y, x, channel = np.ogrid[: self.height, : self.width, :3]
        values = _KINDS[self.kind](x, y, channel, self)
        return np.asarray(np.array(self.low) + (values * (np.array(self.span) + 1) >> 8), np.uint8)


def _noise(x: Any, y: Any, channel: Any, bitmap: Bitmap) -> Any:
    """Mix 32-bit integers as a hash does, so that neighbours have nothing in common."""
    mask = np.uint64(0xFFFFFFFF)
    parts = ((x, 73856093), (y, 19349663), (channel, 83492791), (np.int64(bitmap.seed), 1640531527))
    mixed = sum(np.asarray(part, np.uint64) * np.uint64(factor) for part, factor in parts) & mask
    mixed = ((mixed ^ (mixed >> np.uint64(15))) * np.uint64(0x2C1B3C6D)) & mask
    mixed = ((mixed ^ (mixed >> np.uint64(12))) * np.uint64(0x297A2D39)) & mask
    return ((mixed ^ (mixed >> np.uint64(15))) & np.uint64(255)).astype(np.int64)


def _rings(x: Any, y: Any, channel: Any, bitmap: Bitmap) -> Any:
    """Draw rings that grow finer outward, a little shifted in each channel: where pixels are picked, others appear."""
    across, down = 2 * x - bitmap.width + 1, 2 * y - bitmap.height + 1
    phase = (across * across + down * down) // (2 * max(bitmap.width, bitmap.height)) + 64 * channel
    return np.abs((phase * 8) % 510 - 255)


def _board(x: Any, y: Any, channel: Any, bitmap: Bitmap) -> Any:
    return (x + y + 0 * channel) % 2 * 255


def _slope(x: Any, y: Any, channel: Any, bitmap: Bitmap) -> Any:
    """Grow from left to right, from above to below, and along the diagonal, one in each channel."""
    across, down = 255 * x // max(bitmap.width - 1, 1), 255 * y // max(bitmap.height - 1, 1)
    return np.where(channel == 0, across, np.where(channel == 1, down, (across + down) // 2))


_KINDS = {"noise": _noise, "rings": _rings, "board": _board, "slope": _slope}

_SIZES = [
    *((1, 1, 1), (1, 1, 5), (1, 7, 3), (7, 1, 3), (2, 2, 3), (3, 2, 2), (2, 3, 1), (5, 4, 8), (4, 9, 4), (9, 4, 5)),
    *((64, 48, 224), (223, 224, 224), (224, 224, 224), (225, 224, 223), (226, 225, 224), (256, 256, 160)),
    *((257, 300, 96), (600, 450, 224), (450, 600, 160), (1024, 767, 160), (1000, 999, 224), (1080, 2340, 224)),
    *((3024, 2016, 256), (4000, 3000, 224), (3000, 4000, 160)),
]
_QUALITIES = [
    *(Bitmap(kind, 320, 240) for kind in ("rings", "board", "slope", "noise")),
    *(Bitmap("noise", width, height, 5) for width, height in ((1, 1), (2, 9), (3, 3), (50, 4), (255, 600), (256, 256))),
    *(Bitmap("noise", 257, 290, seed, (90, 60, 50), (span, span, span)) for seed, span in enumerate((0, 1, 3, 9, 40))),
    Bitmap("slope", 700, 300, 0, (140, 90, 80), (60, 30, 30)),
    Bitmap("slope", 300, 301, 0, (245, 246, 247), (10, 9, 8)),
    Bitmap("slope", 512, 512, 0, (0, 0, 0), (20, 20, 20)),
    Bitmap("slope", 512, 512, 0, (100, 100, 100), (100, 100, 100)),
    Bitmap("rings", 1600, 1200, 0, (120, 80, 70), (100, 90, 80)),
    Bitmap("noise", 4000, 3000, 9, (100, 70, 60), (120, 90, 80)),
]


def resizes() -> list[dict[str, Any]]:
    """Return bitmaps of many sizes and the squares that the recipe makes of them."""
    bitmaps = [(Bitmap("noise", width, height, i), size) for i, (width, height, size) in enumerate(_SIZES)]
    bitmaps += [(Bitmap(kind, 1201, 1000), 160) for kind in ("rings", "board", "slope")]
    bitmaps += [(Bitmap("rings", 97, 131), size) for size in (1, 2, 50, 96, 97, 98, 200)]
    random = np.random.default_rng(20)
    for seed in range(60):
        width, height, size = (int(side) for side in (*random.integers(1, 120, 2), random.integers(1, 64)))
        bitmaps.append((Bitmap("noise", width, height, 100 + seed), size))
    return [_resized(bitmap, 1, size) for bitmap, size in bitmaps]


def orientations() -> list[dict[str, Any]]:
    """Return stored bitmaps, how they are to be turned, and the squares of the upright pictures."""
    stored = [(Bitmap("noise", 23, 17, 3), 4), (Bitmap("noise", 23, 17, 3), 17), (Bitmap("rings", 311, 420), 96)]
    stored += [(Bitmap("slope", 1000, 1503), 64), (Bitmap("noise", 1, 6, 8), 2), (Bitmap("noise", 2100, 1400, 4), 224)]
    return [_resized(bitmap, orientation, size) for bitmap, size in stored for orientation in range(1, 9)]


def _resized(bitmap: Bitmap, orientation: int, size: int) -> dict[str, Any]:
    data = square(_upright(bitmap, orientation), size).tobytes()
    expected = {"bytes": data.hex()} if len(data) <= _SHOWN else {"sha256": hashlib.sha256(data).hexdigest()}
    return {"bitmap": to_plain(bitmap), "orientation": orientation, "size": size, **expected}


def _upright(bitmap: Bitmap, orientation: int) -> Image.Image:
    image = Image.fromarray(bitmap.draw())
    return image if orientation == 1 else image.transpose(UPRIGHT[orientation])


def qualities() -> dict[str, Any]:
    """Return measures of bitmaps, and findings of measures around their limits."""
    measured = [(bitmap, 1) for bitmap in _QUALITIES] + [(Bitmap("rings", 300, 500), turn) for turn in (3, 6)]
    return {
        "measures": [
            {"bitmap": to_plain(bitmap), "orientation": turn, "quality": to_plain(measure(_upright(bitmap, turn)))}
            for bitmap, turn in measured
        ],
        "findings": [_judged(measures) for measures in _around_the_limits()],
    }


_LIMITS = QualityLimits(160, 180, 700, 4000, 20000, 30, 250)
_GOOD = QualityMeasures(200, 133, 900, 12000, 3, 4000)


def _around_the_limits() -> list[QualityMeasures]:
    around = [_GOOD, QualityMeasures(1, 999, 0, 0, 1000, 0), QualityMeasures(1, 999, 0, 25500, 1000, 0)]
    for place, limits in enumerate([[160], [180], [700], [4000, 20000], [30], [250]]):
        for value in (limit + step for limit in limits for step in (-1, 0, 1)):
            fields = list(astuple(_GOOD))
            fields[place] = value
            around.append(QualityMeasures(*fields))
    return around


def _judged(measures: QualityMeasures) -> dict[str, Any]:
    found = [str(finding) for finding in findings(measures, _LIMITS)]
    return {"quality": to_plain(measures), "limits": to_plain(_LIMITS), "findings": found}
