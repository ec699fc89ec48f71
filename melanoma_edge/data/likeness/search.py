"""Near-duplicates without comparing all pairs: few candidates by a tree over descriptors, each proved on pixels.

Every image is looked up whole and by windows of 72 to 93 % of its side, so that cuttings are found as well. What comes
near is laid over the window, the window is moved and scaled until both agree best, and what counts in the end is the
correlation of fine detail, in which different lesions do not agree however alike they look from afar. Two photographs
of one lesion taken in one session are sometimes found too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import binary_dilation, binary_propagation, gaussian_filter
from scipy.spatial import cKDTree

from melanoma_edge.data.likeness import spectra
from melanoma_edge.data.likeness.look import brightness
from melanoma_edge.data.likeness.spectra import WHOLE, Floats, Windows, directions, own_window

SAME = 0.60
"""Least correlation of fine detail of two copies; different lesions of HAM10000 stay below 0.55."""

WHOLE_SHARE = 0.96
"""From this share of the side on a copy shows the whole picture."""

# The spread of each number of a descriptor over dermoscopic images.
_SPREAD = np.concatenate(
    [
        [19.9, 4.8, 2.8, 10.2, 4.0, 3.3, 2.0, 2.8, 2.9, 1.8, 2.2, 1.0, 5.4, 2.4, 1.4, 1.6],
        [7.5, 0.8, 0.5, 0.5],
        [13.8, 1.0, 0.6, 0.6],
    ]
)
_NEAREST, _PAIRS, _STARTS = 4, 6, 2
_ROUGH, _COARSE, _FINE = 6, 8, 16
_LIKELY, _NEARER, _ALIGNED = 0.85, 0.95, 0.96
_SIDE, _BLUR, _AROUND, _NOISE, _RIM = 64, 2.0, 6.0, 2.0, 3
_LEAST_LIT, _IN_PLANE = 0.2, np.pad(np.ones((1, 3, 3), bool), ((1, 1), (0, 0), (0, 0)))
_STEPS = np.array([[1, 1, 0, 0], [0, 0, 1, 1], [-1, 1, 0, 0], [0, 0, -1, 1]], np.float64)
_WIDTH, _ACROSS, _DOWN = 0.01, slice(0, 2), slice(2, 4)
_AXES, _TILE = 12, 256


@dataclass(frozen=True)
class Copy:
    """Say that image ``second`` shows what ``first`` shows, or a part of it.

    ``correlation`` is that of fine detail, up to 1; ``share`` is how much of the side of ``first`` is seen.
    """

    first: int
    second: int
    correlation: float
    share: float


class Rows(Protocol):
    """Give thumbnails, uint8 ``[n, THUMB_BYTES]``, by number: an array, or what reads them from disk."""

    def __len__(self) -> int: ...

    def __getitem__(self, numbers: slice | NDArray[np.int64]) -> NDArray[np.uint8]: ...


class Search:
    """Find copies among images with thumbnails; it can be sent to other processes.

    Args:
        thumbs: one row per image.
        aspects: width divided by height of each upright picture, ``[n]``.
    """

    def __init__(self, thumbs: Rows, aspects: NDArray[np.float64]) -> None:
        self._thumbs, self._aspects = thumbs, np.round(aspects, 2)
        known, self._rough = _known(thumbs)
        self._axes = _main_axes(known)
        self._points = known @ self._axes

    @cached_property
    def _tree(self) -> cKDTree:
        return cKDTree(self._points)

    def copies_of(self, numbers: Sequence[int]) -> list[Copy]:
        """Return the copies and cuttings of some of the images among all of them; the best way of seeing each pair."""
        found: list[Copy] = []
        chosen = np.asarray(numbers)
        for aspect in np.unique(self._aspects[chosen]):
            found += self._of_one_shape(chosen[self._aspects[chosen] == aspect], windows_of(float(aspect)))
        return best(found)

    def _of_one_shape(self, numbers: NDArray[np.int64], windows: Windows) -> list[Copy]:
        pairs = self._candidates(numbers, windows)
        if not len(pairs.first):
            return []
        pictures = brightness(self._thumbs[pairs.first])
        others = brightness(self._thumbs[pairs.second])
        turned = np.stack([spectra.turn(one, turn) for one, turn in zip(others, pairs.orientation, strict=True)])
        kept, placed = align(pictures, windows[pairs.window], turned)
        if not len(kept):
            return []
        seen = spectra.sampled(pictures[kept], placed, _SIDE), spectra.sampled(turned[kept], _whole(kept), _SIDE)
        shares = np.sqrt((placed[:, 1] - placed[:, 0]) * (placed[:, 3] - placed[:, 2])).clip(0, 1)
        scored = zip(pairs.first[kept], pairs.second[kept], agreement(*seen), shares, strict=True)
        return [Copy(int(one), int(other), *map(float, rest)) for one, other, *rest in scored if rest[0] >= SAME]

    def _candidates(self, numbers: NDArray[np.int64], windows: Windows) -> _Pairs:
        """Return for each image the pairs that agree best from afar, in at most two windows each."""
        thumbs = self._thumbs[numbers]
        asked = (spectra.descriptors(thumbs, windows) / _SPREAD @ self._axes).reshape(-1, self._axes.shape[1])
        count = min(_NEAREST, len(self._rough))
        near = self._tree.query(asked, k=count, eps=0.5)[1].reshape(len(numbers), len(windows), count)
        mine = directions(spectra.every_window(brightness(thumbs), windows, _ROUGH))
        theirs = directions(spectra.turned(self._rough[near]))
        agreed = np.einsum("nwd,nwkod->nwko", mine, theirs, optimize=True)
        chosen = [_chosen(int(number), near[k], agreed[k]) for k, number in enumerate(numbers)]
        return _Pairs(*np.concatenate(chosen).T) if chosen else _Pairs(*np.zeros((4, 0), np.int64))


def _known(thumbs: Rows) -> tuple[NDArray[np.float64], Floats]:
    """Describe every image as a whole, and by its lowest frequencies, a few at a time into arrays made once."""
    whole, count = WHOLE[None], len(thumbs)
    described, rough = np.empty((count, len(_SPREAD))), np.empty((count, _ROUGH, _ROUGH), np.float32)
    for start in range(0, count, _TILE):
        tile = slice(start, start + _TILE)
        seen = thumbs[tile]
        described[tile] = spectra.descriptors(seen, whole)[:, 0] / _SPREAD
        rough[tile] = spectra.every_window(brightness(seen), whole, _ROUGH)[:, 0]
    return described, rough


def _main_axes(known: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the directions in which descriptors ``[n, d]`` differ most, ``[d, 12]``: trees are slow in many."""
    _, found = np.linalg.eigh(np.cov(known, rowvar=False) if len(known) > 1 else np.eye(known.shape[1]))
    return np.asarray(found[:, -_AXES:])


