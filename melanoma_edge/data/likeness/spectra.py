"""Low frequencies of thumbnails and of windows in them, and what of them no turn or flip changes.

A discrete cosine transform turns the eight orientations of a picture into swaps and sign changes, so that comparing
two pictures in all of them costs next to nothing. Windows are fractions ``left, right, top, bottom`` of the sides.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.likeness.look import brightness, colour

Floats = NDArray[np.float32]
Windows = NDArray[np.float64]

WHOLE = np.array([0.0, 1.0, 0.0, 1.0])
_KEPT, _KEPT_COLOUR = 4, 2


def descriptors(thumbs: NDArray[np.uint8], windows: Windows) -> Floats:
    """Describe each window of each thumbnail in 24 numbers that no turn or flip changes.

    Args:
        thumbs: ``[n, THUMB_BYTES]``.
        windows: ``[w, 4]``.

    Returns:
        float32 ``[n, w, 24]``: mean brightness and colours, and for frequencies below 4 (colours: 2) the sum and the
        difference of the sizes of the two that a transposition swaps.
    """
    bright = every_window(brightness(thumbs), windows, _KEPT)
    tints = [every_window(colour(thumbs)[:, channel], windows, _KEPT_COLOUR) for channel in (0, 1)]
    return np.concatenate([_unturned(part) for part in (bright, *tints)], axis=-1)


def _unturned(spectrum: Floats) -> Floats:
    """Return the mean and, for each pair of swapped frequencies, sum and difference of their sizes."""
    kept = spectrum.shape[-1]
    sizes, parts = np.abs(spectrum), [spectrum[..., 0, 0]]
    for row in range(kept):
        parts += [sizes[..., row, row]] if row else []
        for column in range(row + 1, kept):
            one, other = sizes[..., row, column], sizes[..., column, row]
            parts += [(one + other) / np.sqrt(2), np.abs(one - other) / np.sqrt(2)]
    return np.stack(parts, axis=-1).astype(np.float32)


def every_window(pictures: Floats, windows: Windows, kept: int) -> Floats:
    """Return the low frequencies of the same windows in every picture, float32 ``[n, w, kept, kept]``."""
    side = pictures.shape[-1]
    down, across = waves(windows[:, 2:], side, kept), waves(windows[:, :2], side, kept)
    # One product with all rows of all windows is many times faster than one per window.
    rows = np.tensordot(pictures, down.reshape(-1, side), axes=([1], [1])).transpose(0, 2, 1)
    parts = rows.reshape(len(pictures), len(windows), kept, side)
    return np.asarray(np.einsum("nwks,wjs->nwkj", parts, across, optimize=True))


def own_window(pictures: Floats, windows: Windows, kept: int) -> Floats:
    """Return the low frequencies of one window in each picture, float32 ``[n, kept, kept]``."""
    side = pictures.shape[-1]
    down, across = waves(windows[:, 2:], side, kept), waves(windows[:, :2], side, kept)
    return np.asarray(down @ pictures @ across.transpose(0, 2, 1))


def waves(spans: Windows, side: int, kept: int) -> Floats:
    """Return the cosines over spans ``[w, 2]`` of a line of ``side`` pixels, float32 ``[w, kept, side]``."""
    spans = spans.astype(np.float32)
    edges = np.arange(side + 1, dtype=np.float32) / np.float32(side)
    start, stop = spans[:, :1], spans[:, 1:]
    low, high = np.maximum(edges[:-1], start), np.minimum(edges[1:], stop)
    share = np.clip(high - low, 0, None) / (stop - start)
    place = np.clip(((low + high) / 2 - start) / (stop - start), 0, 1)
    order = np.arange(kept, dtype=np.float32)[:, None]
    found = np.cos(np.float32(np.pi) * order * place[:, None])
    found[:, 1:] *= np.float32(np.sqrt(2))
    return np.asarray(share[:, None] * found)


def turned(spectra: Floats) -> Floats:
    """Return spectra ``[..., k, k]`` in eight orientations, ``[..., 8, k, k]``; see ``turn`` for their order."""
    signs = (-1.0) ** np.arange(spectra.shape[-1])
    flips = [np.ones_like(signs), signs]
    both = (spectra, np.swapaxes(spectra, -1, -2))
    found = [part * rows[:, None] * columns for part in both for rows in flips for columns in flips]
    return np.stack(found, axis=-3).astype(np.float32)


def turn(picture: Floats, orientation: int) -> Floats:
    """Return a picture in one orientation: 4 transposes, then 2 flips top to bottom, 1 left to right."""
    picture = picture.T if orientation & 4 else picture
    picture = picture[::-1] if orientation & 2 else picture
    return picture[:, ::-1] if orientation & 1 else picture


def directions(spectra: Floats) -> Floats:
    """Return spectra ``[..., k, k]`` without their mean, as unit vectors ``[..., k * k - 1]``."""
    flat = spectra.reshape(*spectra.shape[:-2], -1)[..., 1:]
    return np.asarray(flat / np.maximum(np.linalg.norm(flat, axis=-1, keepdims=True), 1e-6))


def sampled(pictures: Floats, windows: Windows, side: int) -> Floats:
    """Return one window of each picture as the means over ``side`` times ``side`` cells."""
    down, across = (_cells(spans, pictures.shape[-1], side) for spans in (windows[:, 2:], windows[:, :2]))
    return np.asarray(down @ pictures @ across.transpose(0, 2, 1))


def _cells(spans: Windows, pixels: int, side: int) -> Floats:
    edges = np.arange(pixels + 1) / pixels
    start, step = spans[:, :1], (spans[:, 1:] - spans[:, :1]) / side
    low = (start + step * np.arange(side))[:, :, None]
    share = np.clip(np.minimum(edges[1:], low + step[:, :, None]) - np.maximum(edges[:-1], low), 0, None)
    return np.asarray(share / np.maximum(share.sum(axis=-1, keepdims=True), 1e-9), np.float32)
