"""How many melanomas a split would have, and what that many can prove."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from melanoma_edge.audit.material import Material
from melanoma_edge.data.catalog import SPLITS
from melanoma_edge.data.labels import MALIGNANT, MELANOMA, order
from melanoma_edge.data.split import FRACTIONS
from melanoma_edge.evaluation.intervals import allowed_misses, tango

SENSITIVITY, LOSS = 0.95, 0.05
"""What is usually asked: a sensitivity to certify, and the most that an exported file may lose of it."""


@dataclass(frozen=True)
class ClassCount:
    """Count one class: files as they lie; then images and groups that remain after the steps."""

    label: str
    files: int
    images: int
    groups: int


@dataclass(frozen=True)
class Proof:
    """Say what the target lesions of a 70/15/15 split by group would prove, none of them missed or lost.

    Attributes:
        target: ``melanoma``, or ``malignant`` where the labels know no melanoma.
        groups: target lesions by split.
        certified: the highest sensitivity that validation can certify with 95 % confidence, without one miss.
        validation_needed: target lesions that certify 95 %.
        misses_allowed: misses among those of validation that still certify 95 %; -1 says that none can.
        loss_bound: the smallest loss of sensitivity that the test split can exclude, without one lost.
        test_needed: lesions that exclude a loss above 5 points, for a PASS of the check ``sensitivity_loss``.
    """

    target: str
    groups: dict[str, int]
    certified: float
    validation_needed: int
    misses_allowed: int
    loss_bound: float
    test_needed: int


def count_classes(material: Material, left: Iterable[int]) -> tuple[ClassCount, ...]:
    """Count files, images and groups of each class; ``left`` are the rows that remain after the steps."""
    files = Counter(row.label for row in material.rows)
    rows = list(left)
    images = Counter(label for label, _ in {(material.rows[row].label, material.image[row]) for row in rows})
    groups = Counter(label for label, _ in {(material.rows[row].label, material.unit[row]) for row in rows})
    return tuple(ClassCount(label, files[label], images[label], groups[label]) for label in order(files))


def prove(classes: Iterable[ClassCount]) -> Proof:
    """Say what a split's target lesions would prove."""
    groups = {one.label: one.groups for one in classes}
    melanoma = any(groups.get(label) for label in MELANOMA)
    targets = sum(groups.get(label, 0) for label in (MELANOMA if melanoma else MALIGNANT))
    parts = _parts(targets)
    validation, test = parts[SPLITS[1]], parts[SPLITS[2]]
    return Proof(
        target="melanoma" if melanoma else "malignant",
        groups=parts,
        certified=(1 - SENSITIVITY) ** (1 / validation) if validation else 0.0,
        validation_needed=_least(lambda count: allowed_misses(count, SENSITIVITY) >= 0),
        misses_allowed=allowed_misses(validation, SENSITIVITY) if validation else -1,
        loss_bound=tango(0, 0, test).high if test else 1.0,
        test_needed=_least(lambda count: tango(0, 0, count).high <= LOSS),
    )


def _parts(targets: int) -> dict[str, int]:
    rest = [round(share * targets) for share in FRACTIONS[1:]]
    return dict(zip(SPLITS, (targets - sum(rest), *rest), strict=True))


def _least(enough: Callable[[int], bool]) -> int:
    count = 1
    while not enough(count):
        count += 1
    return count
