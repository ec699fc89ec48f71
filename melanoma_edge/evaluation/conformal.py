"""Split conformal sets: for each photo the classes that cannot be ruled out, with a promised coverage of every class.

Score of a class: one minus its probability (LAC: M. Sadinle and others, Least Ambiguous Set-Valued Classifiers with
Bounded Error Levels, JASA 114 (2019) 223). Each class has a limit of its own (Mondrian: V. Vovk and others,
Algorithmic Learning in a Random World, 2005): so melanoma is covered as often as nevus, however rare it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.intervals import Estimate, wilson

CAVEAT = (
    "The coverage is promised on average for new lesions that come from where the calibration lesions came from. It "
    "does not hold for other cameras, clinics or patients, nor within a subgroup, nor where calibration and test share "
    "lesions; and a set with several classes is no diagnosis."
)

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class ClassCoverage:
    """Hold how one class fares.

    ``limit`` is the largest score, one minus probability, at which it stays in a set; None where ``calibration`` has
    too few lesions of it for a limit: it is then in every set. ``low`` and ``high`` enclose the coverage that such a
    limit gives, with 90 % probability over draws of the calibration lesions. ``coverage`` is what was measured.
    """

    name: str
    calibration: int
    limit: float | None
    low: float
    high: float
    test: int
    coverage: Estimate | None


@dataclass(frozen=True)
class ConformalSets:
    """Hold the sets of a test split: per class, how many sets have how many classes, and what they do not promise."""

    alpha: float
    classes: tuple[ClassCoverage, ...]
    sizes: dict[str, int]
    mean_size: float
    caveat: str = CAVEAT


def conformal_sets(
    calibration: Floats,
    calibration_labels: Ints,
    test: Floats,
    test_labels: Ints,
    classes: tuple[str, ...],
    alpha: float = 0.1,
) -> ConformalSets:
    """Calibrate class-conditional sets on one set of lesions and measure them on another.

    Args:
        calibration: probabilities ``[n, classes]``, 0 to 1.
        calibration_labels: class index, ``[n]``.
        test: probabilities ``[m, classes]`` of other lesions, m at least 1.
        test_labels: class index, ``[m]``.
        classes: names in the order of the columns.
        alpha: share of each class that may be left out of its set.
    """
    counts = [int((calibration_labels == k).sum()) for k in range(len(classes))]
    limits = [conformal_limit(1 - calibration[calibration_labels == k, k], alpha) for k in range(len(classes))]
    held = np.stack([1 - test[:, k] <= limit for k, limit in enumerate(limits)], axis=1)
    members = held.sum(axis=1)
    sizes = {str(size): int((members == size).sum()) for size in range(len(classes) + 1)}
    found = []
    for k, name in enumerate(classes):
        mine = test_labels == k
        n, covered = int(mine.sum()), int(held[mine, k].sum())
        low, high = coverage_range(counts[k], alpha)
        limit = None if math.isinf(limits[k]) else limits[k]
        found.append(ClassCoverage(name, counts[k], limit, low, high, n, wilson(covered, n) if n else None))
    return ConformalSets(alpha, tuple(found), sizes, float(members.mean()))


def conformal_limit(scores: Floats, alpha: float) -> float:
    """Return the ``ceil((n + 1) * (1 - alpha))``-th smallest of ``n`` scores; infinite where there is none such."""
    rank = conformal_rank(len(scores), alpha)
    return math.inf if rank > len(scores) else float(np.sort(np.asarray(scores, np.float64))[rank - 1])


def conformal_rank(count: int, alpha: float) -> int:
    """Return which of ``count`` scores in rising order is the limit; beyond ``count`` there is none."""
    return math.ceil((count + 1) * (1 - alpha) - 1e-9)


def coverage_range(count: int, alpha: float, tail: float = 0.05) -> tuple[float, float]:
    """Return where the coverage of a limit from ``count`` scores lies, but for a ``tail`` of the draws on either side.

    Over draws of the scores it has a beta distribution (Vovk 2012, Conditional Validity of Inductive Conformal
    Predictors).
    """
    from scipy.stats import beta

    rank = conformal_rank(count, alpha)
    if rank > count:
        return 1.0, 1.0
    low, high = beta.ppf([tail, 1 - tail], rank, count + 1 - rank)
    return float(low), float(high)
