"""Importance: the gated network is the network, its derivatives are derivatives, its means stand in exactly."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from toys import TOY_SPEC, toy_pixels, toy_weights

from melanoma_edge.compression.importance import Gated, drawn, magnitude
from melanoma_edge.compression.narrow import everything
from melanoma_edge.compression.sites import cut, sites
from melanoma_edge.model.classifier import scaled, set_weights
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import Block, NetworkSpec
from melanoma_edge.model.weights import Weights

V1 = NetworkSpec("mobilenet_v1", 0.25, 32, 3, 16, (Block(0, 24, 1, False), Block(0, 32, 2, False)), 0)
PIXELS = toy_pixels(40, seed=3)
LABELS = np.arange(40, dtype=np.int64) % 3
SHARES = np.linspace(1, 2, 40) / np.linspace(1, 2, 40).sum()


def keras_logits(spec: NetworkSpec, weights: Weights) -> np.ndarray:
    model = build(spec)
    set_weights(model, weights)
    return np.asarray(model(scaled(PIXELS.astype(np.float32)), training=False))


def some(spec: NetworkSpec) -> dict[str, np.ndarray]:
    """Keep three quarters of every site, by chance."""
    generator = np.random.default_rng(1)
    return {site.name: generator.permutation(site.channels) < 3 * site.channels // 4 for site in sites(spec)}


@pytest.mark.parametrize("spec", [TOY_SPEC, V1], ids=["v2", "v1"])
def test_gates_that_are_open_change_nothing_and_closed_ones_are_the_cut_network(spec: NetworkSpec) -> None:
    weights = toy_weights(spec)
    network, kept = Gated(spec, weights), some(spec)
    logits, means = network.logits(PIXELS, everything(spec), {})
    np.testing.assert_allclose(logits, keras_logits(spec, weights), atol=2e-5)
    closed, _ = network.logits(PIXELS, kept, means)
    np.testing.assert_allclose(closed, keras_logits(*cut(spec, weights, kept, means)), atol=2e-5)
    assert np.abs(closed - logits).max() > 0.002
    without, _ = network.logits(PIXELS, kept, {})
    np.testing.assert_allclose(without, keras_logits(*cut(spec, weights, kept, {})), atol=2e-5)


def test_means_are_those_of_what_users_see() -> None:
    weights = toy_weights(TOY_SPEC)
    model = build(TOY_SPEC)
    set_weights(model, weights)
    from melanoma_edge.model.legacy_keras import load_tensorflow

    _, keras = load_tensorflow()
    seen = keras.Model(model.input, model.get_layer("block_2_depthwise_relu").output)(scaled(PIXELS.astype(np.float32)))
    _, means = Gated(TOY_SPEC, weights).logits(PIXELS, everything(TOY_SPEC), {})
    np.testing.assert_allclose(means["block_2_project"], np.asarray(seen).mean(axis=(0, 1, 2)), rtol=1e-4)
    assert set(means) == {user for site in sites(TOY_SPEC) for user in site.users}


@pytest.mark.parametrize(("site", "channel"), [("block_1_project", 3), ("block_1_expand", 5), ("last", 7), ("stem", 1)])
def test_the_measured_importance_is_half_the_mean_squared_derivative(site: str, channel: int) -> None:
    network, kept = Gated(TOY_SPEC, toy_weights(TOY_SPEC)), everything(TOY_SPEC)
    _, means = network.logits(PIXELS, kept, {})
    calls: list[tuple[str, int, int]] = []
    found = network.taylor(PIXELS, LABELS, SHARES, kept, means, lambda *call: calls.append(call))
    assert found.per_cost
    losses = []
    for step in (-0.02, 0.02):
        gate = {**kept, site: np.where(np.arange(len(kept[site])) == channel, 1 + step, 1.0)}
        logits = network.logits(PIXELS, gate, means)[0].astype(np.float64)
        losses.append(np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(40), LABELS])
    derivative = (losses[1] - losses[0]) / 0.04
    assert found.values[site][channel] == pytest.approx((SHARES * derivative**2).sum() / 2, rel=0.05, abs=1e-9)
    assert calls == [("measuring channels", 32, 40), ("measuring channels", 40, 40)]


def test_a_channel_nobody_reads_has_no_importance() -> None:
    weights = toy_weights(TOY_SPEC)
    weights["block_2_expand/kernel"][:, :, 4] = 0
    weights["last/kernel"][:, :, 4] = 0
    network = Gated(TOY_SPEC, weights)
    values = network.taylor(PIXELS, LABELS, SHARES, everything(TOY_SPEC), {}).values["block_1_project"]
    assert values[4] == 0
    assert (np.delete(values, 4) > 0).all()


def test_magnitude_is_the_share_of_energy_with_batch_norm_in_it() -> None:
    weights = toy_weights(TOY_SPEC)
    weights["last_bn/gamma"] = np.where(np.arange(64) == 9, 0, weights["last_bn/gamma"]).astype(np.float32)
    weights["block_2_project/kernel"][..., 2] *= 50
    found = magnitude(TOY_SPEC, weights)
    assert not found.per_cost
    assert found.values["last"][9] == 0
    assert found.values["block_1_project"].argmax() == 2, "every maker of a residual group counts"
    assert all(values.sum() == pytest.approx(1) for values in found.values.values())
    silent = {name: np.zeros_like(array) if name.startswith("stem") else array for name, array in weights.items()}
    assert (magnitude(TOY_SPEC, silent).values["stem"] == 0).all()


def test_chance_is_of_the_seed_and_weighs_all_channels_alike() -> None:
    first, again, other = (drawn(TOY_SPEC, seed).values for seed in (1, 1, 2))
    assert all(np.array_equal(first[name], again[name]) for name in first)
    assert any(np.argmin(first[name]) != np.argmin(other[name]) for name in first)
    assert all(np.ptp(values) < 1e-6 / len(values) for values in first.values())
