"""Macro F1, log loss and melanoma against nevus alone."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import metrics as theirs

from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.evaluation.multiclass import log_loss, macro_f1, over_classes, versus


def drawn(n: int = 200, seed: int = 0) -> Cases:
    generator = np.random.default_rng(seed)
    labels = generator.choice(4, n, p=[0.3, 0.4, 0.2, 0.1])
    raised = np.exp(generator.normal(size=(n, 4)) + 1.5 * np.eye(4)[labels])
    return Cases(raised / raised.sum(1, keepdims=True), labels, (0, 2), 0.4)


def test_they_are_those_of_scikit_learn_also_under_weights() -> None:
    cases = drawn()
    weights = np.random.default_rng(1).integers(0, 3, (3, 200)).astype(float)
    f1 = [theirs.f1_score(cases.labels, cases.predicted, average="macro", sample_weight=row) for row in weights]
    loss = [theirs.log_loss(cases.labels, cases.probabilities, sample_weight=row) for row in weights]
    assert macro_f1(cases, weights) == pytest.approx(f1)
    assert log_loss(cases, weights) == pytest.approx(loss)
    found = over_classes(cases, 100, 0)
    for one in found.values():
        assert one and one.low < one.value < one.high


def test_melanoma_against_nevus_leaves_all_others_aside() -> None:
    cases = drawn()
    found = versus(cases, 0, 1)
    both = np.isin(cases.labels, (0, 1))
    positive = cases.labels[both] == 0
    assert found and found.auc and found.sensitivity and found.specificity
    assert (found.melanomas, found.nevi) == (positive.sum(), (~positive).sum())
    assert found.auc.value == pytest.approx(theirs.roc_auc_score(positive, cases.scores[both]))
    assert found.sensitivity.value == pytest.approx((cases.scores[both][positive] >= 0.4).mean())
    assert found.specificity.value == pytest.approx((cases.scores[both][~positive] < 0.4).mean())
    assert versus(cases, 0, 7) is None and versus(cases, 7, 1) is None
