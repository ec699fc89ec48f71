"""Clinical metrics of one model on one split, each headline number with its interval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import DataError, TrustError
from melanoma_edge.evaluation.bootstrap import (
    Array,
    bootstrap,
    percentile_estimate,
    weighted_auc,
    without_bias,
)
from melanoma_edge.evaluation.calibration import BINS, equal_mass_bins
from melanoma_edge.evaluation.intervals import Estimate, wilson
from melanoma_edge.evaluation.lesions import Floats, Ints, Lesions, lesions

HEADLINES = (
    "accuracy",
    "balanced_accuracy",
    "macro_auc",
    "melanoma_auc",
    "sensitivity",
    "specificity",
    "brier",
    "ece",
)
MEASURES = ("balanced_accuracy", "macro_auc", "melanoma_auc", "brier", "ece")
"""What is resampled of every model, in this order."""
_ECE = MEASURES.index("ece")
_RANKED = 6


@dataclass(frozen=True)
class ClassMetrics:
    """Hold the metrics of one class against the rest; None where the split does not define one."""

    n: int
    precision: Estimate | None
    recall: Estimate | None
    f1: float | None
    auc: Estimate | None


@dataclass(frozen=True)
class Metrics:
    """Hold what a model does on one split, counted in lesions; None where the split does not define a number.

    ``melanoma_auc``, ``sensitivity``, ``specificity``, ``brier`` and ``ece`` are of the target score (malignant
    where the labels know no melanoma). ``confusion`` holds counts by true class, then by predicted class.
    Intervals are at 95 %: Wilson for proportions, else the percentile bootstrap over lesions.
    """

    images: int
    groups: int
    targets: int
    threshold: float
    accuracy: Estimate
    balanced_accuracy: Estimate
    macro_auc: Estimate | None
    melanoma_auc: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None
    brier: Estimate
    ece: Estimate
    per_class: dict[str, ClassMetrics]
    confusion: tuple[tuple[int, ...], ...]

    def headline(self) -> dict[str, Estimate | None]:
        """Return the eight numbers that are compared between models."""
        return {name: getattr(self, name) for name in HEADLINES}


@dataclass(frozen=True, eq=False)
class Cases:
    """Hold what one model says of each lesion.

    Attributes:
        probabilities: mean over the lesion's images, float64 ``[u, classes]``.
        labels: class index, ``[u]``.
        target_columns: the classes whose probabilities sum to the target score.
        threshold: at or above which a target score is referred; one for all, or one of each lesion, ``[u]``.
    """

    probabilities: Array
    labels: NDArray[np.int64]
    target_columns: tuple[int, ...]
    threshold: float | Array

    @cached_property
    def predicted(self) -> NDArray[np.int64]:
        """The most probable class, ``[u]``."""
        return np.asarray(self.probabilities.argmax(axis=1))

    @cached_property
    def scores(self) -> Array:
        """The target score, ``[u]``."""
        return np.asarray(self.probabilities[:, list(self.target_columns)].sum(axis=1))

    @cached_property
    def referred(self) -> NDArray[np.bool_]:
        """The decision, ``[u]``."""
        return np.asarray(self.scores >= self.threshold)

    @cached_property
    def is_target(self) -> NDArray[np.bool_]:
        """Whether the lesion is of the target, ``[u]``."""
        return np.isin(self.labels, self.target_columns)

    @cached_property
    def _kept(self) -> dict[tuple[int, int], Array]:
        return {}

    def resampled(self, count: int, seed: int) -> Array:
        """Return ``measures`` of ``count`` bootstrap resamples, ``[count, 5 + classes]``; made once.

        Two models' cases of the same lesions are resampled alike, so that their difference is a paired one.
        """
        if (count, seed) not in self._kept:
            self._kept[count, seed] = bootstrap(self.measures, self.labels, count, seed)
        return self._kept[count, seed]

    def measures(self, weights: Array) -> Array:
        """Return, under weights ``[b, u]``, the numbers of ``MEASURES`` and each class's AUC, ``[b, 5 + classes]``."""
        aucs = self.class_aucs(weights)
        singles = (
            self.balanced_accuracy(weights),
            mean_of_defined(aucs),
            self.target_auc(weights),
            self.brier(weights),
            self.ece(weights),
        )
        return np.column_stack([*singles, aucs])

    def balanced_accuracy(self, weights: Array) -> Array:
        """Return the mean recall of the classes present, ``[b]``, under weights ``[b, u]``."""
        present = np.unique(self.labels)
        members = self.labels[:, None] == present
        right = members & (self.predicted == self.labels)[:, None]
        return np.asarray(((weights @ right) / (weights @ members)).mean(axis=1))

    def class_aucs(self, weights: Array) -> Array:
        """Return the one-vs-rest AUC of each class, ``[b, classes]``; NaN for classes absent or alone."""
        classes = range(self.probabilities.shape[1])
        columns = [weighted_auc(self.probabilities[:, k], self.labels == k, weights) for k in classes]
        return np.stack(columns, axis=1)

    def target_auc(self, weights: Array) -> Array:
        """Return the AUC of the target score, ``[b]``; NaN without a target or without another lesion."""
        return weighted_auc(self.scores, self.is_target, weights)

    def brier(self, weights: Array) -> Array:
        """Return the mean squared error of the target score, ``[b]``."""
        return np.asarray(weights @ (self.scores - self.is_target) ** 2 / weights.sum(axis=1))

    def ece(self, weights: Array) -> Array:
        """Return the calibration error of the target score over 15 bins of equal mass, ``[b]``."""
        gaps = np.zeros((len(self.scores), BINS))
        gaps[np.arange(len(gaps)), equal_mass_bins(self.scores)] = self.is_target - self.scores
        return np.asarray(np.abs(weights @ gaps).sum(axis=1) / weights.sum(axis=1))


