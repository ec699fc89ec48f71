"""The AUC's interval is DeLong's, checked by its definition, by a published example and by simulation."""

from __future__ import annotations

from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from melanoma_edge.evaluation.intervals import clopper_pearson
from melanoma_edge.evaluation.roc import (
    auc,
    auc_difference,
    average_precision,
    delong,
    partial_auc,
    roc_points,
)

TRIALS = 2000


def drawn(positives: int, negatives: int, distance: float = 1.5, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    positive = np.arange(positives + negatives) < positives
    return np.random.default_rng(seed).normal(size=len(positive)) + distance * positive, positive


def kernel(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return placements of positives and of negatives pair by pair, as the paper of 1988 defines them."""
    above = scores[positive][:, None] - scores[~positive][None]
    wins = (above > 0) + 0.5 * (above == 0)
    return wins.mean(axis=1), wins.mean(axis=0)


_ROWS = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5), st.booleans()), min_size=4, max_size=40).filter(
    lambda rows: 2 <= sum(row[2] for row in rows) <= len(rows) - 2
)


@given(_ROWS)
def test_areas_and_covariance_are_those_of_the_definition(rows: list[tuple[int, int, bool]]) -> None:
    scores = np.array([[row[0] for row in rows], [row[1] for row in rows]], float)
    positive = np.array([row[2] for row in rows])
    areas, covariance = delong(scores, positive)
    placements = [kernel(row, positive) for row in scores]
    ours = np.cov([p[0] for p in placements]) / positive.sum() + np.cov([p[1] for p in placements]) / (~positive).sum()
    assert covariance == pytest.approx(ours, abs=1e-12)
    assert areas == pytest.approx([theirs.roc_auc_score(positive, row) for row in scores])


def test_a_published_example() -> None:
    """Ratings of CT images of J. A. Hanley and B. J. McNeil (1982), as Stata's manual of roctab prints them."""
    normal, abnormal = (33, 6, 6, 11, 2), (3, 2, 2, 11, 33)
    scores = np.repeat(np.tile(np.arange(1.0, 6), 2), [*normal, *abnormal])
    positive = np.arange(len(scores)) >= sum(normal)
    areas, covariance = delong(scores, positive)
    error = covariance[0, 0] ** 0.5
    assert (round(areas[0], 4), round(error, 4)) == (0.8932, 0.0307)
    assert (areas[0] - 1.959964 * error, areas[0] + 1.959964 * error) == pytest.approx((0.83295, 0.95339), abs=1e-5)
    found = auc(scores, positive)
    assert found and found.low < 0.83295 and 0.92 < found.high < 0.95339  # the logit's interval leans to the middle


@pytest.mark.parametrize(("distance", "least", "most"), [(1.2, 0.93, 0.97), (1.8, 0.93, 0.97)])
def test_95_percent_intervals_cover_95_percent(distance: float, least: float, most: float) -> None:
    positive = np.arange(130) < 30
    scores = np.random.default_rng(1).normal(size=(TRIALS, 130)) + distance * positive
    true = NormalDist().cdf(distance / 2**0.5)
    found = [auc(row, positive) for row in scores]
    covered = np.mean([one.low <= true <= one.high for one in found if one])
    assert least <= covered <= most


def test_95_percent_intervals_of_a_difference_cover_95_percent() -> None:
    positive = np.arange(130) < 30
    noise = np.random.default_rng(2).normal(size=(2, TRIALS, 130))
    first = noise[0] + 1.2 * positive
    second = 0.8 * noise[0] + 0.6 * noise[1] + 1.8 * positive
    true = NormalDist().cdf(1.8 / 2**0.5) - NormalDist().cdf(1.2 / 2**0.5)
    found = [auc_difference(a, b, positive) for a, b in zip(first, second, strict=True)]
    assert 0.93 <= np.mean([one.low <= true <= one.high for one in found if one]) <= 0.97
    powered = np.mean([one.p < 0.05 for one in found if one])
    assert powered > 0.9


def test_the_same_scores_differ_by_nothing_and_order_of_models_only_turns_the_sign() -> None:
    scores, positive = drawn(20, 50)
    other = scores + np.random.default_rng(5).normal(size=70)
    same, there, back = (
        auc_difference(scores, other_one, positive) if first else auc_difference(other, scores, positive)
        for first, other_one in ((True, 2 * scores), (True, other), (False, scores))
    )
    assert same and there and back
    assert (same.value, same.low, same.high, same.p) == (0.0, 0.0, 0.0, 1.0)
    assert (there.value, there.low, there.high) == pytest.approx((-back.value, -back.high, -back.low))
    assert there.p == back.p
    assert auc_difference(scores[:21], other[:21], positive[:21]) is None


@pytest.mark.parametrize(("positives", "negatives"), [(16, 100), (100, 16)])
def test_a_perfect_order_of_16_proves_no_more_than_16_pairs(positives: int, negatives: int) -> None:
    _, positive = drawn(positives, negatives)
    for scores in (positive.astype(float), np.arange(len(positive))[::-1].astype(float)):
        found = auc(scores, positive)
        assert found
        assert (found.value, found.low, found.high) == (1.0, clopper_pearson(16, 16).low, 1.0)
    assert (reverse := auc(-positive.astype(float), positive))
    assert (reverse.low, reverse.value, reverse.high) == (0.0, 0.0, clopper_pearson(0, 16).high)


def test_one_case_bounds_nothing_and_none_has_no_area() -> None:
    scores, positive = drawn(1, 9)
    found = auc(scores, positive)
    assert found and (found.low, found.high) == (0.0, 1.0)
    assert auc(scores, np.zeros(10, bool)) is None and auc(scores, np.ones(10, bool)) is None


def isic_2024(scores: np.ndarray, positive: np.ndarray, weights: np.ndarray) -> float:
    """Return the challenge's metric as its organisers compute it: all turned over, then the scaling undone."""
    most = 0.2
    scaled = theirs.roc_auc_score(~positive, -scores, max_fpr=most, sample_weight=weights)
    return 0.5 * most**2 + (most - 0.5 * most**2) / 0.5 * (scaled - 0.5)


_WEIGHTED = st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=2, max_size=40)


@given(_WEIGHTED)
def test_partial_area_and_average_precision_are_those_of_scikit_learn(rows: list[tuple[int, bool, int]]) -> None:
    scores, positive = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    weights = np.array([row[2] for row in rows], float)
    (partial,), (precision,) = (f(scores, positive, weights[None]) for f in (partial_auc, average_precision))
    if weights[positive].sum() and weights[~positive].sum():
        assert partial == pytest.approx(isic_2024(scores, positive, weights))
        assert precision == pytest.approx(theirs.average_precision_score(positive, scores, sample_weight=weights))
    else:
        assert np.isnan(partial) and np.isnan(precision) == (not weights[positive].sum())


def test_partial_area_of_the_best_and_of_chance() -> None:
    positive = np.arange(100) < 50
    ones = np.ones((1, 100))
    assert partial_auc(positive.astype(float), positive, ones)[0] == pytest.approx(0.2)
    assert partial_auc(np.zeros(100), positive, ones)[0] == pytest.approx(0.02)


@given(_WEIGHTED, st.integers(2, 12))
def test_the_drawn_curve_goes_through_corners_of_the_real_one(rows: list[tuple[int, bool, int]], most: int) -> None:
    scores, positive = np.array([row[0] for row in rows], float), np.array([row[1] for row in rows])
    points = roc_points(scores, positive, most)
    if positive.all() or not positive.any():
        assert points == ()
        return
    fpr, tpr, _ = theirs.roc_curve(positive, scores, drop_intermediate=False)
    assert points[0] == (0, 0) and points[-1] == (1, 1) and len(points) <= most
    assert {tuple(np.round(p, 9)) for p in points} <= {tuple(np.round(p, 9)) for p in zip(fpr, tpr, strict=True)}
    whole = roc_points(scores, positive)
    assert theirs.auc(*zip(*whole, strict=True)) == pytest.approx(theirs.roc_auc_score(positive, scores))
