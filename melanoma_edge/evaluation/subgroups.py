"""For whom: the same model on parts of the lesions, by what is known of patient and photo."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation import roc
from melanoma_edge.evaluation.intervals import Estimate, wilson
from melanoma_edge.evaluation.metrics import Cases

FEW = 10
"""Below so many targets, or so many others, an interval says little: shown, but marked."""
UNKNOWN = "unknown"


@dataclass(frozen=True)
class Subgroup:
    """Hold what a model does on the lesions of one value of one attribute; None where they do not define a number.

    Intervals are at 95 %: Wilson's, and DeLong's for the AUC. ``few`` marks under 10 targets or under 10 others.
    """

    attribute: str
    value: str
    n: int
    targets: int
    sensitivity: Estimate | None
    specificity: Estimate | None
    auc: Estimate | None
    few: bool


def subgroups(cases: Cases, attributes: Mapping[str, Sequence[str]]) -> tuple[Subgroup, ...]:
    """Return what a model does on each part of the lesions, in the order of ``partition``.

    Args:
        cases: what the model says of each of ``u`` lesions.
        attributes: by name, the value of each lesion, ``[u]``.
    """
    return tuple(_subgroup(name, value, part(cases, members)) for name, value, members in partition(attributes))


def partition(attributes: Mapping[str, Sequence[str]]) -> Iterator[tuple[str, str, NDArray[np.bool_]]]:
    """Yield name, value and members, bool ``[u]``, of every part; what is unknown comes last.

    An attribute of which nothing is known, or that has one value, parts nothing and is left out.

    Args:
        attributes: by name, the value of each lesion, ``[u]``.
    """
    for name, values in attributes.items():
        found = sorted(set(values), key=lambda value: (value == UNKNOWN, value))
        if len(found) > 1:
            given = np.asarray(values, str)
            yield from ((name, value, given == value) for value in found)


def part(cases: Cases, members: NDArray[np.bool_]) -> Cases:
    """Return what the same model says of some of the lesions, ``members`` being bool ``[u]``."""
    threshold = cases.threshold if isinstance(cases.threshold, float) else cases.threshold[members]
    return replace(cases, probabilities=cases.probabilities[members], labels=cases.labels[members], threshold=threshold)


def _subgroup(name: str, value: str, cases: Cases) -> Subgroup:
    targets, right = cases.is_target, cases.referred == cases.is_target
    count = int(targets.sum())
    others = len(targets) - count
    return Subgroup(
        attribute=name,
        value=value,
        n=len(targets),
        targets=count,
        sensitivity=wilson(int(right[targets].sum()), count) if count else None,
        specificity=wilson(int(right[~targets].sum()), others) if others else None,
        auc=roc.auc(cases.scores, targets),
        few=min(count, others) < FEW,
    )
