"""Augmentation: drawn from the seed alone, within range, and mild."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.training import augmentation
from melanoma_edge.training.augmentation import augmented, resized


@pytest.fixture(scope="module")
def pictures() -> np.ndarray:
    """Smooth pictures, uint8 ``[24, 40, 40, 3]``."""
    coarse = np.random.default_rng(0).integers(30, 220, (24, 5, 5, 3))
    return np.asarray(coarse.repeat(8, axis=1).repeat(8, axis=2), np.uint8)


def turned(images: np.ndarray, *seed: int, size: int = 32) -> np.ndarray:
    return np.asarray(augmented(images, size, np.array(seed, np.int32)))


def test_equal_seeds_give_equal_pictures_and_others_do_not(pictures: np.ndarray) -> None:
    first = turned(pictures, 3, 5)
    np.testing.assert_array_equal(first, turned(pictures, 3, 5))
    assert np.abs(first - turned(pictures, 3, 6)).mean() > 5
    assert np.abs(first - turned(pictures, 4, 5)).mean() > 5


def test_every_picture_of_a_batch_is_changed_in_its_own_way(pictures: np.ndarray) -> None:
    same = turned(np.repeat(pictures[:1], 8, axis=0), 0, 0)
    gaps = np.abs(same[:, None] - same[None]).mean(axis=(2, 3, 4))
    assert gaps[~np.eye(8, dtype=bool)].min() > 1


def test_resized_pictures_are_the_pictures(pictures: np.ndarray) -> None:
    seed = np.array([0, 0], np.int32)
    np.testing.assert_array_equal(resized(pictures, 40, seed), pictures.astype(np.float32))
    smaller = np.asarray(resized(pictures, 20, seed))
    assert (smaller.shape, smaller.dtype) == ((24, 20, 20, 3), np.float32)
    np.testing.assert_allclose(smaller.mean(axis=(1, 2)), pictures.mean(axis=(1, 2)), atol=2)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_shape_type_and_range(pictures: np.ndarray, size: int) -> None:
    found = turned(pictures, 1, 2, size=size)
    assert found.shape == (24, size, size, 3)
    assert found.dtype == np.float32
    assert found.min() >= 0
    assert found.max() <= 255
    assert np.isfinite(found).all()


def test_black_and_white_stay_within_the_colour_limits() -> None:
    shades = np.stack([np.full((40, 40, 3), value, np.uint8) for value in (0, 255)])
    found = turned(shades, 9, 9)
    assert found[0].max() <= augmentation.BRIGHTNESS
    assert found[1].min() >= 255 * (1 - augmentation.GAIN) - augmentation.BRIGHTNESS


def test_on_average_the_colour_stays(pictures: np.ndarray) -> None:
    found = np.stack([turned(pictures, 0, step) for step in range(20)])
    assert np.abs(found.mean(axis=(0, 1, 2, 3)) - pictures.mean(axis=(0, 1, 2))).max() < 4


def test_all_turns_and_both_hands_are_seen() -> None:
    """A picture bright in one corner: over many draws its corner lies everywhere."""
    corner = np.zeros((1, 40, 40, 3), np.uint8)
    corner[:, :16, :16] = 255
    found = turned(np.repeat(corner, 200, axis=0), 0, 0)[..., 0]
    quadrants = [found[:, rows, columns].mean(axis=(1, 2)) for rows in _HALVES for columns in _HALVES]
    assert np.bincount(np.argmax(quadrants, axis=0), minlength=4).min() >= 25
    # Handedness: a second, half-bright corner follows the first clockwise or not.
    corner[:, :16, -16:] = 128
    both = turned(np.repeat(corner, 200, axis=0), 0, 0)[..., 0]
    top_left, top_right, bottom_left, bottom_right = (both[:, r, c].mean(axis=(1, 2)) for r in _HALVES for c in _HALVES)
    circle = np.stack([top_left, top_right, bottom_right, bottom_left])
    brightest = circle.argmax(axis=0)
    after, before = (np.take_along_axis(circle, ((brightest + step) % 4)[None], 0)[0] for step in (1, -1))
    assert 60 <= (after > before).sum() <= 140


_HALVES = (slice(None, 12), slice(-12, None))


def test_without_zoom_shift_turn_and_colour_it_is_a_plain_resize(
    pictures: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    from melanoma_edge.model.legacy_keras import load_tensorflow

    tensorflow, _ = load_tensorflow()

    def still(shape: list[int], *_: object) -> object:
        draws = np.full(shape, 0.5, np.float32)
        if shape[0] == 5:  # places: no turn, not mirrored, zoom 1, no shift
            draws[0] = 0
            draws[1:] = np.array([1.0, (1 - augmentation.ZOOM[0]) / np.ptp(augmentation.ZOOM), 0.5, 0.5])[:, None]
        return draws

    monkeypatch.setattr(tensorflow.random, "stateless_uniform", still)
    monkeypatch.setattr(tensorflow.random, "stateless_uniform", lambda shape, *rest: still([int(n) for n in shape]))
    resized = tensorflow.image.resize(pictures, (32, 32)).numpy()
    np.testing.assert_allclose(turned(pictures, 0, 0), resized, atol=0.01)
