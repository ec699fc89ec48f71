"""From weights to probabilities: scaling, temperature, and weights that do not fit."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.errors import TrustError
from melanoma_edge.model.classifier import get_weights, inference_model, scaled, set_weights
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import Block, NetworkSpec
from melanoma_edge.model.weights import Weights


@pytest.fixture(scope="module")
def spec() -> NetworkSpec:
    blocks = (Block(0, 8, 1, False), Block(16, 8, 2, False))
    return NetworkSpec("mobilenet_v2", 1.0, 32, 3, 8, blocks, 16)


@pytest.fixture(scope="module")
def weights(spec: NetworkSpec) -> Weights:
    generator = np.random.default_rng(0)
    found = get_weights(build(spec))
    noise = {name: generator.uniform(0, 0.02, array.shape).astype(np.float32) for name, array in found.items()}
    return {name: array * (10 if name == "head/kernel" else 1) + noise[name] for name, array in found.items()}


@pytest.fixture(scope="module")
def pixels() -> np.ndarray:
    colours = np.random.default_rng(1).integers(0, 256, (4, 1, 1, 3))
    return np.broadcast_to(colours, (4, 32, 32, 3)).astype(np.float32)


def test_all_256_bytes_stay_within_the_int8_steps() -> None:
    steps = np.round(np.asarray(scaled(np.arange(256.0))) * 127.5)
    assert steps.min() == -128
    assert steps.max() == 127
    assert len(np.unique(steps)) == 256


def test_probabilities_are_the_softmax_of_logits_over_temperature(
    spec: NetworkSpec, weights: Weights, pixels: np.ndarray
) -> None:
    core = build(spec)
    set_weights(core, weights)
    logits = core((pixels - 128) / 127.5).numpy().astype(np.float64) / 2.5
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    answer = inference_model(spec, weights, temperature=2.5)(pixels).numpy()
    assert answer.dtype == np.float32
    assert np.ptp(expected, axis=0).max() > 1e-3
    np.testing.assert_allclose(answer, expected, atol=1e-6)


def test_weights_come_back_as_they_were_set(spec: NetworkSpec, weights: Weights) -> None:
    core = build(spec)
    set_weights(core, weights)
    assert all(np.array_equal(array, weights[name]) for name, array in get_weights(core).items())


def test_missing_renamed_and_misshapen_weights_are_named(spec: NetworkSpec, weights: Weights) -> None:
    core = build(spec)
    before = get_weights(core)
    wrong = {name: array for name, array in weights.items() if name != "head/bias"}
    with pytest.raises(TrustError, match="head/bias"):
        set_weights(core, wrong)
    with pytest.raises(TrustError, match="tail/bias"):
        set_weights(core, {**wrong, "tail/bias": weights["head/bias"]})
    with pytest.raises(TrustError, match=r"head/bias.*\(4,\)"):
        set_weights(core, {**weights, "head/bias": np.zeros(4, np.float32)})
    assert all(np.array_equal(array, before[name]) for name, array in get_weights(core).items())
