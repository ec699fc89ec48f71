"""Two models on the same lesions: what changed, in which direction, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melanoma_edge.evaluation.bootstrap import percentile_estimate
from melanoma_edge.evaluation.calibration import ece
from melanoma_edge.evaluation.intervals import ONE_SIDED, Estimate
from melanoma_edge.evaluation.metrics import Cases


@dataclass(frozen=True)
class Decisions:
    """Count decisions among lesions of which ``n`` should be decided alike: right before and wrong after is lost."""

    n: int
    lost: int
    gained: int


@dataclass(frozen=True)
class Paired:
    """Hold the paired comparison of an exported model with its reference, counted in lesions.

    ``targets`` and ``others`` are the decisions on lesions that should be referred and on those that should not.
    The three changes are exported minus reference, with one-sided 95 % bounds; None where an AUC is undefined.
    ``mean_score_change`` is the mean size of the change of the target score, and ``calibration_change`` the size
    of the change of its expected calibration error.
    """

    lesions: int
    same_class: int
    same_decision: int
    targets: Decisions
    others: Decisions
    balanced_accuracy: Estimate | None
    macro_auc: Estimate | None
    target_auc: Estimate | None
    mean_score_change: float
    calibration_change: float


def pair(reference: Cases, exported: Cases, resamples: int, seed: int) -> Paired:
    """Compare two models case by case.

    Args:
        reference: what the float model says of each lesion.
        exported: what the exported model says of the same lesions in the same order.
        resamples: of the bootstrap; each is used for both models.
        seed: of the bootstrap.
    """
    balanced_accuracy, macro_auc, target_auc = _changes(reference, exported, resamples, seed)
    calibration = ece(exported.scores, exported.is_target) - ece(reference.scores, reference.is_target)
    return Paired(
        lesions=len(reference.labels),
        same_class=int((reference.predicted == exported.predicted).sum()),
        same_decision=int((reference.referred == exported.referred).sum()),
        targets=decisions(reference, exported, of_target=True),
        others=decisions(reference, exported, of_target=False),
        balanced_accuracy=balanced_accuracy,
        macro_auc=macro_auc,
        target_auc=target_auc,
        mean_score_change=float(np.abs(exported.scores - reference.scores).mean()),
        calibration_change=abs(calibration),
    )


def decisions(reference: Cases, exported: Cases, *, of_target: bool) -> Decisions:
    """Count right decisions lost and gained among the lesions that should be referred, or among the others."""
    members = reference.is_target == of_target
    before = reference.referred[members] == of_target
    after = exported.referred[members] == of_target
    return Decisions(int(members.sum()), int((before & ~after).sum()), int((~before & after).sum()))


def _changes(reference: Cases, exported: Cases, resamples: int, seed: int) -> list[Estimate | None]:
    """Return the changes of the first three measures."""
    once = np.ones((1, len(reference.labels)))
    values = (exported.measures(once) - reference.measures(once))[0]
    drawn = exported.resampled(resamples, seed) - reference.resampled(resamples, seed)
    return [percentile_estimate(float(values[place]), drawn[:, place], ONE_SIDED) for place in range(3)]