def mean_of_defined(values: Array) -> Array:
    """Return the mean over the last axis ``[b, s]`` of the columns that are defined; NaN where none is."""
    defined = ~np.isnan(values[0])
    return np.asarray(values[:, defined].mean(axis=1)) if defined.any() else np.full(len(values), np.nan)


def macro_auc(probabilities: Floats, labels: Ints) -> float | None:
    """Return the mean one-vs-rest AUC over the classes present, or None where fewer than two are.

    Args:
        probabilities: ``[n, classes]``.
        labels: class index, ``[n]``.
    """
    cases = Cases(np.asarray(probabilities, np.float64), np.asarray(labels, np.int64), (), 0.0)
    value = float(mean_of_defined(cases.class_aucs(np.ones((1, len(labels)))))[0])
    return None if np.isnan(value) else value


def validation_auc(probabilities: Floats, labels: Ints) -> float:
    """Return ``macro_auc`` as epochs and widths are compared by: of six decimals, and 0 where it is not defined.

    A network that answers everything alike must not be ranked by the rounding of its arithmetic.
    """
    return macro_auc(np.asarray(probabilities).round(_RANKED), labels) or 0.0


def evaluate(
    probabilities: Floats,
    labels: Sequence[int] | Ints,
    groups: Sequence[str] | NDArray[np.str_],
    classes: Sequence[str],
    target_columns: Sequence[int],
    threshold: float,
    seed: int = 0,
    resamples: int = 1000,
) -> Metrics:
    """Return the clinical metrics of one model on one split.

    Args:
        probabilities: of each image, ``[n, classes]``.
        labels: class index of each image, ``[n]``.
        groups: group id of each image, ``[n]``; its images with one label are one lesion.
        classes: names in the order of the columns.
        target_columns: columns that sum to the target score.
        threshold: at or above which a target score is referred.
        seed: of the bootstrap.
        resamples: of the bootstrap.

    Raises:
        DataError: without an image.
        TrustError: when a probability is not a number.
    """
    unit = lesions(groups, labels)
    return measured(cases_of(probabilities, unit, target_columns, threshold), len(labels), classes, seed, resamples)


def measured(cases: Cases, images: int, classes: Sequence[str], seed: int, resamples: int) -> Metrics:
    """Return the clinical metrics of what a model says of each lesion, as ``evaluate``.

    ``threshold`` is the mean where every lesion has its own.
    """
    spread = _spread(cases, seed, resamples)
    confusion = np.zeros((len(classes), len(classes)), np.int64)
    np.add.at(confusion, (cases.labels, cases.predicted), 1)
    targets, right = cases.is_target, cases.referred == cases.is_target
    return Metrics(
        images=images,
        groups=len(targets),
        targets=int(targets.sum()),
        threshold=float(np.mean(cases.threshold)),
        accuracy=wilson(int(confusion.trace()), len(targets)),
        balanced_accuracy=_certain(spread["balanced_accuracy"]),
        macro_auc=spread["macro_auc"],
        melanoma_auc=spread["melanoma_auc"],
        sensitivity=proportion(int(right[targets].sum()), int(targets.sum())),
        specificity=proportion(int(right[~targets].sum()), int((~targets).sum())),
        brier=_certain(spread["brier"]),
        ece=_certain(spread["ece"]),
        per_class={name: _class_metrics(confusion, k, spread[f"auc {k}"]) for k, name in enumerate(classes)},
        confusion=tuple(tuple(int(count) for count in row) for row in confusion),
    )


def cases_of(probabilities: Floats, unit: Lesions, target_columns: Sequence[int], threshold: float | Array) -> Cases:
    """Return the means over each lesion's images; raises as ``evaluate``."""
    if not len(unit):
        raise DataError("no image to evaluate", where="split", fix="choose a split that has images")
    if not np.isfinite(probabilities).all():
        raise TrustError(
            "the model gives values that are not numbers",
            where="probabilities",
            fix="train again with a smaller learning rate, or export again",
        )
    return Cases(unit.mean(probabilities), unit.labels, tuple(target_columns), threshold)


def proportion(successes: int, n: int) -> Estimate | None:
    """Return a proportion with its Wilson interval at 95 %, or None of nothing."""
    return wilson(successes, n) if n else None


def _spread(cases: Cases, seed: int, resamples: int) -> dict[str, Estimate | None]:
    """Return by name what needs a bootstrap, from the same resamples."""
    names = [*MEASURES, *(f"auc {k}" for k in range(cases.probabilities.shape[1]))]
    values, drawn = cases.measures(np.ones((1, len(cases.labels))))[0], cases.resampled(resamples, seed).copy()
    drawn[:, _ECE] = without_bias(drawn[:, _ECE], values[_ECE])
    return {name: percentile_estimate(float(values[i]), drawn[:, i]) for i, name in enumerate(names)}


def _class_metrics(confusion: NDArray[np.int64], k: int, auc: Estimate | None) -> ClassMetrics:
    hits, actual, predicted = int(confusion[k, k]), int(confusion[k].sum()), int(confusion[:, k].sum())
    return ClassMetrics(
        n=actual,
        precision=proportion(hits, predicted),
        recall=proportion(hits, actual),
        f1=2 * hits / (actual + predicted) if actual else None,
        auc=auc,
    )


def _certain(estimate: Estimate | None) -> Estimate:
    assert estimate is not None, "defined for every split that has a lesion"
    return estimate
