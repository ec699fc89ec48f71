"""The metrics are scikit-learn's, counted in lesions, and never NaN."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as theirs

from melanoma_edge.errors import DataError, TrustError
from melanoma_edge.evaluation.calibration import ece
from melanoma_edge.evaluation.metrics import HEADLINES, Metrics, evaluate, macro_auc, validation_auc
from melanoma_edge.strictjson import from_plain, to_plain

CLASSES = ("MEL", "NV", "BCC", "DF")


def drawn(n: int, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    labels = generator.choice(4, n, p=[0.3, 0.4, 0.2, 0.1])
    logits = generator.normal(size=(n, 4)) + 1.5 * np.eye(4)[labels]
    raised = np.exp(logits)
    return raised / raised.sum(axis=1, keepdims=True), labels


def own_groups(n: int) -> list[str]:
    return [f"{i:05d}" for i in range(n)]


@pytest.fixture(scope="module")
def found() -> Metrics:
    probabilities, labels = drawn(400)
    return evaluate(probabilities, labels, own_groups(400), CLASSES, [0, 2], 0.4, resamples=300)


def test_every_value_is_that_of_scikit_learn(found: Metrics) -> None:
    probabilities, labels = drawn(400)
    predicted, scores, target = probabilities.argmax(1), probabilities[:, [0, 2]].sum(1), np.isin(labels, [0, 2])
    expected = {
        "accuracy": theirs.accuracy_score(labels, predicted),
        "balanced_accuracy": theirs.balanced_accuracy_score(labels, predicted),
        "macro_auc": theirs.roc_auc_score(labels, probabilities, multi_class="ovr"),
        "melanoma_auc": theirs.roc_auc_score(target, scores),
        "sensitivity": theirs.recall_score(target, scores >= 0.4),
        "specificity": theirs.recall_score(~target, scores < 0.4),
        "brier": theirs.brier_score_loss(target, scores),
        "ece": ece(scores, target),
    }
    assert {name: item.value for name, item in found.headline().items() if item} == pytest.approx(expected)
    assert np.array(found.confusion).tolist() == theirs.confusion_matrix(labels, predicted).tolist()
    columns = theirs.precision_recall_fscore_support(labels, predicted)
    for k, item in enumerate(found.per_class.values()):
        assert item.precision and item.recall and item.auc
        values = (item.precision.value, item.recall.value, item.f1, item.n)
        assert values == pytest.approx([column[k] for column in columns])
        assert item.auc.value == pytest.approx(theirs.roc_auc_score(labels == k, probabilities[:, k]))


def test_intervals_contain_their_values_and_have_a_width(found: Metrics) -> None:
    assert tuple(found.headline()) == HEADLINES
    for item in found.headline().values():
        assert item is not None
        assert 0 <= item.low <= item.value <= item.high <= 1
        assert item.high - item.low > 0.005


def test_bootstrap_intervals_have_the_width_of_theory(found: Metrics) -> None:
    """The standard error of an AUC by Hanley and McNeil, Radiology 143 (1982) 29."""
    auc = found.melanoma_auc
    assert auc is not None
    a, positives, negatives = auc.value, found.targets, found.groups - found.targets
    q1, q2 = a / (2 - a), 2 * a * a / (1 + a)
    variance = (a * (1 - a) + (positives - 1) * (q1 - a * a) + (negatives - 1) * (q2 - a * a)) / (positives * negatives)
    assert (auc.high - auc.low) / (2 * 1.96) == pytest.approx(variance**0.5, rel=0.25)


def test_the_same_seed_gives_the_same_numbers_and_json_round_trips(found: Metrics) -> None:
    probabilities, labels = drawn(400)
    again = evaluate(probabilities, labels, own_groups(400), CLASSES, [0, 2], 0.4, resamples=300)
    other = evaluate(probabilities, labels, own_groups(400), CLASSES, [0, 2], 0.4, resamples=300, seed=1)
    assert again == found
    assert other.macro_auc != found.macro_auc and other.accuracy == found.accuracy
    text = json.dumps(to_plain(found), allow_nan=False)
    assert from_plain(Metrics, json.loads(text)) == found


def test_several_images_of_a_lesion_count_once_by_their_mean() -> None:
    probabilities, labels = drawn(60)
    alone = evaluate(probabilities, labels, own_groups(60), CLASSES, [0], 0.4, resamples=50)
    wobble = np.zeros((60, 4))
    wobble[:, 0], wobble[:, 1] = 0.01, -0.01
    views = np.concatenate([probabilities + wobble, probabilities - wobble, probabilities])
    triple = evaluate(views, np.tile(labels, 3), own_groups(60) * 3, CLASSES, [0], 0.4, resamples=50)
    assert (triple.images, triple.groups) == (180, 60)
    for name, item in alone.headline().items():
        other = triple.headline()[name]
        assert item and other
        assert (other.value, other.low, other.high) == pytest.approx((item.value, item.low, item.high), abs=1e-9)
    assert replace(triple, images=60).confusion == alone.confusion


def test_the_order_of_images_does_not_matter() -> None:
    probabilities, labels = drawn(80)
    order = np.random.default_rng(5).permutation(80)
    groups = np.array(own_groups(80))
    one = evaluate(probabilities, labels, groups, CLASSES, [0], 0.4, resamples=50)
    assert evaluate(probabilities[order], labels[order], groups[order], CLASSES, [0], 0.4, resamples=50) == one


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 3), min_size=1, max_size=12), st.integers(0, 99), st.sampled_from([0.0, 0.4, 1.0]))
def test_any_small_split_gives_numbers_or_none_but_never_nan(labels: list[int], seed: int, threshold: float) -> None:
    probabilities = np.random.default_rng(seed).dirichlet(np.ones(4), len(labels))
    found = evaluate(probabilities, labels, own_groups(len(labels)), CLASSES, [0], threshold, resamples=5)
    json.dumps(to_plain(found), allow_nan=False)
    assert (found.sensitivity is None) == (0 not in labels)
    assert (found.specificity is None) == (set(labels) == {0})
    assert (found.macro_auc is None) == (len(set(labels)) == 1)
    assert macro_auc(probabilities, np.array(labels)) == (found.macro_auc and found.macro_auc.value)


def test_a_network_that_answers_alike_is_not_ranked_by_rounding() -> None:
    labels = np.arange(8) % 2
    right, alike = np.stack([0.5 - 1e-8 * labels, 0.5 + 1e-8 * labels], axis=1), np.full((8, 2), 0.5)
    assert (macro_auc(right, labels), validation_auc(right, labels), validation_auc(alike, labels)) == (1, 0.5, 0.5)
    assert validation_auc(right + np.stack([-labels, labels], axis=1) / 9, labels) == 1
    assert validation_auc(right, np.zeros(8, np.int64)) == 0, "one class ranks nothing"


def test_a_score_at_the_threshold_is_referred() -> None:
    found = evaluate(np.array([[0.4, 0.6], [0.39, 0.61]]), [0, 1], ["a", "b"], ("MEL", "NV"), [0], 0.4, resamples=5)
    assert found.sensitivity and found.specificity
    assert (found.sensitivity.value, found.specificity.value) == (1.0, 1.0)


def test_the_calibration_error_of_calibrated_scores_lies_inside_its_interval() -> None:
    """Resampling alone raises it, so that plain percentiles would lie above the value."""
    generator = np.random.default_rng(2)
    scores = generator.random(600)
    labels = (generator.random(600) > scores).astype(int)
    found = evaluate(np.stack([scores, 1 - scores], 1), labels, own_groups(600), ("MEL", "NV"), [0], 0.5).ece
    assert found.low < found.value - 0.005 and found.value + 0.005 < found.high


def test_absent_classes_have_no_recall_and_are_left_out_of_means() -> None:
    probabilities, labels = drawn(100)
    labels[labels == 3] = 1
    found = evaluate(probabilities, labels, own_groups(100), CLASSES, [0], 0.4, resamples=20)
    absent = found.per_class["DF"]
    assert (absent.n, absent.recall, absent.f1, absent.auc) == (0, None, None, None)
    aucs = [theirs.roc_auc_score(labels == k, probabilities[:, k]) for k in range(3)]
    assert found.macro_auc is not None
    assert found.macro_auc.value == pytest.approx(np.mean(aucs))


def test_nothing_and_not_a_number_are_refused() -> None:
    with pytest.raises(DataError, match="no image"):
        evaluate(np.empty((0, 4)), [], [], CLASSES, [0], 0.5)
    with pytest.raises(TrustError, match="not numbers"):
        evaluate(np.full((1, 4), np.nan), [0], ["a"], CLASSES, [0], 0.5)
