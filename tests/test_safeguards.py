"""Limits that make sense, and those that do not."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any

import pytest

from melanoma_edge.safeguards import OutlierLimits, QualityLimits, Safeguards, default_safeguards, problem, text_of

KNOWN = OutlierLimits((0.0, 1.0), (text_of([3, -4]), text_of([127, -128])), (0.2, 0.0), 4.0)
GOOD = Safeguards(QualityLimits(224), KNOWN, 0.25)
THRESHOLD = 0.5


def test_the_defaults_make_sense_and_ask_for_the_models_input_size() -> None:
    assert problem(default_safeguards(160), THRESHOLD) == ""
    assert default_safeguards(160).quality.smallest_side == 160
    assert problem(GOOD, THRESHOLD) == ""


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"smallest_side": 0}, "smallest_side"),
        ({"smallest_side": 2**31}, "smallest_side"),
        ({"largest_aspect_percent": 99}, "largest_aspect_percent"),
        ({"least_sharpness": -1}, "least_sharpness"),
        ({"least_brightness": -1}, "brightness must rise"),
        ({"least_brightness": 9000, "most_brightness": 8999}, "brightness must rise"),
        ({"most_brightness": 25501}, "brightness must rise"),
        ({"most_clipped_permille": 1001}, "most_clipped_permille"),
        ({"most_clipped_permille": -1}, "most_clipped_permille"),
        ({"least_colour": -1}, "least_colour"),
        ({"least_colour": 25501}, "least_colour"),
    ],
)
def test_limits_of_quality_out_of_range_are_named(change: dict[str, Any], message: str) -> None:
    assert message in problem(replace(GOOD, quality=replace(GOOD.quality, **change)), THRESHOLD)


@pytest.mark.parametrize(
    "change",
    [
        {"centre": ()},
        {"centre": (0.0,)},
        {"centre": (0.0, math.nan)},
        {"centre": (0.0,) * 4097, "directions": (text_of([1] * 4097),) * 2},
        {"directions": ()},
        {"directions": (text_of([1, 2]),)},
        {"directions": (text_of([1, 2]), text_of([1, 2, 3]))},
        {"directions": (text_of([1, 2]),) * 65, "steps": (1.0,) * 65},
        {"directions": (text_of([1, 2]), "A?==")},
        {"directions": (text_of([1, 2]), "AQJ=")},
        {"directions": (text_of([1, 2]), "AQI")},
        {"steps": (1.0, -0.5)},
        {"steps": (1.0, math.inf)},
        {"limit": -1.0},
        {"limit": math.nan},
    ],
)
def test_limits_of_strangeness_that_cannot_be_computed_are_named(change: dict[str, Any]) -> None:
    assert "outlier limits" in problem(replace(GOOD, outlier=replace(KNOWN, **change)), THRESHOLD)


@pytest.mark.parametrize(
    ("doubt", "good"), [(0.0, True), (0.4999, True), (0.5, False), (-0.1, False), (math.nan, False)]
)
def test_doubt_lies_below_the_threshold(doubt: float, good: bool) -> None:
    assert (problem(replace(GOOD, uncertain_from=doubt), THRESHOLD) == "") == good


def test_a_directions_text_says_each_of_its_integers() -> None:
    every = tuple(range(-128, 128))
    assert replace(KNOWN, directions=(text_of(every),)).vectors == (every,)
