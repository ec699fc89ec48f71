"""What keeps an answer from being given: limits of photo quality, of strangeness and of doubt, as plain values."""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

_MOST = 2**31 - 1
_BRIGHTEST = 25500
_DIRECTIONS, _LENGTH = 64, 4096


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
    """State how far an embedding may lie from what embeddings of training images have in common.

    ``centre`` is their mean. ``directions`` are those in which they spread most: each is base64 of one signed byte for
    every value of the embedding, and a vector of length 1 once multiplied by its number of ``steps``. What of an
    embedding's way from the centre lies in none of them is foreign; ``limit`` is for the square of its length.
    """

    centre: tuple[float, ...]
    directions: tuple[str, ...]
    steps: tuple[float, ...]
    limit: float

    @cached_property
    def vectors(self) -> tuple[tuple[int, ...], ...]:
        """The directions as integers from -128 to 127; raises ``ValueError`` for text that is no such base64."""
        return tuple(map(_integers, self.directions))


def text_of(direction: Iterable[int]) -> str:
    """Return integers from -128 to 127 as a direction's text."""
    return base64.b64encode(bytes(value & 0xFF for value in direction)).decode("ascii")


def _integers(text: str) -> tuple[int, ...]:
    values = tuple(value - 256 if value > 127 else value for value in base64.b64decode(text, validate=True))
    if text_of(values) != text:
        raise ValueError("not as base64 is written")
    return values


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
        "outlier limits must be finite numbers and base64 of one length": safeguards.outlier is None
        or _fits(safeguards.outlier),
        "uncertain_from must lie below the threshold": uncertain is None or 0 <= uncertain < threshold,
    }
    return "; ".join(message for message, holds in checks.items() if not holds)


def _fits(outlier: OutlierLimits) -> bool:
    numbers = (*outlier.centre, *outlier.steps, outlier.limit)
    try:
        lengths = {len(vector) for vector in outlier.vectors}
    except ValueError:
        return False
    return (
        1 <= len(outlier.centre) <= _LENGTH
        and 1 <= len(outlier.directions) <= _DIRECTIONS
        and len(outlier.steps) == len(outlier.directions)
        and lengths == {len(outlier.centre)}
        and all(math.isfinite(number) for number in numbers)
        and min(*outlier.steps, outlier.limit) >= 0
    )
