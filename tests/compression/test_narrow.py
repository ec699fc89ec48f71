"""Narrowing: the target is reached, by eights, with the least important channels of the cheapest sites."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys import TOY_SPEC

from melanoma_edge.compression.importance import Importance
from melanoma_edge.compression.narrow import everything, narrowed, narrowest
from melanoma_edge.compression.sites import Kept, resized, sites
from melanoma_edge.model.cost import Cost, cost
from melanoma_edge.model.spec import Block, NetworkSpec, network

V2 = network("mobilenet_v2", 0.35, 96, 7)
ODD = NetworkSpec("mobilenet_v1", 0.3, 96, 5, 9, (Block(0, 19, 2, False), Block(0, 38, 1, False)), 0)


def macs(found: Cost) -> int:
    return found.macs


def size(found: Cost) -> int:
    return found.int8_bytes


def layout(spec: NetworkSpec, kept: Kept) -> NetworkSpec:
    return resized(spec, {name: int(mask.sum()) for name, mask in kept.items()})


def chance(spec: NetworkSpec, seed: int, per_cost: bool) -> Importance:
    generator = np.random.default_rng(seed)
    return Importance({site.name: generator.random(site.channels) for site in sites(spec)}, per_cost)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 99), keep=st.floats(0.35, 0.99), per_cost=st.booleans(), measure=st.sampled_from([macs, size])
)
def test_the_goal_is_reached_by_eights(seed: int, keep: float, per_cost: bool, measure: object) -> None:
    assert callable(measure)
    goal = keep * measure(cost(V2))
    importance = chance(V2, seed, per_cost)
    kept = narrowed(V2, everything(V2), importance, goal, measure)
    assert measure(cost(layout(V2, kept))) <= goal
    for site in sites(V2):
        mask, values = kept[site.name], importance.values[site.name]
        assert mask.sum() >= 8 and mask.sum() % 8 == 0
        assert mask.all() or values[~mask].max() < values[mask].min(), "the least important go first"


def test_numbers_that_are_no_multiples_of_eight_become_so() -> None:
    kept = narrowed(ODD, everything(ODD), chance(ODD, 0, True), macs(cost(narrowest(ODD))), macs)
    assert [int(kept[site.name].sum()) for site in sites(ODD)] == [8, 8, 8]
    assert layout(ODD, kept) == narrowest(ODD)
    one = narrowed(ODD, everything(ODD), chance(ODD, 0, False), macs(cost(ODD)) - 1, macs)
    assert sum(int((~mask).sum()) for mask in one.values()) in (1, 3, 6), "down to 8, 16 or 32, whichever it is"


def test_what_is_gone_stays_gone() -> None:
    first = narrowed(V2, everything(V2), chance(V2, 1, True), 0.8 * macs(cost(V2)), macs)
    second = narrowed(V2, first, chance(V2, 2, True), 0.6 * macs(cost(V2)), macs)
    assert all(not (second[name] & ~mask).any() for name, mask in first.items())
    assert narrowed(V2, second, chance(V2, 3, True), macs(cost(V2)), macs).keys() == second.keys()


def test_a_site_without_effect_goes_first_and_dear_savings_last() -> None:
    values = {site.name: np.ones(site.channels) for site in sites(TOY_SPEC)}
    values["block_2_expand"] = np.zeros(64)
    kept = narrowed(TOY_SPEC, everything(TOY_SPEC), Importance(values, True), macs(cost(TOY_SPEC)) - 1, macs)
    assert {name for name, mask in kept.items() if not mask.all()} == {"block_2_expand"}


def test_equal_shares_are_lost_where_values_are_shares() -> None:
    shares = Importance({site.name: np.full(site.channels, 1 / site.channels) for site in sites(V2)}, per_cost=False)
    kept = narrowed(V2, everything(V2), shares, 0.5 * macs(cost(V2)), macs)
    ratios = [mask.mean() for mask in kept.values() if len(mask) >= 96]
    assert max(ratios) - min(ratios) < 0.15


def test_nothing_left_to_drop_ends_the_search() -> None:
    least = narrowest(TOY_SPEC)
    kept = narrowed(TOY_SPEC, everything(TOY_SPEC), chance(TOY_SPEC, 0, True), 0, macs)
    assert layout(TOY_SPEC, kept) == least
    assert [site.channels for site in sites(least)] == [8] * 6


@pytest.mark.parametrize("per_cost", [True, False])
def test_savings_beyond_the_goal_count_nothing(per_cost: bool) -> None:
    goal = 0.9 * macs(cost(V2))
    reached = macs(cost(layout(V2, narrowed(V2, everything(V2), chance(V2, 4, per_cost), goal, macs))))
    assert reached <= goal
    if per_cost:
        assert reached > 0.985 * goal
