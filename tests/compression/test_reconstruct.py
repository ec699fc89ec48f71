from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import TOY_SPEC, toy_pixels, toy_weights

from melanoma_edge.compression.flow import Flow, Layer, stages
from melanoma_edge.compression.fold import fold
from melanoma_edge.compression.reconstruct import Reconstruction, reconstruct, to_nearest
from melanoma_edge.model.classifier import scaled
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec, network
from melanoma_edge.model.weights import Weights, weights_sha256

V1 = network("mobilenet_v1", 0.1, 32, 3)


@pytest.fixture(scope="module")
def folded() -> tuple[NetworkSpec, Weights]:
    return fold(TOY_SPEC, toy_weights(TOY_SPEC))


@pytest.fixture(scope="module")
def made(folded: tuple[NetworkSpec, Weights]) -> Reconstruction:
    return reconstruct(*folded, toy_pixels(48, seed=5))


def middle(spec: NetworkSpec, weights: Weights, pixels: Any) -> Any:
    """Return what Keras gives before the pooling."""
    from melanoma_edge.model.classifier import set_weights

    _, keras = load_tensorflow()
    model = build(spec)
    set_weights(model, weights)
    part = keras.Model(model.input, model.get_layer("pooled").input)
    return np.asarray(part(scaled(pixels.astype(np.float32)), training=False))


@pytest.mark.parametrize("spec", [TOY_SPEC, V1], ids=["v2", "v1"])
def test_images_flow_as_in_keras(spec: NetworkSpec) -> None:
    spec, weights = fold(spec, toy_weights(spec))
    pixels = toy_pixels(40, seed=6)
    flow = Flow(weights, pixels, quantized=False)
    for stage in stages(spec):
        flow.advance(stage)
    np.testing.assert_allclose(flow.here(), middle(spec, weights, pixels), atol=1e-4)


def test_every_kernel_is_in_the_stages_once(folded: tuple[NetworkSpec, Weights]) -> None:
    spec, weights = folded
    kernels = [layer.kernel for stage in stages(spec) for layer in stage.layers]
    assert sorted([*kernels, "head/kernel"]) == sorted(name for name in weights if name.endswith("kernel"))


def test_patches_are_what_the_kernel_sees(folded: tuple[NetworkSpec, Weights]) -> None:
    spec, weights = folded
    pixels, stage = toy_pixels(3, seed=7), stages(spec)[0]
    everywhere = np.stack(np.meshgrid((np.arange(16) + 0.5) / 16, (np.arange(16) + 0.5) / 16, indexing="ij"), axis=-1)
    places = np.broadcast_to(everywhere.reshape(1, 256, 2), (3, 256, 2))
    seen = Flow(weights, pixels, quantized=False).patches(stage, 0, places)
    answer = seen.reshape(3, 256, -1) @ weights["stem/kernel"].reshape(27, -1) + weights["stem/bias"]
    next_seen = Flow(weights, pixels, quantized=False).patches(stage, 1, places)
    np.testing.assert_allclose(next_seen.reshape(3, 256, 9, -1)[:, :, 4], np.clip(answer, 0, 6), atol=1e-4)


def test_rounded_activations_take_few_values(folded: tuple[NetworkSpec, Weights]) -> None:
    spec, weights = folded
    flow = Flow(weights, toy_pixels(8, seed=8), quantized=True)
    flow.advance(stages(spec)[0])
    assert len(np.unique(flow.here())) <= 256


def test_kernels_lie_on_the_grid_and_the_head_is_left_alone(
    folded: tuple[NetworkSpec, Weights], made: Reconstruction
) -> None:
    for name, values in made.weights.items():
        if not name.endswith("kernel") or name.startswith("head"):
            continue
        axes = (0, 1, 3) if "depthwise" in name else (0, 1, 2)
        largest = np.abs(values).max(axis=axes, keepdims=True)
        integers = values.astype(np.float64) * 127 / largest
        assert np.abs(integers - np.rint(integers)).max() < 1e-4
    for name in ("head/kernel", "head/bias"):
        np.testing.assert_array_equal(made.weights[name], folded[1][name])


def test_layers_are_better_than_rounded_to_nearest_on_the_whole(made: Reconstruction) -> None:
    assert set(made.errors) == {layer.name for stage in stages(TOY_SPEC) for layer in stage.layers}
    ratios = [error.reached / error.nearest for error in made.errors.values()]
    assert max(ratios) < 1.3 and np.mean(ratios) < 0.7


def test_features_are_nearer_to_the_float_network_than_rounded_to_nearest(
    folded: tuple[NetworkSpec, Weights], made: Reconstruction
) -> None:
    spec, weights = folded
    pixels = toy_pixels(32, seed=9)
    float_features, nearest, rounded = (
        middle(spec, given, pixels).mean(axis=(1, 2)) for given in (weights, to_nearest(*folded).weights, made.weights)
    )
    distances = [np.abs(other - float_features).mean() for other in (rounded, nearest)]
    assert distances[0] < 0.7 * distances[1]


def test_the_mean_of_every_output_is_that_of_the_float_network(
    folded: tuple[NetworkSpec, Weights], made: Reconstruction
) -> None:
    spec, weights = folded
    pixels = toy_pixels(48, seed=5)
    shift = middle(spec, made.weights, pixels).mean(axis=(0, 1, 2)) - middle(spec, weights, pixels).mean(axis=(0, 1, 2))
    assert np.abs(shift).max() < 0.05


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(
    folded: tuple[NetworkSpec, Weights], made: Reconstruction
) -> None:
    again = reconstruct(*folded, toy_pixels(48, seed=5))
    other = reconstruct(*folded, toy_pixels(48, seed=5), seed=1)
    assert weights_sha256(again.weights) == weights_sha256(made.weights) != weights_sha256(other.weights)


def test_layers_name_their_variables() -> None:
    assert Layer("stem", False, 3, 2, True).kernel == "stem/kernel"
    assert Layer("block_0_depthwise", True, 3, 1, True).kernel == "block_0_depthwise/depthwise_kernel"


def test_the_bias_of_a_dead_kernel_fits_int32(folded: tuple[NetworkSpec, Weights]) -> None:
    spec, weights = folded
    dead = {name: values.copy() for name, values in weights.items()}
    dead["stem/kernel"][..., 2] = 0
    dead["stem/kernel"][..., 3] = 1e-19 * weights["stem/kernel"][..., 3]
    dead["stem/bias"][2:4] = (1.25, -2.0)
    made = reconstruct(spec, dead, toy_pixels(16, seed=5)).weights
    largest = np.abs(made["stem/kernel"]).max(axis=(0, 1, 2))
    assert (np.abs(made["stem/bias"]) / (largest / 127 * (1 / 127.5)) < 2**31 / 3).all()
    assert largest[2] > 0 and np.count_nonzero(made["stem/kernel"][..., 2]) == 1
    np.testing.assert_allclose(made["stem/bias"][2:4], (1.25, -2.0), rtol=1e-3)
    assert largest[2:4].max() < 1e-4 * 2
