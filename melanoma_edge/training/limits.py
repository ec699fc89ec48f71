"""What a model refuses to answer, derived from the images that it learned from: its safeguards.

Quality: the defaults, loosened where they would refuse the model's own training images. They are never made stricter:
the darkest hundredth of a set of light skin is no bad photo but darker skin.

Strangeness: what embeddings have in common is of training images. Their own distances from it would be too small to
set a limit by, since the network was fitted to them; so the limit is of validation images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.model.classifier import explained_model
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.pixels import decode, quietly
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quality import QualityMeasures, findings, measure
from melanoma_edge.safeguards import OutlierLimits, QualityLimits, Safeguards, default_safeguards, text_of
from melanoma_edge.training.run import SplitImages

ACCEPTED = 0.95
"""Share of lesions like those of validation that the limit of strangeness is to let pass."""
REFUSED = 0.01
"""Largest share of training images that limits of quality may refuse, all together."""
QUALITY_IMAGES, EMBEDDED_IMAGES = 1024, 4096
"""How many training images are looked at, at most: for quality whole photos are decoded again."""

DIRECTIONS = 16
"""In how many directions embeddings may differ from their mean, at most, without being strange.

Five networks of HAM10000 (V1 and V2, 160 and 224 pixels) refused 48 to 90 % of 52 everyday photos with 16, 35 to 67 %
with 8 and 60 to 90 % with 32; each direction takes a third more bytes than the embedding has values.
"""
_LARGEST = 127
_NEAR = 0.1
"""How far rounding may take the centre from itself, in mean spreads of a feature: the contract lies in every file."""
_DIGITS = 4
_BATCH = 64
_FLOORS = ("smallest_side", "least_sharpness", "least_brightness", "least_colour")
_CEILINGS = ("largest_aspect_percent", "most_brightness", "most_clipped_permille")
_MEASURED = {
    "smallest_side": "short_side",
    "largest_aspect_percent": "aspect_percent",
    "least_sharpness": "sharpness",
    "least_brightness": "brightness",
    "most_brightness": "brightness",
    "most_clipped_permille": "clipped_permille",
    "least_colour": "colour",
}

Floats = NDArray[np.floating[Any]]
Embed = Callable[[Any, Sequence[int]], NDArray[np.float32]]
"""Return embeddings ``[k, features]`` of those among images ``[n, N, N, 3]`` that stand at ``k`` places."""


def derive(
    input_size: int, splits: dict[str, SplitImages], embed: Embed | None, seed: int, progress: Progress = silent
) -> Safeguards:
    """Derive limits of quality and, where ``embed`` is given, of strangeness.

    Args:
        input_size: side of the network's input in pixels.
        splits: ``train`` and ``validation``.
        embed: of the model's weights.
        seed: of the choice of training images.
        progress: told of images looked at.

    Raises:
        DataError: when a training image cannot be read any more.
    """
    train, validation = splits["train"], splits["validation"]
    places = sample(len(train.ids), QUALITY_IMAGES, seed)
    quality = quality_limits(measured([train.rows[place] for place in places], progress), input_size)
    if embed is None or held_out_rank(len(validation.ids)) > len(validation.ids):
        return Safeguards(quality)
    places = sample(len(train.ids), EMBEDDED_IMAGES, seed)
    known, held_out = embed(train.pixels, places), embed(validation.pixels, range(len(validation.ids)))
    return Safeguards(quality, outlier_limits(known, held_out))


def sample(count: int, most: int, seed: int) -> list[int]:
    """Return at most so many places below ``count``, in rising order."""
    chosen = np.random.default_rng(seed).permutation(count)[:most]
    return [int(place) for place in np.sort(chosen)]


def measured(rows: Sequence[CatalogRow], progress: Progress = silent) -> list[QualityMeasures]:
    """Measure the quality of photos; raises ``DataError`` for one that cannot be read."""
    found = []
    with quietly(), ThreadPoolExecutor() as pool:
        for done, one in enumerate(pool.map(lambda row: measure(decode(Path(row.path))), rows), 1):
            found.append(one)
            progress("measuring quality", done, len(rows))
    return found


def quality_limits(measures: Sequence[QualityMeasures], input_size: int) -> QualityLimits:
    """Return limits that refuse at most ``REFUSED`` of the photos measured, and are nowhere stricter than the defaults.

    Where the defaults refuse more, each limit is moved until no more than its seventh of that share miss it.
    """
    limits = default_safeguards(input_size).quality
    if refused_share(measures, limits) <= REFUSED:
        return limits
    allowed = math.floor(REFUSED * len(measures) / len(_MEASURED))
    rising = {name: sorted(getattr(one, of) for one in measures) for name, of in _MEASURED.items()}
    moved = {name: min(getattr(limits, name), rising[name][allowed]) for name in _FLOORS}
    moved |= {name: max(getattr(limits, name), rising[name][-1 - allowed]) for name in _CEILINGS}
    return replace(limits, **moved)


def refused_share(measures: Sequence[QualityMeasures], limits: QualityLimits) -> float:
    """Return the share of photos that limits of quality refuse; 0 of none."""
    return sum(bool(findings(one, limits)) for one in measures) / max(1, len(measures))


def outlier_limits(known: Floats, held_out: Floats) -> OutlierLimits | None:
    """Return what known embeddings have in common, and the limit that lets ``ACCEPTED`` of others of the kind pass.

    What lies outside the principal directions is foreign to the training images: the residual of Wang et al. 2022,
    "ViM: Out-Of-Distribution with Virtual-logit Matching". Centre and directions are shortened, and the limit is of
    what is left of them: the ``ceil((n + 1) * ACCEPTED)``-th smallest held-out distance (split conformal), so that of
    new images of the same kind at least that share is accepted, on average over draws of the held-out ones. That
    holds for images that are exchangeable: one of each lesion. Several of one lesion count as several here.

    Args:
        known: embeddings ``[n, features]`` of training images.
        held_out: embeddings ``[m, features]`` of images that the network did not learn from.

    Returns:
        None where there are too few held-out images for such a limit: fewer than 19.
    """
    rank = held_out_rank(len(held_out))
    if rank > len(held_out):
        return None
    exact = np.asarray(known, np.float64)
    centre = exact.mean(axis=0)
    offsets = exact - centre
    directions = np.linalg.eigh(offsets.T @ offsets)[1].T[::-1][: min(DIRECTIONS, max(1, exact.shape[1] // 4))]
    peaks = np.take_along_axis(directions, np.abs(directions).argmax(axis=1, keepdims=True), axis=1)
    integers = np.round(directions / peaks * _LARGEST).astype(int)
    limits = OutlierLimits(
        centre=tuple(_shortened(centre, float(offsets.std(axis=0).mean())).tolist()),
        directions=tuple(text_of(one) for one in integers.tolist()),
        steps=tuple(float(f"{1 / math.sqrt((one**2).sum()):.6g}") for one in integers),
        limit=0.0,
    )
    return replace(limits, limit=_rounded_up(float(np.sort(distances(held_out, limits))[rank - 1])))


def held_out_rank(count: int) -> int:
    """Return which of ``count`` distances in rising order is the limit; beyond ``count`` there is none."""
    return math.ceil((count + 1) * ACCEPTED - 1e-9)


def distances(embeddings: Floats, limits: OutlierLimits) -> NDArray[np.float64]:
    """Return ``decision.outlier_score`` of embeddings ``[n, features]``, ``[n]``, but for the last bits."""
    offsets = np.asarray(embeddings, np.float64) - np.array(limits.centre)
    along = offsets @ np.array(limits.vectors, np.float64).T * np.array(limits.steps)
    return np.asarray((offsets**2).sum(axis=1) - (along**2).sum(axis=1))


def embeddings(
    spec: NetworkSpec, weights: Weights, pixels: Any, places: Sequence[int], progress: Progress = silent
) -> NDArray[np.float32]:
    """Return what the head of a network takes, float32 ``[k, features]``, a few images at a time.

    Args:
        spec: the network.
        weights: its weights.
        pixels: images uint8 ``[n, N, N, 3]``, perhaps on the disk.
        places: of those that are asked for, ``k`` of them.
        progress: told of images done.
    """
    model, parts = explained_model(spec, weights, 1.0), []
    for start in range(0, len(places), _BATCH):
        batch = np.asarray(pixels[list(places[start : start + _BATCH])], np.float32)
        parts.append(model(batch, training=False)["embedding"].numpy())
        progress("embedding", min(start + _BATCH, len(places)), len(places))
    return np.concatenate(parts)


def _shortened(centre: Floats, spread: float) -> Floats:
    """Return a centre with as few decimals as keep it ``_NEAR``."""
    least = max(_NEAR * spread, 1e-8)
    return np.asarray(centre.round(max(0, math.ceil(-math.log10(least)))) + 0.0)  # no minus nought


def _rounded_up(value: float) -> float:
    """Return a limit of few digits that the value keeps."""
    if value <= 0:
        return 0.0
    step = 10.0 ** (math.floor(math.log10(value)) + 1 - _DIGITS)
    return float(f"{(math.floor(value / step) + 1) * step:.{_DIGITS}g}")


def uncertain_from(scores: Floats, threshold: float, share: float) -> float | None:
    """Return the score from which lesions below the threshold are referred because of doubt.

    The band holds the share of lesions that come next below the threshold; its end lies midway between two scores, so
    that the noise of another runtime's arithmetic turns no decision.

    Args:
        scores: target score of each validation lesion, ``[u]``.
        threshold: the operating threshold.
        share: of all lesions, 0 to 1.

    Returns:
        None where the band would hold no lesion.
    """
    below = np.sort(np.asarray(scores, np.float64)[np.asarray(scores) < threshold])[::-1]
    held = min(math.floor(share * len(scores) + 1e-9), len(below))
    if not held:
        return None
    following = float(below[held]) if held < len(below) else 0.0
    return float(below[held - 1] + following) / 2
