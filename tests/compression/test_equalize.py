from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import TOY_SPEC, toy_pixels, toy_weights

from melanoma_edge.compression.equalize import equalize
from melanoma_edge.compression.flow import Flow, stages
from melanoma_edge.compression.fold import fold
from melanoma_edge.model.classifier import inference_model
from melanoma_edge.model.spec import NetworkSpec, network
from melanoma_edge.model.weights import Weights


def largest(spec: NetworkSpec, weights: Weights, pixels: Any) -> dict[str, Any]:
    flow, found = Flow(weights, pixels, quantized=False), {}
    for stage in stages(spec):
        found.update(flow.largest(stage))
        flow.advance(stage)
    return found


@pytest.mark.parametrize("spec", [TOY_SPEC, network("mobilenet_v1", 0.1, 32, 3)], ids=["v2", "v1"])
def test_the_function_stays(spec: NetworkSpec) -> None:
    spec, weights = fold(spec, toy_weights(spec))
    pixels = toy_pixels(32, seed=3)
    equal = equalize(spec, weights, pixels)
    before, after = (np.asarray(inference_model(spec, w, 1.3)(pixels.astype(np.float32))) for w in (weights, equal))
    assert np.abs(before - after).max() < 1e-4
    np.testing.assert_array_equal(equal["head/kernel"], weights["head/kernel"])


def test_channels_rise_but_never_to_six_that_did_not_reach_it() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    pixels = toy_pixels(32, seed=3)
    before, after = (largest(spec, w, pixels) for w in (weights, equalize(spec, weights, pixels)))
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
    before, after = (largest(spec, w, pixels)["block_1_project"] for w in (weights, equalize(spec, weights, pixels)))
    assert np.median(after) / after.max() > 1.5 * np.median(before) / before.max()


def test_a_dead_channel_is_left_alone() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    weights["stem/kernel"][..., 2] = 0
    weights["stem/bias"][2] = 0
    equal = equalize(spec, weights, toy_pixels(8, seed=3))
    np.testing.assert_array_equal(equal["stem/kernel"][..., 2], 0)
    assert equal["stem/bias"][2] == 0
    assert all(np.isfinite(values).all() for values in equal.values())
