"""Parts of the lesions: every lesion in one part of each attribute, numbers as of the part alone."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from melanoma_edge.evaluation.intervals import wilson
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.evaluation.roc import auc
from melanoma_edge.evaluation.subgroups import part, partition, subgroups


@pytest.fixture
def cases() -> Cases:
    generator = np.random.default_rng(0)
    labels = np.repeat([0, 1], [30, 70])
    scores = (generator.random(100) + (labels == 0)) / 2
    return Cases(np.stack([scores, 1 - scores], 1), labels, (0,), 0.4)


def test_parts_hold_every_lesion_once_and_unknown_comes_last() -> None:
    values = ["unknown", "b", "a", "b", "unknown"]
    found = list(partition({"sex": values}))
    assert [(name, value) for name, value, _ in found] == [("sex", "a"), ("sex", "b"), ("sex", "unknown")]
    assert np.sum([members for *_, members in found], axis=0).tolist() == [1] * 5
    assert found[1][2].tolist() == [False, True, False, True, False]


def test_what_parts_nothing_is_left_out() -> None:
    assert list(partition({"source": ["x"] * 3, "skin": ["unknown"] * 3})) == []


def test_numbers_are_those_of_the_part_alone(cases: Cases) -> None:
    first = np.arange(100) % 2 == 0
    one, other = subgroups(cases, {"half": ["a" if member else "b" for member in first]})
    assert (one.attribute, one.value, one.n, one.targets) == ("half", "a", 50, 15)
    referred = cases.scores >= 0.4
    assert one.sensitivity == wilson(int(referred[first & cases.is_target].sum()), 15)
    assert other.specificity == wilson(int((~referred)[~first & ~cases.is_target].sum()), 35)
    assert other.auc == auc(cases.scores[~first], cases.is_target[~first])


@pytest.mark.parametrize(("targets", "others", "few"), [(10, 10, False), (9, 30, True), (30, 9, True), (0, 40, True)])
def test_few_are_marked_and_shown(cases: Cases, targets: int, others: int, few: bool) -> None:
    chosen = np.concatenate([np.arange(targets), 30 + np.arange(others)])
    values = np.where(np.isin(np.arange(100), chosen), "yes", "no").tolist()
    found = {one.value: one for one in subgroups(cases, {"hair": values})}["yes"]
    assert (found.few, found.n, found.targets) == (few, targets + others, targets)
    assert (found.sensitivity is None) == (found.auc is None) == (targets == 0)


def test_lesions_with_thresholds_of_their_own_keep_them(cases: Cases) -> None:
    own = replace(cases, threshold=np.where(np.arange(100) < 50, 0.0, 2.0))
    assert part(own, np.arange(100) < 50).referred.all()
    assert not part(own, np.arange(100) >= 50).referred.any()
    assert own.referred.sum() == 50
