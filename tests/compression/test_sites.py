"""Sites: what must go together does, and what goes without effect changes nothing."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys import TOY_SPEC, toy_pixels, toy_weights

from melanoma_edge.compression.sites import cut, resized, sites
from melanoma_edge.model.classifier import scaled, set_weights
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import Block, NetworkSpec, network
from melanoma_edge.model.weights import Weights

V1 = NetworkSpec("mobilenet_v1", 0.25, 32, 3, 16, (Block(0, 24, 1, False), Block(0, 32, 2, False)), 0)


def logits(spec: NetworkSpec, weights: Weights) -> np.ndarray:
    model = build(spec)
    set_weights(model, weights)
    return np.asarray(model(scaled(toy_pixels(16, seed=5).astype(np.float32)), training=False))


def odd(channels: int) -> np.ndarray:
    """Keep every second channel."""
    return np.arange(channels) % 2 == 1


def silence(weights: Weights, spec: NetworkSpec, name: str) -> None:
    """Let the even channels of a site be the constant 0.5 where its users see them, whatever the image."""
    (site,) = [site for site in sites(spec) if site.name == name]
    dead = ~odd(site.channels)
    for layer in (*site.makers, *site.carriers):
        weights[f"{layer}_bn/gamma"] = np.where(dead, 0, weights[f"{layer}_bn/gamma"]).astype(np.float32)
        weights[f"{layer}_bn/beta"] = np.where(dead, 0.5, weights[f"{layer}_bn/beta"]).astype(np.float32)


def test_residual_groups_are_one_site_and_a_depthwise_goes_with_what_it_carries() -> None:
    found = {site.name: site for site in sites(TOY_SPEC)}
    assert set(found) == {"stem", "block_0_project", "block_1_expand", "block_1_project", "block_2_expand", "last"}
    stem, group, expansion = found["stem"], found["block_1_project"], found["block_2_expand"]
    assert (stem.makers, stem.carriers, stem.users) == (("stem",), ("block_0_depthwise",), ("block_0_project",))
    assert group.makers == ("block_1_project", "block_2_project")
    assert group.users == ("block_2_expand", "last")
    assert (expansion.carriers, expansion.users) == (("block_2_depthwise",), ("block_2_project",))
    assert found["last"].users == ("head",)


@pytest.mark.parametrize("spec", [network("mobilenet_v2", 1.0, 160, 7), network("mobilenet_v1", 0.25, 160, 7), V1])
def test_every_layer_is_made_carried_and_used_as_it_must_be(spec: NetworkSpec) -> None:
    found = sites(spec)
    makers = [maker for site in found for maker in site.makers]
    users = [user for site in found for user in site.users]
    assert (
        len(set(makers))
        == len(makers)
        == 1 + len(spec.blocks) + sum(b.expand > 0 for b in spec.blocks) + (spec.last > 0)
    )
    assert sorted(users) == sorted([*(maker for maker in makers if maker != "stem"), "head"])
    assert sorted(carrier for site in found for carrier in site.carriers) == sorted(
        f"block_{index}_depthwise" for index in range(len(spec.blocks))
    )
    assert resized(spec, {}) == resized(spec, {site.name: site.channels for site in found}) == spec


@pytest.mark.parametrize("spec", [TOY_SPEC, V1], ids=["v2", "v1"])
def test_channels_that_are_zero_go_without_a_trace(spec: NetworkSpec) -> None:
    weights = toy_weights(spec)
    for site in sites(spec):
        for user in site.users:
            weights[f"{user}/kernel"][:, :, ~odd(site.channels)] = 0
    before = logits(spec, weights)
    layout, narrow = cut(spec, weights, {site.name: odd(site.channels) for site in sites(spec)}, {})
    assert [site.channels for site in sites(layout)] == [site.channels // 2 for site in sites(spec)]
    np.testing.assert_allclose(logits(layout, narrow), before, atol=1e-5)
    assert np.ptp(before, axis=0).max() > 1e-3  # a hundred times the tolerance


@pytest.mark.parametrize("name", [site.name for site in sites(TOY_SPEC) if len(site.makers) == 1])
def test_a_constant_channel_becomes_a_bias(name: str) -> None:
    weights = toy_weights(TOY_SPEC)
    silence(weights, TOY_SPEC, name)
    (site,) = [site for site in sites(TOY_SPEC) if site.name == name]
    means = {user: np.full(site.channels, 0.5) for user in site.users}
    before = logits(TOY_SPEC, weights)
    np.testing.assert_allclose(logits(*cut(TOY_SPEC, weights, {name: odd(site.channels)}, means)), before, atol=1e-5)
    forgotten = logits(*cut(TOY_SPEC, weights, {name: odd(site.channels)}, {}))
    assert np.abs(forgotten - before).max() > 0.01


def test_cutting_leaves_what_was_given_alone() -> None:
    weights = toy_weights(TOY_SPEC)
    kept = {name: array.copy() for name, array in weights.items()}
    cut(TOY_SPEC, weights, {"last": odd(64)}, {"head": np.ones(64)})
    assert all(np.array_equal(weights[name], array) for name, array in kept.items())