@dataclass(frozen=True, eq=False)
class _Pairs:
    first: NDArray[np.int64]
    second: NDArray[np.int64]
    window: NDArray[np.int64]
    orientation: NDArray[np.int64]


def _chosen(number: int, near: NDArray[np.int64], agreed: Floats) -> NDArray[np.int64]:
    """Choose among the neighbours of one image's windows; ``near`` is ``[w, k]`` and ``agreed`` ``[w, k, 8]``."""
    score = agreed.max(axis=-1)
    rows: list[tuple[int, int, int, int]] = []
    starts: dict[int, int] = {}
    for place in np.argsort(-score, axis=None, kind="stable"):
        window, neighbour = divmod(int(place), near.shape[1])
        other = int(near[window, neighbour])
        if score[window, neighbour] < _LIKELY:
            break
        if other == number or starts.get(other, 0) == _STARTS or (len(starts) == _PAIRS and other not in starts):
            continue
        starts[other] = starts.get(other, 0) + 1
        rows.append((number, other, window, int(agreed[window, neighbour].argmax())))
    return np.array(rows, np.int64).reshape(-1, 4)


@lru_cache(maxsize=256)
def windows_of(aspect: float) -> Windows:
    """Return the windows by which a picture of one shape is looked up, ``[w, 4]``: all of it, then cuttings.

    Of a picture that is not square, square cuttings are looked up too; a square one may be a squashed picture of 4:3.
    """
    wide, high = min(1.0, 1 / aspect), min(1.0, aspect)
    shapes = [(scale, scale) for scale in (0.93, 0.86, 0.79, 0.72)]
    if min(wide, high) < 0.95:
        shapes += [(wide * scale, high * scale) for scale in (1.0, 0.88, 0.76)]
    else:
        shapes += [(0.75, 1.0), (1.0, 0.75)]
    found = [WHOLE]
    for width, height in shapes:
        found += [np.array([x, x + width, y, y + height]) for x in _places(width) for y in _places(height)]
    return np.stack(found)


def _places(length: float) -> NDArray[np.float64]:
    return np.linspace(0, 1 - length, 1 + int(np.ceil((1 - length) / 0.08 - 1e-9)))


