"""The targets of lowest score: where few may be missed, one of them decides where the threshold lies."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.lesions import Floats, Lesions

FURTHER = 3
"""Targets named beside those that the threshold misses: the first of them holds it down."""


@dataclass(frozen=True)
class LowTarget:
    """Name a target lesion by its first image.

    ``specificity`` is the share of other lesions that score less: what a threshold just below this lesion would leave
    alone, 0 to 1; None without other lesions.
    """

    image_id: str
    group: str
    label: str
    score: float
    specificity: float | None


def lowest_targets(
    scores: Floats,
    is_target: NDArray[np.bool_],
    unit: Lesions,
    image_ids: Sequence[str],
    classes: Sequence[str],
    misses: int = 0,
) -> tuple[LowTarget, ...]:
    """Return the targets of lowest score, from the lowest on: those missed, and ``FURTHER`` ones.

    Args:
        scores: target score of each lesion, ``[u]``.
        is_target: whether each lesion is a target, ``[u]``.
        unit: the lesions.
        image_ids: of the images that they were made of, ``[n]``.
        classes: names in the order of the labels.
        misses: how many of them the threshold misses.
    """
    values, first = np.asarray(scores, np.float64), unit.first_images(image_ids)
    places = np.flatnonzero(is_target)
    chosen = places[np.argsort(values[places], kind="stable")][: misses + FURTHER]
    return tuple(
        LowTarget(
            image_id=first[place],
            group=str(unit.groups[place]),
            label=classes[unit.labels[place]],
            score=float(values[place]),
            specificity=_share_below(values[~is_target], values[place]),
        )
        for place in chosen.tolist()
    )


def _share_below(others: NDArray[Any], score: float) -> float | None:
    return float((others < score).mean()) if len(others) else None
