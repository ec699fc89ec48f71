"""Two models on the same lesions: directions, pairing and repeatability."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score, roc_auc_score

from melanoma_edge.evaluation.bootstrap import bootstrap
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.parity.paired import Decisions, pair


def cases(scores: list[float], labels: list[int], threshold: float = 0.5) -> Cases:
    values = np.array(scores)
    return Cases(np.stack([values, 1 - values], axis=1), np.array(labels), (0,), threshold)


def drawn(noise: float, seed: int = 0) -> tuple[Cases, Cases]:
    generator = np.random.default_rng(seed)
    labels = np.repeat([0, 1, 2], [40, 60, 30])
    logits = generator.normal(size=(130, 3)) + 1.5 * np.eye(3)[labels]
    before, after = (np.exp(x) for x in (logits, logits + noise * generator.normal(size=(130, 3))))
    return tuple(Cases(x / x.sum(1, keepdims=True), labels, (0,), 0.3) for x in (before, after))  # type: ignore[return-value]


def test_lost_and_gained_are_counted_by_what_should_have_been_decided() -> None:
    before = cases([0.9, 0.9, 0.1, 0.1, 0.1, 0.9], [0, 0, 0, 1, 1, 1])
    after = cases([0.1, 0.9, 0.9, 0.9, 0.1, 0.1], [0, 0, 0, 1, 1, 1])
    found = pair(before, after, 10, 0)
    assert found.targets == Decisions(n=3, lost=1, gained=1)
    assert found.others == Decisions(n=3, lost=1, gained=1)
    assert (found.lesions, found.same_class, found.same_decision) == (6, 2, 2)
    assert found.mean_score_change == pytest.approx(0.8 * 4 / 6)


def test_changes_are_exported_minus_reference() -> None:
    before, after = drawn(noise=1.0)
    found = pair(before, after, 200, 0)
    assert found.balanced_accuracy and found.macro_auc and found.target_auc
    accuracy = [balanced_accuracy_score(x.labels, x.predicted) for x in (before, after)]
    macro = [roc_auc_score(x.labels, x.probabilities, multi_class="ovr") for x in (before, after)]
    target = [roc_auc_score(x.labels == 0, x.scores) for x in (before, after)]
    values = [item.value for item in (found.balanced_accuracy, found.macro_auc, found.target_auc)]
    assert values == pytest.approx([b - a for a, b in (accuracy, macro, target)])
    for item in (found.balanced_accuracy, found.macro_auc, found.target_auc):
        assert item.low < item.value < item.high


def test_bounds_are_one_sided_at_95_percent() -> None:
    before, after = drawn(noise=1.0)
    found = pair(before, after, 400, 3).target_auc
    both = bootstrap(lambda w: (after.target_auc(w) - before.target_auc(w))[:, None], before.labels, 400, 3)
    assert found is not None
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(both, [0.05, 0.95])))


def test_the_same_model_has_changed_nothing() -> None:
    before, _ = drawn(noise=0.0)
    found = pair(before, before, 100, 0)
    for item in (found.balanced_accuracy, found.macro_auc, found.target_auc):
        assert item is not None
        assert (item.low, item.value, item.high) == (0.0, 0.0, 0.0)
    assert (found.mean_score_change, found.calibration_change, found.same_class) == (0.0, 0.0, 130)


def test_pairing_makes_a_small_change_sure() -> None:
    """Unpaired, the interval of an AUC of 130 lesions is ten times as wide."""
    found = pair(*drawn(noise=0.02), 400, 0)
    assert found.target_auc is not None
    assert found.target_auc.high - found.target_auc.low < 0.01


def test_the_seed_decides_the_bounds_and_nothing_else() -> None:
    models = drawn(noise=0.5)
    assert pair(*models, 100, 7) == pair(*models, 100, 7)
    one, other = pair(*models, 100, 7).macro_auc, pair(*models, 100, 8).macro_auc
    assert one and other
    assert one.value == other.value and one.low != other.low


def test_without_a_second_class_no_auc_is_defined() -> None:
    found = pair(cases([0.9, 0.2], [0, 0]), cases([0.8, 0.1], [0, 0]), 10, 0)
    assert found.macro_auc is None and found.target_auc is None
    assert found.others == Decisions(0, 0, 0)
