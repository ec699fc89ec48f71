"""What the classes together, and melanoma against nevus, add to the headline numbers."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from melanoma_edge.evaluation import roc
from melanoma_edge.evaluation.bootstrap import Array, bootstrap, percentile_estimate
from melanoma_edge.evaluation.intervals import Estimate, wilson
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.evaluation.reliability import LEAST
from melanoma_edge.evaluation.subgroups import part


@dataclass(frozen=True)
class Versus:
    """Hold how two classes are told apart by the target score and the frozen decision, all others left aside.

    In most public sets melanomas and nevi come from one clinic and other diagnoses from another, so that only among
    these two is it the lesion that is judged and not the camera.
    """

    melanomas: int
    nevi: int
    auc: Estimate | None
    sensitivity: Estimate | None
    specificity: Estimate | None


def macro_f1(cases: Cases, weights: Array) -> Array:
    """Return the mean F1 of the classes present, ``[b]``, under weights ``[b, u]``."""
    present = np.unique(cases.labels)
    actual, predicted = cases.labels[:, None] == present, cases.predicted[:, None] == present
    hits = weights @ (actual & predicted)
    both = weights @ actual + weights @ predicted
    return np.asarray((2 * hits / both).mean(axis=1))


def log_loss(cases: Cases, weights: Array) -> Array:
    """Return the mean negative log likelihood of the true classes in nats, ``[b]``, under weights ``[b, u]``."""
    true = cases.probabilities[np.arange(len(cases.labels)), cases.labels]
    return np.asarray(weights @ -np.log(np.clip(true, LEAST, 1.0)) / weights.sum(axis=1))


def over_classes(cases: Cases, resamples: int, seed: int) -> dict[str, Estimate | None]:
    """Return ``macro_f1`` and ``nll`` with percentile intervals over lesions.

    Args:
        cases: what the model says of each lesion.
        resamples: of the bootstrap.
        seed: of the bootstrap.
    """

    def statistic(weights: Array) -> Array:
        return np.stack([macro_f1(cases, weights), log_loss(cases, weights)], axis=1)

    values = statistic(np.ones((1, len(cases.labels))))[0]
    drawn = bootstrap(statistic, cases.labels, resamples, seed)
    names = ("macro_f1", "nll")
    return {name: percentile_estimate(float(values[i]), drawn[:, i]) for i, name in enumerate(names)}


def versus(cases: Cases, melanoma: int, nevus: int) -> Versus | None:
    """Judge melanomas against nevi alone; None where one of them is absent.

    Args:
        cases: what the model says of each lesion.
        melanoma, nevus: their class indices.
    """
    both = part(cases, np.isin(cases.labels, (melanoma, nevus)))
    positive = both.labels == melanoma
    melanomas, nevi = int(positive.sum()), int((~positive).sum())
    if not melanomas or not nevi:
        return None
    return Versus(
        melanomas=melanomas,
        nevi=nevi,
        auc=roc.auc(both.scores, positive),
        sensitivity=wilson(int(both.referred[positive].sum()), melanomas),
        specificity=wilson(int((~both.referred[~positive]).sum()), nevi),
    )
