"""Activation maps: what is computed of them, on maps that are known."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import TOY_SPEC, toy_contract, toy_pixels, toy_weights

from melanoma_edge.decision import place_scores
from melanoma_edge.evidence.maps import (
    area,
    cams,
    cascade,
    centre_share,
    mean_estimate,
    path_scores,
    rank_correlation,
    shuffled,
)
from melanoma_edge.evidence.side_by_side import sample_of
from melanoma_edge.training.run import SplitImages


def test_places_are_scored_as_images_are() -> None:
    cam = np.random.default_rng(0).normal(size=(3, 2, 2, 3)).astype(np.float32)
    powers = np.exp(cam.astype(float))
    assert place_scores(cam, toy_contract()) == pytest.approx(powers[..., 0] / powers.sum(axis=-1))


def test_rank_correlation_is_of_the_places_of_each_picture() -> None:
    maps = np.random.default_rng(0).random((4, 5, 5))
    assert rank_correlation(maps, maps**3) == pytest.approx(1)
    assert rank_correlation(maps, -maps) == pytest.approx(-1)
    assert rank_correlation(maps, np.ones_like(maps)) is None
    half = np.concatenate([maps[:2], -maps[2:]])
    assert rank_correlation(maps, half) == pytest.approx(0)


@pytest.mark.parametrize("side", [0.5, 0.75])
def test_an_even_map_has_the_squares_share_in_the_middle(side: float) -> None:
    even = centre_share(np.ones((3, 4, 4)), side, 50, 0)
    assert even is not None and even.value == pytest.approx(side**2)
    peak = np.zeros((2, 4, 4))
    peak[:, 1:3, 1:3] = 1
    inner = centre_share(peak, side, 50, 0)
    assert inner is not None and inner.value > side**2
    assert centre_share(np.zeros((2, 4, 4)), side, 50, 0) is None


def test_the_mean_of_values_has_an_interval_around_it() -> None:
    found = mean_estimate(np.arange(100.0), 500, 0)
    assert found is not None and found.low < found.value == 49.5 < found.high and found.high - found.low < 15


def test_shuffling_keeps_the_values_of_the_layers_named_and_leaves_the_others() -> None:
    weights = toy_weights(TOY_SPEC)
    changed = shuffled(weights, ("head",), 0)
    moved = {name for name in weights if not np.array_equal(weights[name], changed[name])}
    assert {name.split("/")[0] for name in moved} == {"head"}
    assert all(np.array_equal(np.sort(weights[n], axis=None), np.sort(changed[n], axis=None)) for n in moved)
    everything = shuffled(weights, cascade(TOY_SPEC)[-1][1], 0)
    large = {name for name in weights if weights[name].size > 8}
    assert {name for name in large if np.array_equal(weights[name], everything[name])} == set()


def test_maps_of_a_network_change_with_its_weights() -> None:
    weights, pixels = toy_weights(TOY_SPEC), toy_pixels(8, seed=3)
    contract = toy_contract()
    before = place_scores(cams(TOY_SPEC, weights, pixels), contract)
    for _, layers in cascade(TOY_SPEC):
        after = place_scores(cams(TOY_SPEC, shuffled(weights, layers, 0), pixels), contract)
        found = rank_correlation(before, after)
        assert found is not None and abs(found) < 0.9


def bright_spot(squares: np.ndarray) -> Any:
    """Score the brightness of the upper left quarter, as a model that looks there alone."""
    return squares[:, :16, :16].mean(axis=(1, 2, 3)) / 255


def test_what_a_score_rests_on_goes_first_in_the_right_order() -> None:
    picture = np.zeros((32, 32, 3), np.uint8)
    picture[:16, :16] = 255
    right, wrong = np.array([0, 1, 2, 3]), np.array([3, 2, 1, 0])
    first, last = (path_scores(picture, order, (2, 2), bright_spot) for order in (right, wrong))
    assert first[0] == last[0] == 1 and first[-1] == pytest.approx(last[-1])
    assert first[1] == pytest.approx(first[-1]) and last[3] == 1
    assert area(first) < area(last)


def test_area_is_of_trapezoids() -> None:
    assert area(np.array([1.0, 0.5, 0.0])) == pytest.approx(0.5)
    assert area(np.array([1.0, 0.0, 0.0])) == pytest.approx(0.25)


def test_half_of_a_sample_are_targets_where_there_are_enough() -> None:
    labels = np.array([0] * 90 + [1] * 9 + [2])
    rows: Any = tuple(type("Row", (), {"image_id": f"{i}", "group": f"g{i}"})() for i in range(100))
    images = SplitImages(tuple("" for _ in rows), (), labels, np.arange(100), rows)
    few = sample_of(images, 16, 0, [1])
    assert len(few.ids) == 16 and int((few.labels == 1).sum()) == 8
    assert int((sample_of(images, 30, 0, [1, 2]).labels > 0).sum()) == 10
    assert list(few.pixels) == sorted(few.pixels) == [int(name) for name in few.ids]
    assert sample_of(images, 16, 0, [1]).ids == few.ids != sample_of(images, 16, 1, [1]).ids
    assert sample_of(images, None, 0) is sample_of(images, 100, 0) is images
