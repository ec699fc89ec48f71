"""Separation and risk against coverage, on numbers that can be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import roc_auc_score

from melanoma_edge.evaluation.separation import risk_coverage, separation


def test_separation_counts_pairs_and_what_is_accepted() -> None:
    known, strange = np.arange(1, 21.0), np.array([19.0, 19.5, 30.0, 5.0])
    found = separation(known, strange)
    assert found.auroc == pytest.approx(roc_auc_score([0] * 20 + [1] * 4, np.concatenate([known, strange])))
    assert found.fpr95 == 0.5  # the limit is the 19th of 20 known ones


def test_separation_of_equal_things_is_a_coin() -> None:
    generator = np.random.default_rng(0)
    found = separation(generator.normal(size=4000), generator.normal(size=4000))
    assert found.auroc == pytest.approx(0.5, abs=0.02)
    assert found.fpr95 == pytest.approx(0.95, abs=0.01)


def test_risk_falls_where_the_wrong_ones_are_the_doubtful_ones() -> None:
    confidence = np.array([0.9, 0.5, 0.8, 0.6])
    wrong = np.array([False, True, False, True])
    found = risk_coverage(confidence, wrong, np.array([True, True, False, False]))
    wanted = [(0.25, 0, 0.5), (0.5, 0, 0.5), (0.75, 1 / 3, 0.5), (1, 0.5, 1)]
    assert np.array(found.points) == pytest.approx(np.array(wanted))
    assert found.aurc == pytest.approx((0 + 0 + 1 / 3 + 1 / 2) / 4)


def test_the_curve_has_few_points_and_ends_with_all() -> None:
    generator = np.random.default_rng(0)
    found = risk_coverage(generator.random(1000), generator.random(1000) < 0.3, np.zeros(1000, bool))
    assert len(found.points) == 50
    assert found.points[-1][0] == 1 and found.points[-1][2] == 0
    assert 0.2 < found.aurc < 0.4
