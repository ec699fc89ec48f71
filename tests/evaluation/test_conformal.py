"""Conformal sets: golden numbers, the promise kept by simulation, and what they do with few lesions."""

from __future__ import annotations

import math

import numpy as np
import pytest

from melanoma_edge.evaluation.conformal import CAVEAT, conformal_limit, conformal_rank, conformal_sets, coverage_range


@pytest.mark.parametrize(
    ("count", "low", "high"),
    [(16, 0.83, 0.997), (30, 0.805, 0.972), (66, 0.847, 0.960), (150, 0.858, 0.937), (300, 0.871, 0.927)],
)
def test_golden_ranges_of_coverage(count: int, low: float, high: float) -> None:
    assert coverage_range(count, 0.1) == pytest.approx((low, high), abs=0.0006 if count != 16 else 0.002)


@pytest.mark.parametrize(("count", "rank"), [(16, 16), (9, 9), (8, 9), (19, 18), (99, 90)])
def test_which_score_is_the_limit(count: int, rank: int) -> None:
    assert conformal_rank(count, 0.1) == rank
    limit = conformal_limit(np.arange(count, dtype=float)[::-1], 0.1)
    assert limit == (rank - 1 if rank <= count else math.inf)


def draws(count: int, generator: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return probabilities of a poor model, and labels of which one class is rare."""
    labels = generator.choice(3, count, p=[0.1, 0.6, 0.3])
    logits = generator.normal(0, 1, (count, 3)) + 1.0 * np.eye(3)[labels]
    powers = np.exp(logits)
    return powers / powers.sum(axis=1, keepdims=True), labels


def test_every_class_is_covered_as_promised_on_average() -> None:
    generator = np.random.default_rng(0)
    shares = []
    for _ in range(300):
        found = conformal_sets(*draws(300, generator), *draws(300, generator), ("MEL", "NV", "BKL"), alpha=0.1)
        shares.append([one.coverage.value for one in found.classes if one.coverage])
    means = np.mean(shares, axis=0)
    assert (means > 0.895).all() and (means < 0.94).all()


def test_sets_are_counted() -> None:
    probabilities = np.array([[0.8, 0.2], [0.3, 0.7], [0.5, 0.5], [0.1, 0.9]] * 10)
    labels = np.array([0, 1, 0, 1] * 10)
    found = conformal_sets(probabilities, labels, probabilities[:4], labels[:4], ("MEL", "NV"), alpha=0.1)
    limits = [one.limit for one in found.classes]
    assert limits == pytest.approx([0.5, 0.3])
    assert found.sizes == {"0": 0, "1": 4, "2": 0}
    assert [one.coverage.value for one in found.classes if one.coverage] == [1.0, 1.0]
    assert found.mean_size == 1 and found.caveat == CAVEAT


def test_a_class_with_too_few_lesions_is_in_every_set() -> None:
    generator = np.random.default_rng(1)
    calibration, labels = draws(60, generator)
    labels[labels == 0] = 1
    labels[:8] = 0
    test, test_labels = draws(50, generator)
    rare = conformal_sets(calibration, labels, test, test_labels, ("MEL", "NV", "BKL")).classes[0]
    assert rare.limit is None and (rare.low, rare.high) == (1, 1)
    assert rare.coverage is not None and rare.coverage.value == 1


def test_a_class_that_the_test_lacks_has_no_coverage() -> None:
    generator = np.random.default_rng(2)
    test, _ = draws(20, generator)
    found = conformal_sets(*draws(100, generator), test, np.ones(20, int), ("MEL", "NV", "BKL"))
    assert [one.coverage is None for one in found.classes] == [True, False, True]
