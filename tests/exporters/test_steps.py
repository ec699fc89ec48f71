from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporters.steps import CensusRow, Inventory, Step, Totals, levels, multiplications


def listed(*steps: Step) -> Inventory:
    return Inventory("tflite", steps, {}, {}, 256)


CONVOLUTION = Step("CONV_2D", "a", "int8", "int8", 200, 200, 50, 8, 1000, (1, 5, 1, 8))
OTHER = Step("CONV_2D", "b", "int8", "int8", 100, 100, 0, 4, 500, (1, 5, 1, 4))
PADDING = Step("PAD", "c", "int8")


def test_a_census_sums_what_is_alike() -> None:
    assert listed(OTHER, PADDING, CONVOLUTION).census() == (
        CensusRow("CONV_2D", "int8", "int8", 2, 300, 50, 1500),
        CensusRow("PAD", "int8", "", 1, 0, 0, 0),
    )


def test_totals_are_of_the_whole_file() -> None:
    assert listed(CONVOLUTION, OTHER, PADDING).totals() == Totals(3, 1500, 312, 300, 50 / 300)
    assert listed(PADDING).totals() == Totals(1, 0, 0, 0, None)


def test_one_unknown_makes_a_sum_unknown() -> None:
    unknown = Step("CONV_2D", "d", "int8", "int8", 100, 100, 0, 4, None)
    found = listed(CONVOLUTION, unknown, PADDING)
    assert found.totals().macs is None
    assert [row.macs for row in found.census()] == [None, 0]


@given(
    st.lists(st.integers(1, 20), min_size=2, max_size=2), st.sampled_from([1, 3]), st.integers(1, 9), st.integers(1, 9)
)
def test_multiplications_are_counted_one_by_one(places: list[int], side: int, inputs: int, outputs: int) -> None:
    counted = sum(1 for _ in range(places[0] * places[1] * outputs) for _ in range(side * side * inputs))
    assert multiplications(places, outputs * side * side * inputs) == counted
    depthwise = sum(1 for _ in range(places[0] * places[1] * inputs) for _ in range(side * side))
    assert multiplications(places, side * side * inputs) == depthwise


def test_a_side_that_is_open_leaves_the_count_open() -> None:
    assert multiplications((5, None), 10) is None
    assert multiplications((), 10) == 10


@pytest.mark.parametrize("numbers", [(0.0, 0, "int8"), (float("nan"), 0, "int8"), (1e-40, 5, "uint8")])
def test_a_strange_scale_loses_levels_without_a_warning(numbers: tuple[float, int, str]) -> None:
    assert levels([("quantize", numbers)]) < 256
