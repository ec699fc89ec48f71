"""Class activation maps of a model, and whether they say anything about it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_edge.evaluation.bootstrap import percentile_estimate
from melanoma_edge.evaluation.intervals import Estimate
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights

Array = NDArray[np.float64]
Score = Callable[[NDArray[np.uint8]], Array]
"""Return target scores ``[n]`` of squares ``[n, N, N, 3]``."""

_FINE = 64
"""Side of the grid on which the middle of a map is measured."""
_BLUR = 0.1
"""Sigma, as a share of the side, of the blur that takes a place away."""


def rank_correlation(first: Array, second: Array) -> float | None:
    """Return the mean over pictures of Spearman's correlation of their places; None where no map has two values.

    Args:
        first, second: maps ``[n, h, w]`` of the same pictures.
    """
    from scipy.stats import rankdata

    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (first, second)]
    centred = [one - one.mean(axis=1, keepdims=True) for one in ranks]
    norms = np.sqrt((centred[0] ** 2).sum(axis=1) * (centred[1] ** 2).sum(axis=1))
    defined = norms > 0
    products = (centred[0] * centred[1]).sum(axis=1)
    return float((products[defined] / norms[defined]).mean()) if defined.any() else None


def centre_share(maps: Array, side: float, resamples: int, seed: int) -> Estimate | None:
    """Return the mean share of a map that lies in the central square of a ``side`` relative to the picture's.

    A map that is alike everywhere has ``side ** 2`` there. The interval is a bootstrap over pictures at 95 %.
    """
    margin = round(_FINE * (1 - side) / 2)
    fine = np.stack([_spread(one, _FINE) for one in maps])
    total = fine.sum(axis=(1, 2))
    inside = fine[:, margin : _FINE - margin, margin : _FINE - margin].sum(axis=(1, 2))
    return mean_estimate((inside / np.maximum(total, 1e-12))[total > 0], resamples, seed)


def mean_estimate(values: Array, resamples: int, seed: int) -> Estimate | None:
    """Return a mean with its percentile interval at 95 % over resamples of the values ``[n]``; None of nothing."""
    if not len(values):
        return None
    drawn = np.random.default_rng(seed).integers(len(values), size=(resamples, len(values)))
    return percentile_estimate(float(values.mean()), values[drawn].mean(axis=1))


def _spread(one: Array, side: int) -> Array:
    grid = Image.fromarray(one.astype(np.float32)).resize((side, side), Image.Resampling.BILINEAR)
    return np.asarray(grid, np.float64).clip(0, None)


def shuffled(weights: Weights, layers: Sequence[str], seed: int) -> Weights:
    """Return weights in which every array of some layers holds its values in another order.

    A map that explains the model must change then (Adebayo and others, Sanity Checks for Saliency Maps, 2018).

    Args:
        weights: by name, ``layer/what``.
        layers: beginnings of names.
        seed: of the order.
    """
    random = np.random.default_rng(seed)
    changed = dict(weights)
    for name in sorted(weights):
        if name.split("/")[0].startswith(tuple(layers)):
            changed[name] = random.permutation(weights[name].ravel()).reshape(weights[name].shape)
    return changed


def cascade(spec: NetworkSpec) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Return what is shuffled together, from the head backwards: in words, and the beginnings of layers' names."""
    last = ("last",) if spec.last else (f"block_{len(spec.blocks) - 1}",)
    return (
        ("head", (HEAD,)),
        ("head and last features", (HEAD, *last)),
        ("everything", (HEAD, "last", "block_", "stem")),
    )


def cams(spec: NetworkSpec, weights: Weights, pixels: Any) -> NDArray[np.float32]:
    """Return maps ``[n, h, w, classes]`` of the float network under any weights; loads TensorFlow."""
    from melanoma_edge.model.classifier import explained_model

    model, parts = explained_model(spec, weights, 1.0), []
    for start in range(0, len(pixels), 64):
        parts.append(model(pixels[start : start + 64].astype(np.float32), training=False)["cam"].numpy())
    return np.concatenate(parts)


def path_scores(pixels: NDArray[np.uint8], order: NDArray[np.int64], grid: tuple[int, int], score: Score) -> Array:
    """Return the score while places are replaced, in an order, by a blurred picture's: ``[places + 1]``.

    Args:
        pixels: one square ``[N, N, 3]``.
        order: the places, ``h * w`` of them, first to go first.
        grid: h and w.
        score: of the model.
    """
    size = len(pixels)
    soft = np.asarray(Image.fromarray(pixels).filter(ImageFilter.GaussianBlur(_BLUR * size)))
    rows, columns = (np.linspace(0, size, count + 1).round().astype(int) for count in grid)
    steps, now = [pixels], pixels.copy()
    for place in order:
        row, column = divmod(int(place), grid[1])
        part = np.s_[rows[row] : rows[row + 1], columns[column] : columns[column + 1]]
        now = now.copy()
        now[part] = soft[part]
        steps.append(now)
    return score(np.stack(steps))


def area(scores: Array) -> float:
    """Return the mean height of a curve over equal steps, ends counting half (trapezoids)."""
    return float((scores[:-1] + scores[1:]).mean() / 2)
