"""Which target lesions hold a threshold down, and what each costs."""

from __future__ import annotations

import numpy as np

from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.lowest import FURTHER, LowTarget, lowest_targets
from melanoma_edge.report.words import to_threshold

CLASSES = ("MEL", "NV")


def test_the_lowest_targets_come_first_with_the_specificity_of_a_threshold_just_below_them() -> None:
    groups, labels = ["a", "b", "b", "c", "d", "e"], [0, 0, 0, 1, 1, 1]
    unit = lesions(groups, labels)
    scores = unit.mean(np.array([0.5, 0.1, 0.3, 0.2, 0.1, 0.4]))
    found = lowest_targets(scores, unit.labels == 0, unit, ["1", "3", "2", "4", "5", "6"], CLASSES)
    assert found[0] == LowTarget("2", "b", "MEL", 0.2, 1 / 3), "the nevus of the same score would be referred too"
    assert found[1] == LowTarget("1", "a", "MEL", 0.5, 1.0)
    assert len(found) == 2


def test_those_missed_are_named_and_a_few_more_and_without_others_there_is_no_specificity() -> None:
    names = [f"{n:02}" for n in range(FURTHER + 10)]
    unit = lesions(names, [0] * len(names))
    found = lowest_targets(np.linspace(0.9, 0.1, len(names)), unit.labels == 0, unit, names, CLASSES, misses=8)
    assert [one.image_id for one in found] == names[::-1][: FURTHER + 8]
    assert {one.specificity for one in found} == {None}
    told = [to_threshold(place, 8) for place in range(len(found))]
    assert told == ["missed"] * 8 + ["holds the threshold down"] + [""] * (FURTHER - 1)
