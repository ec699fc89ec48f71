"""The threshold keeps what it promises, and no arithmetic noise turns it."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.errors import DataError
from melanoma_edge.evaluation.operating_point import choose_threshold, claim


def split(positives: int, negatives: int = 200, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    scores = np.concatenate([generator.beta(5, 2, positives), generator.beta(2, 5, negatives)])
    return scores, np.arange(len(scores)) < positives


@pytest.mark.parametrize(("positives", "misses"), [(59, 0), (93, 1), (124, 2), (300, 8)])
def test_enough_positives_certify_the_sensitivity(positives: int, misses: int) -> None:
    scores, targets = split(positives)
    point = choose_threshold(scores, targets)
    assert (point.positives, point.misses, point.certified) == (positives, misses, True)
    assert (scores[targets] < point.threshold).sum() == misses


@pytest.mark.parametrize(("positives", "kept"), [(58, 56), (20, 19), (19, 19), (1, 1), (40, 38)])
def test_too_few_positives_keep_95_percent_and_say_so(positives: int, kept: int) -> None:
    scores, targets = split(positives)
    point = choose_threshold(scores, targets)
    assert not point.certified
    assert (scores[targets] >= point.threshold).sum() == kept == math.ceil(0.95 * positives)


def test_the_threshold_lies_midway_to_the_next_lower_score_of_any_lesion() -> None:
    point = choose_threshold([0.8, 0.6, 0.5, 0.1], [True, True, False, False], 0.9)
    assert point.threshold == pytest.approx(0.55)
    assert choose_threshold([0.8, 0.6], [True, True], 0.9).threshold == pytest.approx(0.3)


@given(st.integers(1, 130), st.integers(0, 50), st.integers(0, 1000))
def test_noise_below_half_the_gap_turns_no_decision(positives: int, negatives: int, seed: int) -> None:
    scores, targets = split(positives, negatives, seed)
    threshold = choose_threshold(scores, targets).threshold
    gap = np.abs(scores - threshold).min()
    noise = np.random.default_rng(seed).uniform(-0.99, 0.99, len(scores)) * gap
    assert ((scores + noise >= threshold) == (scores >= threshold)).all()


@given(st.lists(st.tuples(st.sampled_from([0.0, 1e-320, 0.5, math.nextafter(0.5, 1), 1.0]), st.booleans()), min_size=1))
def test_ties_and_neighbouring_numbers_keep_the_promise(rows: list[tuple[float, bool]]) -> None:
    scores, targets = np.array([row[0] for row in rows]), np.array([row[1] for row in rows])
    if targets.any():
        point = choose_threshold(scores, targets)
        assert (scores[targets] >= point.threshold).sum() >= math.ceil(0.95 * targets.sum() - 1e-9)
        assert point.misses == (scores[targets] < point.threshold).sum()
        assert 0 <= point.threshold <= 1


def test_no_positive_and_no_number_are_refused() -> None:
    with pytest.raises(DataError, match="no lesion of the target"):
        choose_threshold([0.1, 0.2], [False, False])
    with pytest.raises(DataError, match="not numbers"):
        choose_threshold([0.1, float("nan")], [True, False])
    with pytest.raises(DataError, match="not numbers"):
        choose_threshold([0.1, 1.5], [True, False])


@pytest.mark.parametrize(
    ("point", "says"),
    [
        (
            OperatingPoint(0.1, 0.95, 73, 0, True),
            "keeps 73 of 73 melanoma lesions of the validation split: that certifies",
        ),
        (OperatingPoint(0.1, 0.95, 40, 2, False), "keeps 38 of 40 .* fewer than 59 cannot certify 95% melanoma sens"),
        (OperatingPoint(0.1, 0.90, 20, 2, False), "fewer than 29 cannot certify 90% melanoma sensitivity, whatever"),
        (OperatingPoint(0.1, 0.95, 70, 9, False), "too many lie below it to certify"),
    ],
)
def test_the_claim_says_what_is_proved(point: OperatingPoint, says: str) -> None:
    assert re.search(says, claim(point, "melanoma"))


def test_a_leaky_split_certifies_nothing_whatever_the_counts() -> None:
    point = OperatingPoint(0.1, 0.95, 300, 8, True)
    assert "certifies nothing" in claim(point, "malignant", leaky=True)
