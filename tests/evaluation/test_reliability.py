"""Calibration is found where it was planted, with intervals that hold what they promise."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import log_loss

from melanoma_edge.evaluation.calibration import brier, ece, equal_mass_bins
from melanoma_edge.evaluation.reliability import calibration, reliability


def drawn(n: int, slope: float = 1.0, intercept: float = 0.0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return scores, and outcomes whose logit is ``intercept + slope * logit(score)``."""
    generator = np.random.default_rng(seed)
    logits = generator.normal(-1, 1.5, n)
    positive = generator.random(n) < 1 / (1 + np.exp(-(intercept + slope * logits)))
    return 1 / (1 + np.exp(-logits)), positive


def strata(positive: np.ndarray) -> np.ndarray:
    return positive.astype(np.int64)


@pytest.mark.parametrize(("slope", "intercept"), [(1.0, 0.0), (0.6, 0.0), (1.0, -1.0)])
def test_a_planted_line_is_found_inside_its_intervals(slope: float, intercept: float) -> None:
    scores, positive = drawn(4000, slope, intercept)
    found = calibration(scores, positive, strata(positive), 20, 0)
    assert found.slope and found.intercept
    assert found.slope.low < slope < found.slope.high and found.slope.high - found.slope.low < 0.25
    if slope == 1.0:
        assert found.intercept.low < intercept < found.intercept.high


def test_slope_is_scikit_learns_and_sums_are_the_plain_ones() -> None:
    scores, positive = drawn(300)
    found = calibration(scores, positive, strata(positive), 200, 0)
    logits = np.log(scores / (1 - scores))
    theirs = LogisticRegression(C=np.inf, tol=1e-10).fit(logits[:, None], positive)
    assert found.slope and found.slope.value == pytest.approx(theirs.coef_[0, 0], rel=1e-4)
    assert found.nll.value == pytest.approx(log_loss(positive, scores))
    assert found.brier.value == pytest.approx(brier(scores, positive))
    assert found.ece_mass.value == pytest.approx(ece(scores, positive))
    edges = np.digitize(scores, np.linspace(0, 1, 16)[1:-1])
    wide = sum(abs((positive - scores)[edges == k].sum()) for k in range(15)) / 300
    assert found.ece_width.value == pytest.approx(wide)
    for one in (found.nll, found.brier, found.ece_mass, found.ece_width):
        assert one.low < one.value < one.high


def test_at_the_found_intercept_as_many_are_expected_as_there_are() -> None:
    scores, positive = drawn(500, intercept=-0.7)
    found = calibration(scores, positive, strata(positive), 20, 0).intercept
    assert found is not None
    moved = 1 / (1 + np.exp(-(np.log(scores / (1 - scores)) + found.value)))
    assert moved.sum() == pytest.approx(positive.sum())


def test_intervals_of_the_slope_cover_95_percent() -> None:
    covered = 0
    for seed in range(400):
        scores, positive = drawn(200, seed=seed)
        found = calibration(scores, positive, strata(positive), 1, 0).slope
        covered += found is not None and found.low <= 1 <= found.high
    assert 0.92 <= covered / 400 <= 0.98


def test_what_no_line_fits_has_none() -> None:
    scores = np.linspace(0.01, 0.99, 40)
    parted = calibration(scores, scores > 0.5, strata(scores > 0.5), 5, 0)
    assert parted.slope is None
    alike = calibration(scores, np.zeros(40, bool), np.zeros(40, np.int64), 5, 0)
    assert alike.slope is None and alike.intercept is None
    level = np.full(40, 0.3)
    flat = calibration(level, scores > 0.6, strata(scores > 0.6), 5, 0)
    assert flat.slope is None
    assert flat.intercept and flat.intercept.value == pytest.approx(np.log(0.4 / 0.6) - np.log(0.3 / 0.7), abs=0.05)


def test_scores_of_0_and_1_that_are_wrong_cost_much_but_not_everything() -> None:
    found = calibration(np.array([0.0, 1.0, 0.5]), np.array([True, False, True]), np.zeros(3, np.int64), 5, 0)
    assert 9 < found.nll.value < 10


@given(st.lists(st.tuples(st.integers(0, 20), st.booleans()), min_size=1, max_size=80))
def test_bars_hold_every_lesion_once_by_rising_score(rows: list[tuple[int, bool]]) -> None:
    scores, positive = np.array([row[0] for row in rows]) / 20, np.array([row[1] for row in rows])
    bars = reliability(scores, positive)
    assert sum(bar.n for bar in bars) == len(rows)
    assert sum(bar.share * bar.n for bar in bars) == pytest.approx(positive.sum())
    assert [bar.mean for bar in bars] == sorted(bar.mean for bar in bars)
    assert len(bars) == len(set(equal_mass_bins(scores).tolist())) <= 15
    assert all(bar.low <= bar.share <= bar.high for bar in bars)
    error = sum(abs(bar.mean - bar.share) * bar.n for bar in bars) / len(rows)
    assert error == pytest.approx(ece(scores, positive))