def align(pictures: Floats, windows: Windows, others: Floats) -> tuple[NDArray[np.int64], Windows]:
    """Move and scale one window in each picture until it agrees best with the other picture as a whole.

    Frequencies are added in three steps; what does not agree after one or two of them is given up.

    Returns:
        The numbers of the pictures ``[m]`` that were not given up, and their windows ``[m, 4]``.
    """
    placed = np.array(windows)
    todo = np.arange(len(placed))
    for kept, least in ((_ROUGH, _NEARER), (_COARSE, _ALIGNED), (_FINE, _ALIGNED)):
        aims = directions(own_window(others[todo], _whole(todo), kept))
        placed[todo] = _descended(pictures[todo], placed[todo], aims, kept)
        seen = directions(own_window(pictures[todo], placed[todo], kept))
        todo = todo[(seen * aims).sum(axis=-1) >= least]
        if not len(todo):
            break
    return todo, placed[todo]


def _descended(pictures: Floats, windows: Windows, aims: Floats, kept: int, rounds: int = 3) -> Windows:
    """Take Gauss-Newton steps in position and size of the windows."""
    for _ in range(rounds):
        here, slopes = _slopes(pictures, windows, kept)
        normal = slopes.transpose(0, 2, 1) @ slopes + 1e-3 * np.eye(len(_STEPS))
        wanted = slopes.transpose(0, 2, 1) @ (aims - here)[..., None]
        windows = windows + np.clip(np.linalg.solve(normal, wanted)[..., 0], -0.06, 0.06) @ _STEPS
        windows = np.clip(windows, -0.02, 1.02)
        windows[:, 1::2] = np.maximum(windows[:, 1::2], windows[:, ::2] + 0.3)
    return windows


def _slopes(pictures: Floats, windows: Windows, kept: int) -> tuple[Floats, NDArray[np.float64]]:
    """Return the directions of windows ``[n, d]`` and their change with each step, ``[n, d, 4]``."""
    side = pictures.shape[-1]

    def waves(change: NDArray[np.float64], axis: slice) -> Floats:
        return spectra.waves(windows[:, axis] + _WIDTH * change[axis], side, kept)

    down, across = waves(0 * WHOLE, _DOWN), waves(0 * WHOLE, _ACROSS)
    rows: Floats = down @ pictures
    columns: Floats = pictures @ across.transpose(0, 2, 1)
    here = directions(rows @ across.transpose(0, 2, 1))
    moved: list[Floats] = [
        waves(step, _DOWN) @ columns if step[_DOWN].any() else rows @ waves(step, _ACROSS).transpose(0, 2, 1)
        for step in _STEPS
    ]
    return here, np.stack([(directions(one) - here) / _WIDTH for one in moved], axis=-1).astype(np.float64)


def agreement(one: Floats, other: Floats) -> NDArray[np.float64]:
    """Return the correlation of fine detail of pictures ``[n, s, s]``, every lit part of them counting alike."""
    lit = _lit(one) & _lit(other)
    fine, same = (_detail(part) * lit for part in (one, other))
    power = np.sqrt((fine**2).sum(axis=(1, 2)) * (same**2).sum(axis=(1, 2)))
    found = (fine * same).sum(axis=(1, 2)) / np.maximum(power, 1e-6)
    return np.asarray(np.where(lit.mean(axis=(1, 2)) >= _LEAST_LIT, found, 0.0), np.float64)


def _detail(pictures: Floats) -> Floats:
    """Return what a blur takes away, as strong in plain skin as at the lesion's edge, but for the noise of coding."""
    fine = pictures - gaussian_filter(pictures, (0, _BLUR, _BLUR))
    strength = np.sqrt(gaussian_filter(fine**2, (0, _AROUND, _AROUND)))
    return np.asarray((fine / (strength + _NOISE))[:, _RIM:-_RIM, _RIM:-_RIM])


def _lit(pictures: Floats) -> NDArray[np.bool_]:
    """Tell what is not near darkness that reaches the rim: a dermatoscope's round field is the same in all pictures."""
    dark = pictures < 0.2 * np.quantile(pictures, 0.95, axis=(1, 2), keepdims=True)
    rim = dark.copy()
    rim[:, 1:-1, 1:-1] = False
    outside = binary_dilation(binary_propagation(rim, _IN_PLANE, dark), _IN_PLANE, iterations=4)
    return np.asarray(~outside)[:, _RIM:-_RIM, _RIM:-_RIM]


def _whole(like: NDArray[np.floating] | NDArray[np.int64]) -> Windows:
    return np.tile(WHOLE, (len(like), 1))


def best(copies: Sequence[Copy]) -> list[Copy]:
    """Keep for each pair of images the way of seeing it that agrees best, sorted by image."""
    chosen: dict[tuple[int, int], Copy] = {}
    for copy in copies:
        pair = (min(copy.first, copy.second), max(copy.first, copy.second))
        known = chosen.get(pair)
        if known is None or (copy.correlation, -copy.first) > (known.correlation, -known.first):
            chosen[pair] = copy
    return [chosen[pair] for pair in sorted(chosen)]
