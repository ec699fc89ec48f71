"""A photo beside the same photo with the places marked on which a model's score rests.

The scale is fixed from 0 to 1 and never stretched to an image, so that a harmless photo stays pale.
"""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIDE = 448
"""Pixels of each of the two pictures."""
_GREEN = (0, 158, 115)
"""Okabe and Ito (2008). No skin and no lesion has this colour; blue would be taken for a blue-white veil."""
_STRONGEST = 0.6


def overlay(pixels: NDArray[np.uint8], scores: NDArray[np.floating]) -> bytes:
    """Return a PNG, ``2 * SIDE`` wide: the photo, and the photo tinted green where scores are high.

    Args:
        pixels: RGB ``[n, n, 3]``.
        scores: ``[h, w]`` in 0 to 1, of places that cover the photo.
    """
    photo = np.asarray(Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BILINEAR), np.float32)
    grid = Image.fromarray(np.asarray(scores, np.float32)).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    share = _STRONGEST * np.asarray(grid, np.float32).clip(0, 1)[..., None]
    tinted = photo * (1 - share) + np.array(_GREEN, np.float32) * share
    both = np.concatenate([photo, tinted], axis=1).round().astype(np.uint8)
    stream = io.BytesIO()
    Image.fromarray(both).save(stream, "PNG")
    return stream.getvalue()
