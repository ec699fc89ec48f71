"""Resamples are repeatable and keep their classes; the fast AUC is the ordinary one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import roc_auc_score

from melanoma_edge.evaluation.bootstrap import Array, bootstrap, percentile_estimate, weighted_auc


def whole(weights: Array) -> Array:
    return weights


def test_every_resample_keeps_the_size_of_every_class() -> None:
    strata = np.array([0] * 5 + [2] * 1 + [1] * 14)
    weights = bootstrap(whole, strata, 200, seed=3)
    assert weights.shape == (200, 20)
    for stratum, size in ((0, 5), (1, 14), (2, 1)):
        assert (weights[:, strata == stratum].sum(axis=1) == size).all()
    assert len(np.unique(weights, axis=0)) > 150


def test_the_seed_decides() -> None:
    strata = np.repeat([0, 1], 15)
    first = bootstrap(whole, strata, 20, seed=1)
    assert (first == bootstrap(whole, strata, 20, seed=1)).all()
    assert (first != bootstrap(whole, strata, 20, seed=2)).any()


def test_many_lesions_are_resampled_in_parts_with_the_number_asked() -> None:
    strata = np.zeros(400_000, np.int64)
    sums = bootstrap(lambda weights: weights.sum(axis=1, keepdims=True), strata, 5, seed=0)
    assert sums.tolist() == [[400_000]] * 5


@given(
    st.lists(st.tuples(st.integers(0, 6), st.booleans(), st.integers(0, 3)), min_size=1, max_size=50),
)
def test_the_weighted_auc_is_that_of_scikit_learn(rows: list[tuple[int, bool, int]]) -> None:
    scores = np.array([row[0] for row in rows]) / 6
    positive = np.array([row[1] for row in rows])
    weights = np.array([row[2] for row in rows], float)
    (found,) = weighted_auc(scores, positive, weights[None])
    if weights[positive].sum() and weights[~positive].sum():
        assert found == pytest.approx(roc_auc_score(positive, scores, sample_weight=weights))
    else:
        assert np.isnan(found)


def test_scores_without_ties_take_the_same_way() -> None:
    generator = np.random.default_rng(0)
    scores, positive = generator.random(200), generator.random(200) < 0.3
    weights = generator.integers(0, 4, (3, 200)).astype(float)
    expected = [roc_auc_score(positive, scores, sample_weight=row) for row in weights]
    assert weighted_auc(scores, positive, weights) == pytest.approx(expected)


def test_the_interval_contains_the_value_and_undefined_has_none() -> None:
    found = percentile_estimate(2.0, np.linspace(0, 1, 101))
    assert found is not None
    assert (found.low, found.value, found.high) == pytest.approx((0.025, 2.0, 2.0))
    assert percentile_estimate(float("nan"), np.zeros(3)) is None
