"""What stands in a picture beside the lesion: dark corners, hair, a ruler, and how bright it is; estimated.

Plain measures of the model's own input, for parting lesions into subgroups. They are estimates, validated on nothing
but drawn pictures, of which it is known what was drawn (the README says how often they are right there).
"""

from __future__ import annotations

from collections.abc import Sequence, Sized
from dataclasses import dataclass, fields
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.progress import Progress, silent

FLAGS = ("dark_corners", "hair", "ruler")
DARK = 0.75
"""A corner below this share of the picture's median luma is dark."""
HAIR_SHARE = 0.006
"""From this share of pixels on long thin dark lines a picture has hair."""
TICKS = 0.52
"""From this share of one rhythm among all that is thin and dark along a border it has a ruler."""
_BATCH = 64
_DARKEST = 40
"""Marks count no darker than this below their surroundings, in luma, so that one black line is no rhythm."""

Array = NDArray[np.float64]
Bools = NDArray[np.bool_]


class Pictures(Sized, Protocol):
    """Squares uint8 ``[n, N, N, 3]``, given by slices."""

    def __getitem__(self, part: slice, /) -> Any:
        """Return some of them as an array."""


@dataclass(frozen=True, eq=False)
class Photos:
    """Hold measures of ``n`` pictures: three flags, bool ``[n]``, and the mean luma 0 to 255, float64 ``[n]``."""

    dark_corners: Bools
    hair: Bools
    ruler: Bools
    luminance: Array


def photos_of(pictures: Pictures, progress: Progress = silent) -> Photos:
    """Measure pictures, some at a time."""
    rows, total = [], len(pictures)
    for start in range(0, total, _BATCH):
        rows += [_measured(picture) for picture in np.asarray(pictures[start : start + _BATCH])]
        progress("looking at pictures", min(start + _BATCH, total), total)
    values = np.array(rows, np.float64).reshape(-1, 4)
    corners, hair, ruler, luminance = values.T
    return Photos(corners < DARK, hair > HAIR_SHARE, ruler > TICKS, luminance)


def joined(parts: Sequence[Photos]) -> Photos:
    """Return the measures of several sets of pictures, one after the other."""
    return Photos(*(np.concatenate([getattr(one, field.name) for one in parts]) for field in fields(Photos)))


def _measured(picture: NDArray[np.uint8]) -> tuple[float, float, float, float]:
    luma = picture @ np.array([0.299, 0.587, 0.114])
    return corner_light(luma), hair_share(luma), tick_share(luma), float(luma.mean())


def corner_light(luma: Array) -> float:
    """Return the light of the second darkest corner, relative to the picture's median, of luma ``[N, N]``.

    A corner is the triangle of a tenth of the side. One dark corner alone may be the lesion's.
    """
    side = max(2, len(luma) // 10)
    triangle = np.add.outer(np.arange(side), np.arange(side)) < side
    corners = [turned[:side, :side][triangle].mean() for turned in (luma, luma[::-1], luma[:, ::-1], luma[::-1, ::-1])]
    return float(sorted(corners)[1] / max(float(np.median(luma)), 1.0))


def hair_share(luma: Array) -> float:
    """Return the share of pixels that lie on long, thin and dark lines, of luma ``[N, N]``."""
    from scipy import ndimage

    size = len(luma)
    width = max(3, round(size / 22) | 1)
    hat = ndimage.grey_closing(luma, size=(width, width)) - luma
    dark = hat > 18
    parts, count = ndimage.label(dark, np.ones((3, 3)))
    if not count:
        return 0.0
    area = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    boxes = ndimage.find_objects(parts)
    length = np.array([np.hypot(*(axis.stop - axis.start for axis in box)) for box in boxes])
    thin = (length > 0.2 * size) & (area < 4.0 * length)
    return float(area[thin].sum() / luma.size)


def tick_share(luma: Array) -> float:
    """Return the share of the strongest rhythm of thin dark marks along a border, of luma ``[N, N]``.

    A ruler's marks come in one rhythm, between a sixteenth of the side and three pixels; hairs and pores come in all.
    """
    from scipy import ndimage

    size = len(luma)
    thin, window = max(3, round(size / 32) | 1), np.hanning(size)
    best = 0.0
    for turned in (luma, luma[::-1], luma.T, luma.T[::-1]):
        strip = turned[: size // 4]
        marks = np.minimum(ndimage.grey_closing(strip, size=(1, thin)) - strip, _DARKEST)
        marks = ndimage.uniform_filter1d(marks, 3, axis=0)
        marks -= marks.mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft(marks * window, axis=1)) ** 2
        rhythms = power[:, size // 16 : size // 3]
        strongest = (rhythms[:, :-2] + rhythms[:, 1:-1] + rhythms[:, 2:]).max(axis=1)
        share = strongest / np.maximum(power[:, 1:].sum(axis=1), 1e-9)
        best = max(best, float(share[marks.std(axis=1) > 1].max(initial=0.0)))
    return best
