"""Images of one lesion are one case."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.evaluation.lesions import by_group, lesions


def test_a_lesion_is_the_mean_of_its_images() -> None:
    names, means = by_group(["b", "a", "b"], np.array([0.25, 1.0, 0.75]))
    assert names.tolist() == ["a", "b"]
    assert means.tolist() == [1.0, 0.5]


def test_rows_of_probabilities_are_averaged_column_by_column() -> None:
    unit = lesions(["b", "a", "b"], [1, 0, 1])
    means = unit.mean(np.array([[0.0, 1.0], [1.0, 0.0], [0.5, 0.5]], np.float32))
    assert unit.groups.tolist() == ["a", "b"]
    assert unit.labels.tolist() == [0, 1]
    assert means.tolist() == [[1.0, 0.0], [0.25, 0.75]]
    assert means.dtype == np.float64


def test_a_patient_with_two_diagnoses_has_two_lesions() -> None:
    unit = lesions(["patient", "patient", "patient"], [0, 1, 0])
    assert len(unit) == 2
    assert unit.groups.tolist() == ["patient", "patient"]
    assert unit.mean(np.array([0.0, 1.0, 0.5])).tolist() == [0.25, 1.0]


@given(st.lists(st.tuples(st.sampled_from("abcde"), st.integers(0, 2)), min_size=1, max_size=40))
def test_the_order_of_images_does_not_matter(rows: list[tuple[str, int]]) -> None:
    groups, labels = [row[0] for row in rows], [row[1] for row in rows]
    values = np.arange(len(rows)) / 7
    order = np.random.default_rng(len(rows)).permutation(len(rows))
    one = lesions(groups, labels)
    other = lesions([groups[i] for i in order], [labels[i] for i in order])
    assert one.groups.tolist() == other.groups.tolist()
    assert one.labels.tolist() == other.labels.tolist()
    assert one.mean(values) == pytest.approx(other.mean(values[order]))
