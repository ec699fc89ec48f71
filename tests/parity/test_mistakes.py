"""Known mistakes: each changes what it says, and sizes are found again by fitting."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.parity.mistakes import ANSWERS, PREPARATIONS, favoured, geometries, tempered
from melanoma_edge.pixels import square


def probabilities(seed: int = 0) -> Any:
    raised = np.exp(np.random.default_rng(seed).normal(size=(40, 4)))
    return raised / raised.sum(axis=1, keepdims=True)


@pytest.mark.parametrize("name", PREPARATIONS)
def test_a_mistake_changes_pixels_and_keeps_their_shape(name: str) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (3, 16, 16, 3)).astype(np.float32)
    found = PREPARATIONS[name][1](pixels)
    assert found.shape == pixels.shape and not np.array_equal(found, pixels)


def test_scalings_are_those_of_the_graph() -> None:
    """The graph makes ``(x - 128) / 127.5`` of what it is given."""
    pixels = np.array([0.0, 64.0, 255.0], np.float32).reshape(1, 1, 1, 3)

    def graph(values: Any) -> Any:
        return (values - 128) / 127.5

    assert np.allclose(graph(PREPARATIONS["scaled_to_one"][1](pixels)), pixels / 255)
    assert np.allclose(graph(PREPARATIONS["scaled_twice"][1](pixels)), graph(graph(pixels)))
    assert np.allclose(graph(PREPARATIONS["not_scaled"][1](pixels)), pixels)


@pytest.mark.parametrize("name", ANSWERS)
def test_mistaken_answers_are_still_probabilities(name: str) -> None:
    found = ANSWERS[name][1](probabilities())
    assert np.allclose(found.sum(axis=1), 1)


def test_a_temperature_is_found_again() -> None:
    before = probabilities()
    after = before**3 / (before**3).sum(axis=1, keepdims=True)
    sentence, found = tempered(before, after)
    assert sentence == "logits are multiplied by 3"
    assert np.allclose(found, after, atol=1e-6)


def test_a_favoured_class_is_found_again() -> None:
    before = probabilities()
    after = before * np.array([1, 1, np.exp(4), 1])
    after /= after.sum(axis=1, keepdims=True)
    sentence, found = favoured(before, after)
    assert sentence.startswith("the logit of class 2 is moved by +3")
    assert np.allclose(found, after, atol=1e-6)


def test_other_crops_and_kernels_are_made_of_the_pictures_themselves() -> None:
    wide = Image.fromarray(np.random.default_rng(0).integers(0, 256, (40, 60, 3), np.uint8))
    right = square(wide, 16).astype(np.float32)
    ways = geometries([wide], 16)
    assert set(ways) == {"squashed", "corner_crop", "nearest", "bicubic", "without_antialias"}
    for name, (_, pixels) in ways.items():
        assert pixels.shape == (1, 16, 16, 3) and not np.array_equal(pixels[0], right), name
