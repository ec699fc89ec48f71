"""What a judge makes of answers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from toys import toy_contract

from melanoma_edge.bundle.golden import MIXED_TOLERANCE, TOLERANCE, Judge, tolerance_of
from melanoma_edge.quality import QualityMeasures
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.safeguards import OutlierLimits

GOOD = QualityMeasures(1000, 133, 2000, 15000, 0, 5000)


def judge(uncertain_from: float | None = None) -> Judge:
    contract = toy_contract()
    return Judge(contract, replace(contract.effective_safeguards, uncertain_from=uncertain_from))


def answers(score: float) -> dict[str, np.ndarray]:
    return {"probabilities": np.array([[score, 1 - score, 0]], np.float32)}


@pytest.mark.parametrize(
    ("score", "quality", "decision", "state"),
    [
        (0.5, GOOD, "refer", "refer"),
        (0.2, GOOD, "no-sign", "refer-uncertain"),
        (0.05, GOOD, "no-sign", "no-sign"),
        (0.5, replace(GOOD, sharpness=0), "refer", "retake"),
        (0.5, replace(GOOD, colour=0), "refer", "not-assessable"),
    ],
)
def test_decision_and_state(score: float, quality: QualityMeasures, decision: str, state: str) -> None:
    one = judge(0.1)
    assert (one.decision(answers(score)), one.state(answers(score), quality)) == (decision, state)


def test_borders_are_where_the_state_changes() -> None:
    assert judge().borders == (0.3,)
    assert judge(0.1).borders == (0.3, 0.1)


@pytest.mark.parametrize(
    ("quality", "steady"),
    [
        (GOOD, True),
        (replace(GOOD, sharpness=620), False),
        (replace(GOOD, sharpness=580), False),
        (replace(GOOD, sharpness=100), True),
        (replace(GOOD, brightness=22000), False),
        (replace(GOOD, colour=310), False),
        (replace(GOOD, short_side=33), True),
    ],
)
def test_a_photo_near_a_limit_of_quality_is_not_steady(quality: QualityMeasures, steady: bool) -> None:
    assert judge().is_steady(quality, answers(0.5)) is steady


@pytest.mark.parametrize(
    ("precision", "kept", "tolerance"),
    [
        ("int8", {}, TOLERANCE),
        ("float16", {}, TOLERANCE),
        ("int8", {"block_0": "float32"}, MIXED_TOLERANCE),
        ("int8-dynamic", {}, MIXED_TOLERANCE),
    ],
)
def test_float_layers_before_int8_ones_may_tip_a_step(precision: str, kept: dict[str, str], tolerance: float) -> None:
    whole = ArtifactRecord(Path("m"), "onnx", "int8", toy_contract(), None, (), None, {}, "", "", 0)
    assert tolerance_of([whole, replace(whole, precision=precision, kept=kept)]) == tolerance


@pytest.mark.parametrize(("distance", "steady"), [(0.0, True), (0.85, True), (0.95, False), (1.05, False), (1.2, True)])
def test_a_photo_at_the_limit_of_strangeness_is_not_steady(distance: float, steady: bool) -> None:
    contract = toy_contract()
    limits = OutlierLimits((0.0,), ("AA==",), (1.0,), 1.0)
    one = Judge(contract, replace(contract.effective_safeguards, outlier=limits))
    embedded = {**answers(0.5), "embedding": np.array([[distance**0.5]], np.float32)}
    assert one.is_steady(GOOD, embedded) is steady
