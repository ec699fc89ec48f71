"""How well the class is told by what is no lesion: origin, size, mean colour, dark corners.

What they tell alone, a model can learn instead of the lesion. Measured out of fold, whole groups in one fold.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.audit.material import Material
from melanoma_edge.audit.pairs import remaining
from melanoma_edge.data.labels import MALIGNANT, MELANOMA, order
from melanoma_edge.data.likeness import Look
from melanoma_edge.data.sources.base import layout_of
from melanoma_edge.evaluation import Estimate, evaluate
from melanoma_edge.progress import Progress, silent

ALL = "all of these"
FOLDS = 5
SUSPICIOUS = 0.60
"""A lower bound of the AUC from which on something that is no lesion is said to tell the class."""

_MOST_UNITS = 4000
_RESAMPLES = 200
_ARCHIVES = (
    (0, 16072, "ISIC until 2017"),
    (24306, 34320, "HAM10000"),
    (53454, 73254, "BCN20000"),
)
"""The first and last ISIC number of what was published together, with the name of it."""

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Confounder:
    """Say how well one thing that is no lesion tells the class.

    ``macro_auc`` and ``melanoma_auc`` are 0.5 by chance (``melanoma_auc`` is that of malignancy where the labels know
    no melanoma); ``accuracy`` goes with ``majority``, the share of the largest class. Intervals are at 95 %.
    """

    name: str
    macro_auc: Estimate
    melanoma_auc: Estimate | None
    accuracy: Estimate
    majority: float

    @property
    def suspicious(self) -> bool:
        """Whether it tells the class for certain, and not just a little."""
        return self.macro_auc.low > SUSPICIOUS


@dataclass(frozen=True)
class Confounding:
    """Hold what tells the class beside the lesion.

    Attributes:
        classes: those with at least ``FOLDS`` groups; the others cannot be judged.
        images, groups: how many were judged, one image per group and class, at most 4,000.
        confounders: the most telling first.
        origins: images by class and by origin: camera, else data set, else the ISIC numbers' archive.
    """

    classes: tuple[str, ...]
    images: int
    groups: int
    confounders: tuple[Confounder, ...]
    origins: dict[str, dict[str, int]]


def check_confounding(material: Material, seed: int = 0, progress: Progress = silent) -> Confounding:
    """Measure how well the class is told by what is no lesion.

    Images that cannot be decoded and images under two labels are left out.
    """
    chosen = remaining(material)
    origin = {row: origin_of(material, row) for row in chosen}
    table: dict[str, dict[str, int]] = {}
    for label in order(material.rows[row].label for row in chosen):
        counts = Counter(origin[row] for row in chosen if material.rows[row].label == label)
        table[label] = dict(counts.most_common())
    rows = _drawn(material, chosen, seed)
    labels = np.array([material.rows[row].label for row in rows])
    classes = order(labels.tolist())
    units = np.array([material.unit[row] for row in rows], np.int64)
    if len(classes) < 2:
        return Confounding(classes, len(rows), len(set(units.tolist())), (), table)
    looks = [material.looks[row] for row in rows]
    numbers = np.array([classes.index(label) for label in labels])
    found = []
    features = _features(looks, [origin[row] for row in rows])
    for place, (name, values) in enumerate(features.items()):
        progress("measuring confounders", place, len(features))
        found.append(_confounder(name, values, numbers, units, classes, seed))
    progress("measuring confounders", len(features), len(features))
    ranked = sorted(found, key=lambda one: -one.macro_auc.value)
    return Confounding(classes, len(rows), len(set(units.tolist())), tuple(ranked), table)


def origin_of(material: Material, row: int) -> str:
    """Return the camera that EXIF names, else the data set, for class folders told by ISIC numbers where they can."""
    look, found = material.looks[row], material.rows[row]
    if look.camera:
        return look.camera
    number = re.search(r"ISIC_(\d{7})(?!\d)", found.image_id, re.IGNORECASE)
    if layout_of(found.source) != "folder" or not number:
        return found.source
    inside = (name for first, last, name in _ARCHIVES if first <= int(number[1]) <= last)
    return next(inside, "ISIC, other numbers")


def _drawn(material: Material, chosen: Sequence[int], seed: int) -> list[int]:
    """Return one row for each group and class, of classes with enough groups, at most 4,000 groups drawn by seed."""
    first: dict[tuple[int, str], int] = {}
    for row in chosen:
        first.setdefault((material.unit[row], material.rows[row].label), row)
    counts = Counter(label for _, label in first)
    rows = [row for (_, label), row in first.items() if counts[label] >= FOLDS]
    if len(rows) > _MOST_UNITS:
        rows = [rows[place] for place in np.random.default_rng(seed).permutation(len(rows))[:_MOST_UNITS]]
        counts = Counter(material.rows[row].label for row in rows)
        rows = [row for row in rows if counts[material.rows[row].label] >= FOLDS]
    return sorted(rows)


def _features(looks: Sequence[Look], origins: Sequence[str]) -> dict[str, Array]:
    names = sorted(set(origins))
    formats = sorted({look.format for look in looks})
    corners = np.array([look.corners for look in looks], np.float64)
    found = {
        "origin": np.array([[origin == name for name in names] for origin in origins], np.float64),
        "size": np.array(
            [(look.width, look.height, look.bytes, formats.index(look.format)) for look in looks], np.float64
        ),
        "mean colour": np.array([look.colour for look in looks], np.float64),
        "dark corners": np.concatenate([corners, corners.min(axis=1, keepdims=True)], axis=1),
    }
    return found | {ALL: np.concatenate(list(found.values()), axis=1)}


def _confounder(
    name: str, values: Array, labels: NDArray[np.int64], units: NDArray[np.int64], classes: Sequence[str], seed: int
) -> Confounder:
    targets = [place for place, label in enumerate(classes) if label in MELANOMA] or [
        place for place, label in enumerate(classes) if label in MALIGNANT
    ]
    told = _out_of_fold(values, labels, units, seed)
    names = [str(unit) for unit in units]
    found = evaluate(told, labels, names, classes, targets, 0.5, seed, _RESAMPLES)
    assert found.macro_auc is not None, "there are two classes"
    majority = float(np.bincount(labels).max() / len(labels))
    return Confounder(name, found.macro_auc, found.melanoma_auc, found.accuracy, majority)


def _out_of_fold(values: Array, labels: NDArray[np.int64], units: NDArray[np.int64], seed: int) -> Array:
    """Return the class probabilities ``[n, classes]`` of a forest that did not see the image's group."""
    from sklearn.ensemble import RandomForestClassifier
    from sklearn.model_selection import StratifiedGroupKFold

    told = np.zeros((len(labels), labels.max() + 1))
    for learned, judged in StratifiedGroupKFold(FOLDS, shuffle=True, random_state=seed).split(values, labels, units):
        forest = RandomForestClassifier(100, min_samples_leaf=5, class_weight="balanced", random_state=seed, n_jobs=1)
        forest.fit(values[learned], labels[learned])
        told[np.ix_(judged, forest.classes_)] = forest.predict_proba(values[judged])
    return told
