"""The network of the tutorials: their layers, and a dense layer written as a convolution."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.errors import UsageError
from melanoma_edge.model.classifier import explained_model, get_weights, inference_model, scaled
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import check_mobilenet, network


def test_half_width_is_the_network_of_tensorflows_tutorial() -> None:
    model = build(network("tutorial-cnn", 0.5, 180, 5))
    assert model.count_params() == 3_989_285, "as the tutorial prints for its five classes"
    assert [
        layer.filters for layer in build(network("tutorial-cnn", 1.0, 32, 3)).layers if hasattr(layer, "filters")
    ] == [
        32,
        64,
        128,
        128,
        3,
    ]


def test_it_computes_what_flatten_and_dense_compute() -> None:
    _, keras = load_tensorflow()
    spec = network("tutorial-cnn", 0.25, 36, 4)
    ours = build(spec)
    layers = keras.layers
    plain = keras.Sequential(
        [
            keras.Input((36, 36, 3)),
            *(
                layer
                for channels in (8, 16, 32)
                for layer in (layers.Conv2D(channels, 3, padding="same", activation="relu"), layers.MaxPooling2D())
            ),
            layers.Flatten(),
            layers.Dense(128, activation="relu"),
            layers.Dense(4),
        ]
    )
    values = ours.get_weights()
    plain.set_weights(
        [value.reshape(shape) for value, shape in zip(values, map(np.shape, plain.get_weights()), strict=True)]
    )
    images = scaled(np.random.default_rng(0).integers(0, 256, (3, 36, 36, 3)).astype(np.float32))
    np.testing.assert_allclose(ours(images), plain(images), atol=1e-5)


def test_a_flattened_map_has_one_place_to_explain() -> None:
    spec = network("tutorial-cnn", 0.25, 32, 3)
    weights = get_weights(build(spec))
    image = np.random.default_rng(0).integers(0, 256, (2, 32, 32, 3)).astype(np.float32)
    answers = explained_model(spec, weights, 1.5)(image)
    assert (answers["embedding"].shape, answers["cam"].shape) == ((2, 128), (2, 1, 1, 3))
    expected = np.asarray(inference_model(spec, weights, 1.5)(image))
    np.testing.assert_allclose(answers["probabilities"], expected, atol=1e-6)
    powers = np.exp(np.asarray(answers["cam"])[:, 0, 0])
    np.testing.assert_allclose(powers / powers.sum(axis=1, keepdims=True), expected, atol=1e-5)


def test_sizes_are_multiples_of_four_and_others_are_answered_with_the_next() -> None:
    assert network("tutorial-cnn", 1.0, 180, 2).image_size == 180
    with pytest.raises(UsageError, match="181 is not a multiple of 4") as caught:
        network("tutorial-cnn", 1.0, 181, 2)
    assert caught.value.fix == "use 180"


def test_what_is_for_mobilenets_refuses_it() -> None:
    check_mobilenet(network("mobilenet_v1", 0.25, 96, 2), "thinning", "run")
    with pytest.raises(UsageError, match="thinning is for MobileNets, not for tutorial-cnn"):
        check_mobilenet(network("tutorial-cnn", 1.0, 180, 2), "thinning", "run")
