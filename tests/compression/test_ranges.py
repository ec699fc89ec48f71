from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.compression.ranges import Histogram, Measured

SIZES = st.floats(-1e6, 1e6, width=32, allow_subnormal=False)


def seen(*parts: Any) -> Histogram:
    made = Histogram()
    for part in parts:
        made.add(np.asarray(part, np.float32))
    return made


def error(values: Any, low: float, high: float, bits: int = 8) -> float:
    """Return the mean squared error of rounding between two ends, 0 being one of the levels."""
    step = (high - low) / (2**bits - 1)
    zero = np.rint(-low / step)
    integers = np.clip(np.rint(values / step) + zero, 0, 2**bits - 1)
    return float(np.mean((values - (integers - zero) * step) ** 2))


def drawn(kind: str) -> Any:
    generator = np.random.default_rng(0)
    values = generator.standard_t(3, 20_000).astype(np.float32)
    return {"both sides": values, "relu": np.maximum(values, 0), "shifted": values + 3, "negative": -np.abs(values)}[
        kind
    ]


@pytest.mark.parametrize("bits", [4, 8])
@pytest.mark.parametrize("kind", ["both sides", "relu", "shifted", "negative"])
def test_ends_are_near_the_best_there_are(kind: str, bits: int) -> None:
    values = drawn(kind)
    low, high = seen(values).ends(bits)
    least, most = min(float(values.min()), 0.0), max(float(values.max()), 0.0)
    shares = np.linspace(0.3, 1, 15)
    tried = [error(values, a * least, b * most, bits) for a in shares for b in shares if b * most > a * least]
    reached = error(values, min(low, 0.0), max(high, 0.0), bits)
    assert reached < 1.05 * min(tried)
    assert reached < {4: 0.6, 8: 0.99}[bits] * error(values, least, most, bits)


def test_evenly_spread_values_keep_their_extremes() -> None:
    values = np.linspace(-1, 6, 5000, dtype=np.float32)
    low, high = seen(values).ends(8)
    assert low <= -0.95 and high >= 5.9


def test_a_relu6_that_saturates_keeps_its_six() -> None:
    values = np.clip(np.random.default_rng(0).normal(0, 3, 20_000), 0, 6).astype(np.float32)
    assert seen(values).ends(8) == (0.0, 6.0)


def test_more_bits_clip_less() -> None:
    values = drawn("both sides")
    widths = [high - low for low, high in (seen(values).ends(bits) for bits in (4, 8, 16))]
    assert widths[0] < widths[1] < widths[2] == pytest.approx(float(values.max() - values.min()))


@given(st.lists(st.lists(SIZES, min_size=1, max_size=8), min_size=1, max_size=6), st.randoms())
def test_order_and_grouping_do_not_matter(parts: list[list[float]], order: Any) -> None:
    mixed = list(parts)
    order.shuffle(mixed)
    found = seen(*parts).ends(8)
    assert found == seen(*mixed).ends(8) == seen(np.concatenate(parts)).ends(8)


@given(st.lists(SIZES, min_size=1, max_size=30))
def test_ends_lie_within_the_extremes_on_the_same_side_of_zero(values: list[float]) -> None:
    made = seen(values)
    low, high = made.ends(8)
    assert (made.low, made.high) == (min(np.float32(values)), max(np.float32(values)))
    assert made.low <= low and high <= made.high
    assert (low < 0) == (made.low < 0) and (high > 0) == (made.high > 0)


def test_a_tensor_of_zeros_has_no_width() -> None:
    assert seen([0.0, 0.0]).ends(8) == (0.0, 0.0)


def test_only_some_are_counted_but_the_extremes_are_of_all() -> None:
    made = Histogram()
    made.add(np.array([-9, 1, 2], np.float32), np.array([1, 2], np.float32))
    assert Measured({"x": made}).extremes == {"x": (-9.0, 2.0)}
    low, high = Measured({"x": made}).ranges(8)["x"]
    assert high > 1.9 and low == pytest.approx(-2.7)
