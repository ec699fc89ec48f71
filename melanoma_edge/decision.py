"""From a model's answer and what speaks against it to one of five states.

Sums run over doubles one after the other, in the order of the contract, so that implementations in other languages
reach the same bits and no decision hangs on a rounding.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.quality import Finding
from melanoma_edge.safeguards import OutlierLimits, Safeguards

Floats = NDArray[np.floating[Any]]

_SUM_TOLERANCE = 1e-3


class State(StrEnum):
    """Name what a user is told; none of them says that a lesion is harmless."""

    REFER = "refer"
    REFER_UNCERTAIN = "refer-uncertain"
    RETAKE = "retake"
    NOT_ASSESSABLE = "not-assessable"
    NO_SIGN = "no-sign"


@dataclass(frozen=True)
class Decision:
    """Hold the state of one photo, what spoke against an answer, and the target score where there is one."""

    state: State
    findings: tuple[Finding, ...]
    score: float | None


def decide(
    contract: ModelContract,
    safeguards: Safeguards,
    findings: Sequence[Finding],
    probabilities: Floats | None,
    embedding: Floats | None = None,
) -> Decision:
    """Decide on one photo.

    A photo to be retaken stays one whatever the model says; then comes what cannot be assessed: findings that no
    better photo cures, and answers that are missing, no probabilities, or without the embedding by which strange
    photos are told; only then counts the score.

    Args:
        contract: the model's classes, target and threshold.
        safeguards: its limits.
        findings: of the photo's quality.
        probabilities: one per class; None where the model gave no answer.
        embedding: the photo's, where the model answers one; where limits ask for it, there is no score without.
    """
    found = tuple(findings)
    blind = safeguards.outlier is not None and embedding is None
    if safeguards.outlier and embedding is not None and is_outlier(embedding, safeguards.outlier):
        found = (*found, Finding.OUTLIER)
    score = None
    if not blind and probabilities is not None and _fits(probabilities, contract):
        score = float(contract.target_score(probabilities))
    return Decision(_state(found, score, contract.threshold, safeguards.uncertain_from), found, score)


def _fits(probabilities: Floats, contract: ModelContract) -> bool:
    return len(probabilities) == len(contract.classes) and are_probabilities(probabilities)


def _state(found: Sequence[Finding], score: float | None, threshold: float, uncertain_from: float | None) -> State:
    if any(finding.retake for finding in found):
        return State.RETAKE
    if found or score is None:
        return State.NOT_ASSESSABLE
    return _scored(score, threshold, uncertain_from)


def _scored(score: float, threshold: float, uncertain_from: float | None) -> State:
    if score >= threshold:
        return State.REFER
    uncertain = uncertain_from is not None and score >= uncertain_from
    return State.REFER_UNCERTAIN if uncertain else State.NO_SIGN


def decide_together(
    states: Sequence[State], scores: Sequence[float], threshold: float, uncertain_from: float | None
) -> State:
    """Decide on one lesion seen on several photos, by the mean score of those that count.

    Where no photo counts, a better one is asked for if any of them asked for it; else the lesion cannot be assessed.

    Args:
        states: of each photo.
        scores: the target score of each photo that ``counts``.
        threshold: at or above which the mean is referred.
        uncertain_from: at or above which the mean is uncertain, where there is such a limit.
    """
    if scores:
        return _scored(mean(scores), threshold, uncertain_from)
    return State.RETAKE if State.RETAKE in states else State.NOT_ASSESSABLE


def counts(state: State) -> bool:
    """Tell whether a photo enters the mean of its lesion: not one to be retaken, nor one that cannot be assessed."""
    return state not in (State.RETAKE, State.NOT_ASSESSABLE)


def mean(values: Sequence[float]) -> float:
    """Return the mean of one or more doubles, summed in their order."""
    total = 0.0
    for value in values:
        total += value
    return total / len(values)


def are_probabilities(values: Floats) -> bool:
    """Tell whether values lie between 0 and 1 and sum to 1; a NaN would be below every threshold, and look healthy."""
    numbers = [float(value) for value in values]
    total = 0.0
    for number in numbers:
        total += number
    return all(0 <= number <= 1 + _SUM_TOLERANCE for number in numbers) and abs(total - 1) <= _SUM_TOLERANCE


def place_scores(logits: Floats, contract: ModelContract) -> NDArray[np.float64]:
    """Return the target score ``[..., h, w]`` that a model would give if it looked as at each place everywhere.

    Args:
        logits: of a class activation map, ``[..., h, w, classes]``.
        contract: of the model.
    """
    exact = np.asarray(logits, np.float64)
    powers = np.exp(exact - exact.max(axis=-1, keepdims=True))
    return np.asarray(contract.target_score(powers / powers.sum(axis=-1, keepdims=True)))


def outlier_score(embedding: Floats, limits: OutlierLimits) -> float:
    """Return how much of an embedding is foreign to ``limits``: a squared length; infinite where it is no number.

    Summed in double from the first value to the last, so that other languages come to the same bits.
    """
    offsets = [float(value) - centre for value, centre in zip(embedding, limits.centre, strict=True)]
    distance = 0.0
    for offset in offsets:
        distance += offset * offset
    for vector, step in zip(limits.vectors, limits.steps, strict=True):
        along = 0.0
        for offset, part in zip(offsets, vector, strict=True):
            along += offset * part
        along *= step
        distance -= along * along
    return distance if math.isfinite(distance) else math.inf


def is_outlier(embedding: Floats, limits: OutlierLimits) -> bool:
    """Tell whether more of an embedding is foreign than the limit allows, or it is not one of the expected length."""
    return len(embedding) != len(limits.centre) or outlier_score(embedding, limits) > limits.limit
