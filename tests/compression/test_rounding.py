from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.compression import rounding
from melanoma_edge.compression.rounding import LEVELS, grid, output_error, round_nearest, round_second_order


def problem(groups: int, inputs: int, outputs: int, seed: int = 0) -> tuple[Any, Any]:
    """Return weights and the covariance of inputs that go together, as neighbouring channels do."""
    generator = np.random.default_rng(seed)
    mixing = generator.normal(size=(groups, inputs, inputs)) * generator.uniform(0.05, 1, (groups, 1, inputs))
    return generator.normal(size=(groups, inputs, outputs)), mixing @ mixing.transpose(0, 2, 1) / inputs


@pytest.mark.parametrize(("groups", "inputs", "outputs"), [(1, 48, 16), (12, 9, 1), (1, 27, 8)])
def test_second_order_beats_nearest_on_the_output(groups: int, inputs: int, outputs: int) -> None:
    weights, moments = problem(groups, inputs, outputs)
    nearest, rounded = round_nearest(weights), round_second_order(weights, moments)
    assert output_error(weights, rounded, moments) < 0.8 * output_error(weights, nearest, moments)


def test_independent_inputs_leave_nothing_to_gain_but_by_the_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rounding, "STEPS", (1.0,))
    weights, _ = problem(1, 20, 6)
    moments = np.eye(20)[None]
    np.testing.assert_array_equal(round_second_order(weights, moments).integers, round_nearest(weights).integers)


@given(st.integers(1, 4), st.integers(1, 12), st.integers(1, 5), st.integers(0, 999))
def test_the_grid_is_found_again_from_the_rounded_weights(groups: int, inputs: int, outputs: int, seed: int) -> None:
    rounded = round_second_order(*problem(groups, inputs, outputs, seed))
    integers = np.abs(rounded.integers.astype(int))
    assert (integers.max(axis=1) == LEVELS).all()
    found = np.abs(rounded.values).max(axis=1) / np.float32(LEVELS)
    np.testing.assert_allclose(rounded.values / found[:, None, :], rounded.integers, atol=1e-4)


def test_the_step_is_chosen_near_the_usual_one() -> None:
    weights, moments = problem(3, 16, 4)
    share = round_second_order(weights, moments).scales / grid(weights)
    assert (share > 0.98).all() and (share < 127 / 126.5).all() and len(np.unique(share)) > 3


def test_a_choice_of_steps_leaves_less_error_than_the_usual_one(monkeypatch: pytest.MonkeyPatch) -> None:
    weights, moments = problem(40, 9, 1)
    chosen = output_error(weights, round_second_order(weights, moments), moments)
    monkeypatch.setattr(rounding, "STEPS", (1.0,))
    assert chosen < 0.7 * output_error(weights, round_second_order(weights, moments), moments)


def test_zeros_of_a_pruned_layer_stay_zero() -> None:
    weights, moments = problem(1, 32, 8)
    weights[np.abs(weights) < 0.7] = 0
    assert (round_second_order(weights, moments).integers[weights == 0] == 0).all()


def test_dead_outputs_and_dead_inputs_are_no_trouble() -> None:
    weights, moments = problem(2, 8, 3)
    weights[:, :, 1] = 0
    moments[0, :, 2] = moments[0, 2, :] = 0
    moments[1] = 0
    rounded = round_second_order(weights, moments)
    assert np.isfinite(rounded.values).all() and (rounded.integers[:, :, 1] == 0).all()
    np.testing.assert_array_equal(rounded.integers[1], round_nearest(weights).integers[1])


def test_a_zero_error_is_zero() -> None:
    weights, moments = problem(1, 8, 2)
    rounded = round_nearest(weights)
    assert output_error(rounded.values.astype(np.float64), rounded, moments) == 0
