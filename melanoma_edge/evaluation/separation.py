"""How well one number tells what a model knows from what it does not, and what leaving doubtful cases out buys."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.bootstrap import weighted_auc

Floats = NDArray[np.floating[Any]]
Bools = NDArray[np.bool_]

POINTS = 50


@dataclass(frozen=True)
class Separation:
    """Hold the area under the ROC curve of strange against known, and the strange accepted where 95 % of known are."""

    auroc: float
    fpr95: float


def separation(known: Floats, strange: Floats) -> Separation:
    """Compare a score, larger for what is stranger, on known cases ``[n]`` and strange ones ``[m]``, none empty."""
    scores = np.concatenate([known, strange]).astype(np.float64)
    is_strange = np.arange(len(scores)) >= len(known)
    limit = np.sort(known)[math.ceil(0.95 * len(known) - 1e-9) - 1]
    auroc = float(weighted_auc(scores, is_strange, np.ones((1, len(scores))))[0])
    return Separation(auroc, float((strange <= limit).mean()))


@dataclass(frozen=True)
class RiskCoverage:
    """Hold what is gained by leaving the least confident cases out.

    ``aurc`` is the mean risk over all coverages (Geifman and El-Yaniv, Selective Classification for Deep Neural
    Networks, NeurIPS 2017). Each point holds coverage, risk (share of wrong classes among the cases kept), and the
    share of all targets that are kept: what it says of the others is nothing.
    """

    aurc: float
    points: tuple[tuple[float, float, float], ...]


def risk_coverage(confidence: Floats, wrong: Bools, is_target: Bools) -> RiskCoverage:
    """Return the risk-coverage curve of cases ``[n]``, n at least 1, left out in order of rising confidence."""
    order = np.argsort(-np.asarray(confidence, np.float64), kind="stable")
    kept = np.arange(1, len(order) + 1)
    risks = np.cumsum(wrong[order]) / kept
    targets = np.cumsum(is_target[order]) / max(1, int(is_target.sum()))
    places = np.unique(np.ceil(np.linspace(0, 1, POINTS + 1)[1:] * len(order)).astype(int)) - 1
    points = [(float(kept[i] / len(order)), float(risks[i]), float(targets[i])) for i in places]
    return RiskCoverage(float(risks.mean()), tuple(points))
