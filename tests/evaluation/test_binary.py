"""One question: predictive values by prevalence, net benefit, and everything else beside the score."""

from __future__ import annotations

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as theirs

from melanoma_edge.evaluation.binary import PREVALENCES, Binary, binary, decision_curve, predictive_values
from melanoma_edge.evaluation.intervals import clopper_pearson, wilson
from melanoma_edge.strictjson import from_plain, to_plain


def drawn(n: int = 300, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(seed)
    scores = generator.beta(1, 3, n)
    return scores, generator.random(n) < scores


def answered(scores: np.ndarray, positive: np.ndarray, **more: object) -> Binary:
    return binary(scores, positive, scores >= 0.2, positive.astype(np.int64), resamples=50, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("prevalence", "ppv", "npv"),
    [
        (0.005, 0.012, 0.9996),
        (0.02, 0.046, 0.998),
        (0.05, 0.111, 0.996),
        (0.10, 0.209, 0.991),
        (0.20, 0.373, 0.980),
        (0.40, 0.613, 0.947),
    ],
)
def test_predictive_values_of_se_95_sp_60(prevalence: float, ppv: float, npv: float) -> None:
    found = predictive_values(95, 100, 60, 100, prevalence)
    assert found.ppv and found.npv
    assert round(found.ppv.value, 3) == ppv
    assert round(found.npv.value, 4 if prevalence == 0.005 else 3) == npv
    assert found.ppv.low < found.ppv.value < found.ppv.high < 1
    assert 0 < found.npv.low < found.npv.value < found.npv.high <= 1


def test_at_the_samples_own_prevalence_they_are_the_plain_shares() -> None:
    found = predictive_values(45, 50, 80, 150, 50 / 200)
    assert found.ppv and found.npv
    assert found.ppv.value == pytest.approx(45 / (45 + 70))
    assert found.npv.value == pytest.approx(80 / (80 + 5))


def test_intervals_of_predictive_values_cover_95_percent() -> None:
    """2,000 trials at sensitivity 90 %, specificity 60 %, 60 positives and 200 others, prevalence 5 %."""
    generator = np.random.default_rng(0)
    hits, spared = generator.binomial(60, 0.9, 2000), generator.binomial(200, 0.6, 2000)
    ppv, npv = 0.045 / (0.045 + 0.38), 0.57 / (0.57 + 0.005)
    found = [predictive_values(int(h), 60, int(s), 200, 0.05) for h, s in zip(hits, spared, strict=True)]
    assert 0.93 <= np.mean([one.ppv.low <= ppv <= one.ppv.high for one in found if one.ppv]) <= 0.97
    assert 0.93 <= np.mean([one.npv.low <= npv <= one.npv.high for one in found if one.npv]) <= 0.97


@given(st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.integers(0, 40), st.sampled_from(PREVALENCES))
def test_any_counts_give_values_inside_intervals_or_none(a: int, b: int, c: int, d: int, prevalence: float) -> None:
    found = predictive_values(a, a + b, c, c + d, prevalence)
    defined = a + b > 0 and c + d > 0
    assert (found.ppv is None) == (not defined or a + d == 0)
    assert (found.npv is None) == (not defined or b + c == 0)
    for one in (found.ppv, found.npv):
        assert one is None or 0 <= one.low <= one.value <= one.high <= 1


def test_net_benefit_by_hand() -> None:
    """Ten lesions, four positive; at 20 % a false alarm costs a quarter of a hit."""
    positive = np.arange(10) < 4
    scores = np.array([0.9, 0.8, 0.3, 0.1, 0.7, 0.3, 0.1, 0.1, 0.1, 0.0])
    (found,) = decision_curve(scores, positive, np.arange(10) < 1, [0.2])
    assert found.model == pytest.approx((3 - 2 * 0.25) / 10)
    assert found.refer_all == pytest.approx((4 - 6 * 0.25) / 10)
    assert found.operating_point == pytest.approx(0.1)


def test_referring_everybody_gains_nothing_where_the_threshold_is_the_share_of_positives() -> None:
    scores, positive = drawn()
    (found,) = decision_curve(scores, positive, positive, [float(positive.mean())])
    assert found.refer_all == pytest.approx(0)
    assert found.operating_point == pytest.approx(positive.mean())


def test_every_number_is_of_the_right_thing() -> None:
    scores, positive = drawn()
    shifted = scores**2
    found = answered(scores, positive, shifted=shifted)
    referred = scores >= 0.2
    assert (found.positives, found.others) == (positive.sum(), (~positive).sum())
    assert found.sensitivity == wilson(int((referred & positive).sum()), found.positives)
    assert found.specificity == wilson(int((~referred & ~positive).sum()), found.others)
    assert found.sensitivity_exact == clopper_pearson(int((referred & positive).sum()), found.positives)
    assert found.auc and found.pr_auc and found.partial_auc and found.calibration_shifted
    assert found.auc.value == pytest.approx(theirs.roc_auc_score(positive, scores))
    assert found.pr_auc.value == pytest.approx(theirs.average_precision_score(positive, scores))
    assert 0.02 < found.partial_auc.low < found.partial_auc.value < found.partial_auc.high < 0.2
    assert found.calibration.brier.value == pytest.approx(theirs.brier_score_loss(positive, scores))
    assert found.calibration_shifted.brier.value == pytest.approx(theirs.brier_score_loss(positive, shifted))
    assert [value.prevalence for value in found.ppv_npv] == list(PREVALENCES)
    at_ten = next(place for place in found.decision_curve if place.threshold == 0.10)
    hits, alarms = (shifted >= 0.1) & positive, (shifted >= 0.1) & ~positive
    assert at_ten.model == pytest.approx((hits.sum() - alarms.sum() / 9) / len(scores))
    assert json.loads(json.dumps(to_plain(found), allow_nan=False)) == to_plain(found)
    assert from_plain(Binary, json.loads(json.dumps(to_plain(found)))) == found


@pytest.mark.parametrize("value", [True, False])
def test_one_kind_alone_has_no_areas(value: bool) -> None:
    scores, _ = drawn(20)
    found = answered(scores, np.full(20, value))
    assert (found.auc, found.pr_auc, found.partial_auc, found.roc) == (None, None, None, ())
    assert (found.sensitivity is None, found.specificity is None) == (not value, value)
    assert all(one.ppv is None and one.npv is None for one in found.ppv_npv)
