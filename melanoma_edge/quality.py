"""The quality gate: six whole numbers of a photo, and what they say against it.

All arithmetic is on integers, so that implementations in other languages give the same numbers and the same findings.
The numbers are taken from the upright sRGB picture: two of its size, four of the pixel recipe's square at
``MEASURED_AT`` pixels, or its own size where that is smaller, for enlarging would blur it. Dark corners are normal in
dermoscopy, so black is not counted as clipped.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.pixels import square
from melanoma_edge.safeguards import QualityLimits

MEASURED_AT = 256
"""Side of the square whose sharpness, light and colour are measured, whatever the model's input size."""

CLIPPED = 253
"""Luma from which a pixel counts as clipped: a reflection or an overexposed place holds no structure."""


@dataclass(frozen=True)
class QualityMeasures:
    """Hold what was measured of one photo.

    Attributes:
        short_side: pixels of the upright picture's shorter side.
        aspect_percent: the longer side in percent of the shorter, rounded down.
        sharpness: variance of the luma's Laplacian in hundredths; blur lowers it, and so does a scene without edges.
        brightness: mean luma in hundredths, 0 to 25500.
        clipped_permille: pixels of at least ``CLIPPED`` luma, in thousandths.
        colour: mean of the largest channel minus the smallest, in hundredths; 0 for grey pictures.
    """

    short_side: int
    aspect_percent: int
    sharpness: int
    brightness: int
    clipped_permille: int
    colour: int


def measure(image: Image.Image) -> QualityMeasures:
    """Measure an upright RGB picture."""
    values = square(image, min(MEASURED_AT, *image.size)).astype(np.int64)
    luma = _luma(values)
    total = luma.size
    return QualityMeasures(
        short_side=min(image.size),
        aspect_percent=100 * max(image.size) // min(image.size),
        sharpness=_sharpness(luma),
        brightness=100 * int(luma.sum()) // total,
        clipped_permille=1000 * int((luma >= CLIPPED).sum()) // total,
        colour=100 * int((values.max(axis=-1) - values.min(axis=-1)).sum()) // total,
    )


def _luma(values: NDArray[np.int64]) -> NDArray[np.int64]:
    red, green, blue = np.moveaxis(values, -1, 0)
    return np.asarray((19595 * red + 38470 * green + 7471 * blue + 32768) >> 16)


def _sharpness(luma: NDArray[np.int64]) -> int:
    """Return the variance of four times each inner pixel minus its four neighbours, in hundredths; 0 without any."""
    if len(luma) < 3:
        return 0
    edges = 4 * luma[1:-1, 1:-1] - luma[:-2, 1:-1] - luma[2:, 1:-1] - luma[1:-1, :-2] - luma[1:-1, 2:]
    count, total, squares = edges.size, int(edges.sum()), int((edges * edges).sum())
    return 100 * (count * squares - total * total) // (count * count)


class Finding(StrEnum):
    """Name what speaks against an answer, in the order in which it is told."""

    TOO_SMALL = "too-small"
    ASPECT = "aspect"
    BLURRED = "blurred"
    TOO_DARK = "too-dark"
    TOO_BRIGHT = "too-bright"
    CLIPPED = "clipped"
    COLOURLESS = "colourless"
    OUTLIER = "outlier"

    @property
    def retake(self) -> bool:
        """Whether a better photo of the same lesion may cure it."""
        return self not in (Finding.COLOURLESS, Finding.OUTLIER)


def findings(measures: QualityMeasures, limits: QualityLimits) -> tuple[Finding, ...]:
    """Return what speaks against the photo that was measured; a value at its limit is good."""
    found = {
        Finding.TOO_SMALL: measures.short_side < limits.smallest_side,
        Finding.ASPECT: measures.aspect_percent > limits.largest_aspect_percent,
        Finding.BLURRED: measures.sharpness < limits.least_sharpness,
        Finding.TOO_DARK: measures.brightness < limits.least_brightness,
        Finding.TOO_BRIGHT: measures.brightness > limits.most_brightness,
        Finding.CLIPPED: measures.clipped_permille > limits.most_clipped_permille,
        Finding.COLOURLESS: measures.colour < limits.least_colour,
    }
    return tuple(finding for finding, holds in found.items() if holds)


def in_words(finding: Finding, limits: QualityLimits) -> str:
    """Say what a finding means and what follows from it."""
    words = {
        Finding.TOO_SMALL: f"the photo's short side has fewer than {limits.smallest_side} pixels",
        Finding.ASPECT: f"one side is more than {limits.largest_aspect_percent / 100:g} times the other",
        Finding.BLURRED: "the photo is blurred",
        Finding.TOO_DARK: "the photo is too dark",
        Finding.TOO_BRIGHT: "the photo is too bright",
        Finding.CLIPPED: "reflections or overexposed places hide part of the photo",
        Finding.COLOURLESS: "the picture has no colours",
        Finding.OUTLIER: "the picture is unlike those that the model was trained on",
    }
    return f"{'retake' if finding.retake else 'not assessable'}: {words[finding]}"
