"""Temperature and prior shift are found again where they were planted."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.metrics import brier_score_loss

from melanoma_edge.evaluation.calibration import (
    brier,
    class_weights,
    ece,
    equal_mass_bins,
    equal_width_bins,
    fit_prior_shift,
    fit_temperature,
    shift_prior,
    softmax,
)


@pytest.mark.parametrize("kind", [np.float32, np.float64])
def test_softmax_stands_large_logits_and_is_exact_of_any_kind(kind: type) -> None:
    found = softmax(np.array([[1e4, 0.0], [-1e4, -1e4]], kind))
    np.testing.assert_array_equal(found, [[1, 0], [0.5, 0.5]])
    assert softmax(np.ones((2, 3), kind)).dtype == np.float64


def drawn(n: int, prior: list[float], seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return logits whose softmax is the true posterior under ``prior``, and labels."""
    generator = np.random.default_rng(seed)
    labels = generator.choice(len(prior), n, p=prior)
    points = 1.2 * np.eye(len(prior))[labels] + generator.normal(size=(n, len(prior)))
    return 1.2 * points + np.log(prior), labels


@pytest.mark.parametrize("planted", [0.4, 1.0, 3.0])
def test_a_planted_temperature_is_found(planted: float) -> None:
    logits, labels = drawn(20_000, [0.2, 0.3, 0.5])
    assert fit_temperature(logits * planted, labels) == pytest.approx(planted, rel=0.05)


def test_the_temperature_stays_in_bounds_and_ignores_shifts_of_all_logits() -> None:
    sure = np.array([[90.0, 0.0], [0.0, 90.0]] * 10)
    labels = np.array([0, 1] * 10)
    assert fit_temperature(sure / 100, labels) == pytest.approx(0.05, rel=0.01)
    assert fit_temperature(sure, 1 - labels) == pytest.approx(10.0, rel=0.01)
    logits, labels = drawn(500, [0.5, 0.5])
    assert fit_temperature(logits + 1e4, labels) == pytest.approx(fit_temperature(logits, labels), rel=1e-4)


def test_weights_count_as_repetitions() -> None:
    logits, labels = drawn(300, [0.4, 0.6])
    weights = np.random.default_rng(1).integers(0, 4, 300)
    repeated = fit_temperature(np.repeat(logits, weights, axis=0), np.repeat(labels, weights))
    assert fit_temperature(logits, labels, weights.astype(float)) == pytest.approx(repeated, rel=1e-4)


def test_a_prior_in_the_logits_is_taken_out_for_classes_that_count_alike() -> None:
    prior = [0.7, 0.2, 0.1]
    logits, labels = drawn(20_000, prior)
    strength, temperature = fit_prior_shift(logits, labels, np.log(prior))
    assert strength == pytest.approx(-1.0, abs=0.1)
    assert temperature == pytest.approx(1.0, abs=0.1)


def test_a_prior_taken_out_already_is_left_alone() -> None:
    prior = [0.7, 0.2, 0.1]
    logits, labels = drawn(20_000, prior)
    strength, _ = fit_prior_shift(logits - np.log(prior), labels, np.log(prior))
    assert strength == pytest.approx(0.0, abs=0.1)
    strength, _ = fit_prior_shift(logits - np.log(prior), labels, np.log(prior), np.ones(len(labels)))
    assert strength == pytest.approx(1.0, abs=0.1)


def test_class_weights_give_every_class_the_same_sum() -> None:
    labels = np.array([0, 0, 0, 2])
    weights = class_weights(labels)
    assert weights[:3].sum() == pytest.approx(weights[3])
    assert weights.mean() == pytest.approx(1.0)


def test_calibration_error_of_a_known_case() -> None:
    scores = np.repeat([0.2, 0.9], 10)
    outcomes = np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 0] + [1] * 10)
    assert ece(scores, outcomes, bins=2) == pytest.approx((0.1 + 0.1) / 2)
    assert ece(outcomes.astype(float), outcomes) == 0.0


@given(st.lists(st.tuples(st.floats(0, 1), st.booleans()), min_size=1, max_size=60))
def test_calibration_error_and_brier_stay_in_range_and_equal_scores_share_a_bin(rows: list[tuple[float, bool]]) -> None:
    scores, outcomes = np.array([row[0] for row in rows]), np.array([row[1] for row in rows], float)
    assert 0 <= ece(scores, outcomes) <= 1
    assert brier(scores, outcomes) == pytest.approx(((scores - outcomes) ** 2).sum() / len(rows))
    bins = equal_mass_bins(scores)
    assert bins.min() >= 0 and bins.max() < 15
    assert all(len(set(bins[scores == score].tolist())) == 1 for score in set(scores.tolist()))


def test_bins_without_ties_have_equal_mass_and_brier_is_that_of_scikit_learn() -> None:
    scores = np.random.default_rng(0).random(150)
    outcomes = np.random.default_rng(1).random(150) < scores
    assert np.bincount(equal_mass_bins(scores)).tolist() == [10] * 15
    assert brier(scores, outcomes) == pytest.approx(brier_score_loss(outcomes, scores))


def test_bins_of_equal_width_take_their_lower_edge_and_the_last_takes_1() -> None:
    scores = np.array([0.0, 0.2499, 0.25, 0.5, 0.99, 1.0])
    assert equal_width_bins(scores, 4).tolist() == [0, 0, 1, 2, 3, 3]


def test_a_shift_of_the_mixture_gives_the_posterior_of_the_other_mixture() -> None:
    """By Bayes: both posteriors are made of the same densities."""
    densities = np.random.default_rng(0).random((50, 3))
    here, there = np.array([1, 1, 1]) / 3, np.array([0.1, 0.7, 0.2])
    known, wanted = (densities * share / (densities * share).sum(1, keepdims=True) for share in (here, there))
    assert shift_prior(known, here, there) == pytest.approx(wanted)
    assert shift_prior(known, here, here) == pytest.approx(known)
