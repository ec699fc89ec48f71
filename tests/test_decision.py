"""Five states, and which of them wins."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import toy_contract

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.decision import (
    Decision,
    State,
    are_probabilities,
    counts,
    decide,
    decide_together,
    is_outlier,
    outlier_score,
)
from melanoma_edge.quality import Finding
from melanoma_edge.safeguards import OutlierLimits, Safeguards, default_safeguards, text_of

CONTRACT = toy_contract(
    classes=("MEL", "NV", "BCC"),
    target="malignant",
    target_classes=("BCC", "MEL"),
    malignant_classes=("MEL", "BCC"),
    input_size=64,
    temperature=1.0,
    operating_point=OperatingPoint(0.5, 0.95, 80, 0, True),
)
NEAR = OutlierLimits((0.0, 1.0), (text_of([0, 2]), text_of([-2, 0])), (0.5, 0.25), 4.0)
SAFEGUARDS = replace(default_safeguards(64), outlier=NEAR, uncertain_from=0.25)


def answer(score: float) -> Any:
    """Return probabilities whose two target classes share a score."""
    return np.array([score / 2, 1 - score, score / 2], np.float32)


@pytest.mark.parametrize(
    ("score", "state"),
    [
        (1.0, State.REFER),
        (0.5, State.REFER),
        (0.49, State.REFER_UNCERTAIN),
        (0.25, State.REFER_UNCERTAIN),
        (0.24, State.NO_SIGN),
        (0.0, State.NO_SIGN),
    ],
)
def test_the_score_decides_when_nothing_speaks_against_it(score: float, state: State) -> None:
    found = decide(CONTRACT, SAFEGUARDS, (), answer(score), np.zeros(2, np.float32))
    assert (found.state, found.findings) == (state, ())
    assert found.score == pytest.approx(score, abs=1e-6)


def test_without_a_limit_of_doubt_nothing_is_uncertain() -> None:
    assert decide(CONTRACT, Safeguards(SAFEGUARDS.quality), (), answer(0.49)).state == State.NO_SIGN


@pytest.mark.parametrize("probabilities", [answer(0.9), answer(0.1), None, np.array([math.nan] * 3, np.float32)])
@pytest.mark.parametrize("embedding", [None, np.array([99, 99], np.float32)])
@pytest.mark.parametrize("finding", [finding for finding in Finding if finding.retake])
def test_a_photo_to_be_retaken_stays_one_whatever_the_model_says(
    finding: Finding, probabilities: Any, embedding: Any
) -> None:
    found = decide(CONTRACT, SAFEGUARDS, (finding, Finding.COLOURLESS), probabilities, embedding)
    assert found.state == State.RETAKE
    assert found.findings[:2] == (finding, Finding.COLOURLESS)
    assert (Finding.OUTLIER in found.findings) == (embedding is not None)


@pytest.mark.parametrize(
    ("findings", "embedding"),
    [
        ((Finding.COLOURLESS,), np.array([1, 0])),
        ((), np.array([99, 99], np.float32)),
        ((Finding.COLOURLESS,), np.zeros(2)),
    ],
)
def test_what_no_better_photo_cures_is_not_assessable(findings: tuple[Finding, ...], embedding: Any) -> None:
    found = decide(CONTRACT, SAFEGUARDS, findings, answer(0.9), embedding)
    assert found.state == State.NOT_ASSESSABLE
    assert found.score == pytest.approx(0.9)


@pytest.mark.parametrize(
    "probabilities",
    [
        None,
        np.array([math.nan, 0.5, 0.5]),
        np.array([math.inf, 0, 0]),
        np.array([-0.5, 1.0, 0.5]),
        np.array([0.5, 0.3, 0.3]),
        np.array([0.5, 0.5]),
        np.array([0.25, 0.25, 0.25, 0.25]),
        np.array([]),
    ],
)
def test_no_answer_is_not_assessable_and_never_no_sign(probabilities: Any) -> None:
    assert decide(CONTRACT, SAFEGUARDS, (), probabilities, np.zeros(2)) == Decision(State.NOT_ASSESSABLE, (), None)


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True, width=32), min_size=3, max_size=3))
def test_whatever_a_model_answers_no_sign_means_a_score_below_the_threshold(values: list[float]) -> None:
    found = decide(CONTRACT, SAFEGUARDS, (), np.array(values, np.float32), np.zeros(2))
    if found.state == State.NO_SIGN:
        assert found.score is not None and found.score < 0.25
    assert (found.score is None) == (found.state == State.NOT_ASSESSABLE) == (not are_probabilities(np.array(values)))


@pytest.mark.parametrize(
    ("total", "good"), [(1.0, True), (1.0009, True), (0.9991, True), (1.0011, False), (0.9, False)]
)
def test_probabilities_sum_to_one(total: float, good: bool) -> None:
    assert are_probabilities(np.array([total / 2, total / 2])) == good


@pytest.mark.parametrize(
    ("embedding", "score"), [((0, 1), 0.0), ((0, 9), 0.0), ((2, 1), 3.0), ((2, -7), 3.0), ((4, 1), 12.0)]
)
def test_what_lies_in_the_directions_is_not_foreign(embedding: tuple[float, float], score: float) -> None:
    assert outlier_score(np.array(embedding, np.float32), NEAR) == score
    assert is_outlier(np.array(embedding, np.float32), NEAR) == (score > NEAR.limit)


def test_a_distance_at_the_limit_is_near_enough() -> None:
    at = replace(NEAR, limit=3.0)
    assert not is_outlier(np.array([2, 1], np.float32), at)
    assert is_outlier(np.array([2.0001, 1], np.float32), at)


@pytest.mark.parametrize("embedding", [[math.nan, 0], [math.inf, 0], [0], [0, 0, 0], []])
def test_what_is_no_embedding_of_the_models_is_an_outlier(embedding: list[float]) -> None:
    assert is_outlier(np.array(embedding, np.float32), NEAR)


def test_without_limits_nothing_is_an_outlier() -> None:
    far = np.array([99, 99], np.float32)
    assert decide(CONTRACT, default_safeguards(64), (), answer(0.1), far).state == State.NO_SIGN


@pytest.mark.parametrize("score", [0.0, 0.3, 1.0])
def test_without_the_embedding_that_limits_are_of_there_is_no_score(score: float) -> None:
    assert decide(CONTRACT, SAFEGUARDS, (), answer(score)) == Decision(State.NOT_ASSESSABLE, (), None)
    assert decide(CONTRACT, SAFEGUARDS, (Finding.BLURRED,), answer(score)).state == State.RETAKE


@pytest.mark.parametrize(
    ("scores", "state"),
    [
        ((0.9,), State.REFER),
        ((0.9, 0.1), State.REFER),
        ((0.9, 0.09), State.REFER_UNCERTAIN),
        ((0.3, 0.1), State.NO_SIGN),
    ],
)
def test_several_photos_of_one_lesion_are_decided_on_by_their_mean(scores: tuple[float, ...], state: State) -> None:
    states = [State.REFER] * len(scores)
    assert decide_together(states, scores, 0.5, 0.25) == state
    assert decide_together([*states, State.RETAKE], scores, 0.5, 0.25) == state
    if state == State.REFER_UNCERTAIN:
        assert decide_together(states, scores, 0.5, None) == State.NO_SIGN


@pytest.mark.parametrize(
    ("states", "state"),
    [
        ((State.NOT_ASSESSABLE, State.RETAKE), State.RETAKE),
        ((State.RETAKE,), State.RETAKE),
        ((State.NOT_ASSESSABLE, State.NOT_ASSESSABLE), State.NOT_ASSESSABLE),
    ],
)
def test_where_no_photo_counts_there_is_no_sign_of_anything(states: tuple[State, ...], state: State) -> None:
    assert not any(counts(one) for one in states)
    assert decide_together(states, (), 0.5, 0.25) == state


@given(st.floats(0, 1))
def test_one_photo_is_decided_on_alike_alone_and_as_a_group(score: float) -> None:
    alone = decide(CONTRACT, SAFEGUARDS, (), answer(score), np.zeros(2, np.float32))
    assert alone.score is not None
    assert decide_together([alone.state], [alone.score], 0.5, 0.25) == alone.state
