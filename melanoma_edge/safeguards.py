"""What keeps an answer from being given: limits of photo quality, of strangeness and of doubt, as plain values."""

from __future__ import annotations

import math
from dataclasses import dataclass

_MOST = 2**31 - 1
_BRIGHTEST = 25500
_MEANS, _LENGTH = 64, 4096


@dataclass(frozen=True)
class QualityLimits:
    """State what a photo must reach; units are those of ``quality.QualityMeasures``.

    The defaults were set on dermoscopy: below 1 % of the images of HAM10000 and ISIC 2017 miss one. Twice as much
    blur as any of them is found, and light of a quarter or four times. Darkness has a wide margin, since skin may be
    dark. Limits derived from a model's own training images are better, and stand in its contract.
    """

    smallest_side: int
    largest_aspect_percent: int = 200
    least_sharpness: int = 600
    least_brightness: int = 5000
    most_brightness: int = 23000
    most_clipped_permille: int = 50
    least_colour: int = 300


@dataclass(frozen=True)
class OutlierLimits:
    """State how far an embedding may lie from the nearest of the training images' ``means``.

    The distance is the sum of squares of the differences times ``scales``, one for every value of the embedding.
    """

    means: tuple[tuple[float, ...], ...]
    scales: tuple[float, ...]
    limit: float


@dataclass(frozen=True)
class Safeguards:
    """Hold all limits of one model.

    ``uncertain_from`` is the target score, below the threshold, from which a lesion is referred because of doubt.
    """

    quality: QualityLimits
    outlier: OutlierLimits | None = None
    uncertain_from: float | None = None


def default_safeguards(input_size: int) -> Safeguards:
    """Return the limits of a model without its own: a photo must not be enlarged to the model's input."""
    return Safeguards(QualityLimits(smallest_side=input_size))


def problem(safeguards: Safeguards, threshold: float) -> str:
    """Say what is wrong with limits beside an operating threshold; nothing if they make sense."""
    quality, uncertain = safeguards.quality, safeguards.uncertain_from
    checks = {
        "smallest_side must be positive": 1 <= quality.smallest_side <= _MOST,
        "largest_aspect_percent must be at least 100": 100 <= quality.largest_aspect_percent <= _MOST,
        "least_sharpness must not be negative": 0 <= quality.least_sharpness <= _MOST,
        f"brightness must rise from 0 to {_BRIGHTEST}": 0
        <= quality.least_brightness
        <= quality.most_brightness
        <= _BRIGHTEST,
        "most_clipped_permille must lie between 0 and 1000": 0 <= quality.most_clipped_permille <= 1000,
        f"least_colour must lie between 0 and {_BRIGHTEST}": 0 <= quality.least_colour <= _BRIGHTEST,
        "outlier limits must be finite numbers of one length": safeguards.outlier is None or _fits(safeguards.outlier),
        "uncertain_from must lie below the threshold": uncertain is None or 0 <= uncertain < threshold,
    }
    return "; ".join(message for message, holds in checks.items() if not holds)


def _fits(outlier: OutlierLimits) -> bool:
    length = len(outlier.scales)
    numbers = (*outlier.scales, *(value for mean in outlier.means for value in mean), outlier.limit)
    return (
        1 <= length <= _LENGTH
        and 1 <= len(outlier.means) <= _MEANS
        and all(len(mean) == length for mean in outlier.means)
        and all(math.isfinite(number) for number in numbers)
        and min(*outlier.scales, outlier.limit) >= 0
    )
