from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import TOY_SPEC, toy_pixels, toy_weights

from melanoma_edge.compression.equalize import equalize
from melanoma_edge.compression.flow import Extremes, Flow, stages
from melanoma_edge.compression.fold import fold
from melanoma_edge.model.classifier import inference_model
from melanoma_edge.model.spec import NetworkSpec, network
from melanoma_edge.model.weights import Weights

V1 = network("mobilenet_v1", 0.1, 32, 3)
V2 = network("mobilenet_v2", 0.35, 32, 3)


def extremes(spec: NetworkSpec, weights: Weights, pixels: Any) -> dict[str, Extremes]:
    """Return what each channel of every layer and addition reaches."""
    flow, found = Flow(weights, pixels, quantized=False), dict[str, Extremes]()
    for stage in stages(spec):
        found.update(flow.extremes(stage))
        flow.advance(stage)
        if stage.add:
            found[stage.add] = flow.extremes_here()
    return found


@pytest.mark.parametrize("spec", [TOY_SPEC, V1, V2], ids=["toy", "v1", "v2"])
def test_the_function_stays(spec: NetworkSpec) -> None:
    spec, weights = fold(spec, toy_weights(spec))
    pixels = toy_pixels(32, seed=3)
    equal = equalize(spec, weights, pixels)
    before, after = (np.asarray(inference_model(spec, w, 1.3)(pixels.astype(np.float32))) for w in (weights, equal))
    assert np.abs(before - after).max() < 1e-5
    assert any(not np.array_equal(equal[name], weights[name]) for name in weights)
    np.testing.assert_array_equal(equal["head/kernel"], weights["head/kernel"])


def test_channels_rise_but_never_to_six_that_did_not_reach_it() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    pixels = toy_pixels(32, seed=3)
    before, after = (
        {name: reached.high for name, reached in extremes(spec, w, pixels).items()}
        for w in (weights, equalize(spec, weights, pixels))
    )
    risen = 0
    for layer in (layer for stage in stages(spec) for layer in stage.layers if layer.relu):
        low = before[layer.name] < 6 / 1.15
        assert (after[layer.name][low] <= 6 / 1.15 * 1.001).all()
        assert (after[layer.name] >= before[layer.name] * 0.999).all()
        risen += int((after[layer.name] > before[layer.name] * 1.01).sum())
    assert risen > 10


def test_linear_channels_come_nearer_to_each_other() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    weights["block_1_project/kernel"][..., 0] *= 30
    pixels = toy_pixels(32, seed=3)
    widths = []
    for given in (weights, equalize(spec, weights, pixels)):
        reached = extremes(spec, given, pixels)["block_1_project"]
        widths.append(reached.high - reached.low)
    assert np.median(widths[1]) / widths[1].max() > 1.5 * np.median(widths[0]) / widths[0].max()


def test_linear_channels_are_centred_wherever_they_are_read() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    weights["block_1_project/bias"] += np.linspace(-30, 30, 16, dtype=np.float32)
    pixels = toy_pixels(32, seed=3)
    before, after = (extremes(spec, given, pixels) for given in (weights, equalize(spec, weights, pixels)))
    for name in ("block_0_project", "block_1_project", "block_2_add"):
        assert np.abs(after[name].middle).max() < 1e-3 * np.abs(after[name].high).max()
    share = {
        name: [
            (reached.high - reached.low).max() / (reached.high.max() - reached.low.min())
            for reached in (before[name], after[name])
        ]
        for name in ("block_1_project", "block_2_add")
    }
    assert all(later > 0.99 > 1.3 * earlier for earlier, later in share.values())


def test_a_dead_channel_is_left_alone() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    weights["stem/kernel"][..., 2] = 0
    weights["stem/bias"][2] = 0
    equal = equalize(spec, weights, toy_pixels(8, seed=3))
    np.testing.assert_array_equal(equal["stem/kernel"][..., 2], 0)
    assert equal["stem/bias"][2] == 0
    assert all(np.isfinite(values).all() for values in equal.values())
