"""Outputs that cannot be compared fail by name, and nothing is computed from them."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from melanoma_edge.parity.gate import Status
from melanoma_edge.parity.outputs import check_outputs

CLASSES = ("MEL", "NV", "BCC", "DF")
NAMES = ["finite_outputs", "constant_output", "labels_match", "shape_match"]


@pytest.fixture
def sound() -> NDArray[np.float32]:
    labels = np.arange(120) % 4
    logits = np.random.default_rng(0).normal(size=(120, 4)) + 2 * np.eye(4)[labels]
    raised = np.exp(logits)
    return np.asarray(raised / raised.sum(1, keepdims=True), np.float32)


def failed(reference: NDArray[np.floating[Any]], exported: NDArray[np.floating[Any]]) -> dict[str, str]:
    checks = check_outputs(reference, exported, CLASSES)
    return {check.name: check.why for check in checks if check.status is Status.FAIL}


def test_sound_outputs_pass_all_four(sound: NDArray[np.float32]) -> None:
    checks = check_outputs(sound, sound, CLASSES)
    assert [check.name for check in checks] == NAMES
    assert {check.status for check in checks} == {Status.PASS}


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_one_value_that_is_no_number_fails(sound: NDArray[np.float32], bad: float) -> None:
    exported = sound.copy()
    exported[7, 2] = bad
    assert failed(sound, exported).keys() == {"finite_outputs"}
    assert "1 values are not finite" in failed(sound, exported)["finite_outputs"]


def test_logits_instead_of_probabilities_fail(sound: NDArray[np.float32]) -> None:
    assert failed(sound, np.asarray(np.log(sound))).keys() == {"finite_outputs"}
    assert "120 rows do not sum to 1" in failed(sound, sound / 2)["finite_outputs"]


def test_a_constant_output_fails_and_its_labels_are_not_guessed(sound: NDArray[np.float32]) -> None:
    for exported in (np.tile(sound[:1], (120, 1)), np.tile(sound[:1], (120, 1)) * 0.999 + sound * 0.001):
        checks = check_outputs(sound, exported, CLASSES)
        assert [check.name for check in checks if check.status is Status.FAIL] == ["constant_output"]
        assert "labels_match" not in [check.name for check in checks]


def test_a_single_image_is_not_called_constant(sound: NDArray[np.float32]) -> None:
    assert failed(sound[:1], sound[:1]) == {}


@pytest.mark.parametrize("order", [(1, 0, 2, 3), (3, 2, 1, 0), (1, 2, 3, 0), (0, 1, 3, 2)])
def test_labels_in_another_order_fail_and_the_order_is_named(
    sound: NDArray[np.float32], order: tuple[int, ...]
) -> None:
    noise = np.random.default_rng(1).dirichlet(np.ones(4), 120)
    noisy = np.asarray(0.9 * sound[:, order] + 0.1 * noise, np.float32)
    found = failed(sound, noisy)
    assert found.keys() == {"labels_match"}
    for place, label in enumerate(order):
        assert (f"output {place} behaves as {CLASSES[label]}" in found["labels_match"]) == (place != label)


def test_two_swapped_classes_fail(sound: NDArray[np.float32]) -> None:
    two = np.stack([sound[:, 0], 1 - sound[:, 0]], axis=1)
    checks = check_outputs(two, two[:, ::-1], ("malignant", "benign"))
    assert [check.name for check in checks if check.status is Status.FAIL] == ["labels_match"]


def test_a_bad_model_is_not_taken_for_swapped_labels(sound: NDArray[np.float32]) -> None:
    for seed in range(20):
        noise = np.random.default_rng(seed).dirichlet(np.ones(4), 120).astype(np.float32)
        assert failed(sound, 0.3 * sound + 0.7 * noise) == {}
        assert failed(sound, noise) == {}


@pytest.mark.parametrize(
    ("cut", "names"),
    [
        (lambda x: x[:, :3], {"labels_match", "shape_match", "finite_outputs"}),
        (lambda x: x[:-1], {"shape_match"}),
        (lambda x: x.ravel(), {"labels_match", "shape_match"}),
        (lambda x: x[:, None], {"labels_match", "shape_match"}),
        (lambda x: np.concatenate([x, 0 * x[:, :1]], axis=1), {"labels_match", "shape_match"}),
        (lambda x: x[0, 0], {"labels_match", "shape_match"}),
        (lambda x: x[:0], {"shape_match"}),
    ],
)
def test_wrong_shapes_and_counts_fail(sound: NDArray[np.float32], cut: object, names: set[str]) -> None:
    found = failed(sound, cut(sound))  # type: ignore[operator]
    assert found.keys() - {"finite_outputs"} == names - {"finite_outputs"}
