"""What stands beside the gate: intervals, tests of difference and of equivalence, and how scores moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.intervals import ONE_SIDED, Estimate, mcnemar, tango, wilson
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.evaluation.subgroups import FEW, part, partition
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.paired import Decisions, Paired, decisions
from melanoma_edge.parity.verdict import Flip

_LEAST = 1e-7


@dataclass(frozen=True)
class Loss:
    """Compare the right decisions of two models.

    ``loss`` has Tango's interval at 90 %: either end is a one-sided 95 % bound. The p values are McNemar's; they speak
    of a difference, and a large one does not prove equality. ``equivalent`` does: both one-sided tests (TOST) reject a
    difference of ``margin`` in either direction at 5 %, which is the interval lying inside it.
    """

    n: int
    lost: int
    gained: int
    loss: Estimate
    mcnemar_exact: float
    mcnemar_mid_p: float
    margin: float
    equivalent: bool


@dataclass(frozen=True)
class ScoreChange:
    """Describe exported minus float of the target score over lesions: mean, the middle 95 % of them, the largest size.

    Source: J. M. Bland and D. G. Altman, Lancet 327 (1986) 307; quantiles, as the changes are not normal.
    """

    mean_difference: float
    low: float
    high: float
    largest: float


@dataclass(frozen=True)
class Divergence:
    """Hold the Kullback-Leibler divergence of the exported from the float probabilities over lesions, in nats."""

    mean: float
    p99: float


@dataclass(frozen=True)
class SubgroupChange:
    """Compare two models on a part of the lesions; ``few`` marks under 10 target lesions or under 10 others.

    ``sensitivity_loss`` has one-sided 95 % bounds at either end (Tango), ``decision_agreement`` a 95 % interval
    (Wilson).
    """

    attribute: str
    value: str
    n: int
    melanomas: int
    lost: int
    gained: int
    sensitivity_loss: Estimate | None
    decision_agreement: Estimate
    few: bool


@dataclass(frozen=True)
class Statistics:
    """Hold all of it for one file in one runtime; None where the split has no such lesions."""

    sensitivity: Loss | None
    specificity: Loss | None
    class_agreement: Estimate
    decision_agreement: Estimate
    score: ScoreChange
    kl: Divergence


def describe(before: Cases, after: Cases, paired: Paired, limits: Limits) -> Statistics:
    """Return the statistics of two models on the same lesions.

    Args:
        before: what the float model says of each lesion.
        after: what the exported model says of the same lesions.
        paired: their comparison.
        limits: whose losses are the margins of equivalence.
    """
    n = paired.lesions
    return Statistics(
        sensitivity=loss_of(paired.targets, limits.sensitivity_loss),
        specificity=loss_of(paired.others, limits.specificity_loss),
        class_agreement=wilson(paired.same_class, n),
        decision_agreement=wilson(paired.same_decision, n),
        score=_score_change(before, after),
        kl=_divergence(before, after),
    )


def loss_of(counted: Decisions, margin: float) -> Loss | None:
    """Return intervals and tests of counted decisions, None of no lesions; see ``Loss``."""
    if not counted.n:
        return None
    interval = tango(counted.lost, counted.gained, counted.n, ONE_SIDED)
    test = mcnemar(counted.lost, counted.gained)
    inside = -margin < interval.low and interval.high < margin
    return Loss(counted.n, counted.lost, counted.gained, interval, test.exact, test.mid_p, margin, inside)


def _score_change(before: Cases, after: Cases) -> ScoreChange:
    changes = after.scores - before.scores
    low, high = (float(end) for end in np.quantile(changes, [0.025, 0.975]))
    return ScoreChange(float(changes.mean()), low, high, float(np.abs(changes).max()))


def _divergence(before: Cases, after: Cases) -> Divergence:
    p, q = (_distribution(one.probabilities) for one in (before, after))
    each = np.maximum((p * np.log(p / q)).sum(axis=1), 0)  # below 0 by rounding alone
    return Divergence(float(each.mean()), float(np.quantile(each, 0.99)))


def _distribution(probabilities: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return probabilities ``[u, classes]`` of which none is 0, with sums that are exactly 1."""
    positive = np.clip(probabilities, _LEAST, None)
    return np.asarray(positive / positive.sum(axis=1, keepdims=True))


def by_subgroup(before: Cases, after: Cases, attributes: Mapping[str, Sequence[str]]) -> tuple[SubgroupChange, ...]:
    """Compare two models on every part of the lesions.

    Args:
        before, after: what the models say of the same ``u`` lesions.
        attributes: by name, the value of each lesion, ``[u]``.
    """
    found = []
    for name, value, members in partition(attributes):
        first, second = part(before, members), part(after, members)
        counted, n = decisions(first, second, of_target=True), int(members.sum())
        same = int((first.referred == second.referred).sum())
        found.append(
            SubgroupChange(
                attribute=name,
                value=value,
                n=n,
                melanomas=counted.n,
                lost=counted.lost,
                gained=counted.gained,
                sensitivity_loss=tango(counted.lost, counted.gained, counted.n) if counted.n else None,
                decision_agreement=wilson(same, n),
                few=min(counted.n, n - counted.n) < FEW,
            )
        )
    return tuple(found)


def kind_of(flip: Flip, target_classes: Sequence[str], threshold: float) -> str:
    """Say in which direction a decision changed, and whether for the better."""
    before, after = flip.float_score >= threshold, flip.exported_score >= threshold
    what = "melanoma" if flip.label in target_classes else "alarm"
    return "class only" if before == after else f"{what} {'lost' if before else 'gained'}"
