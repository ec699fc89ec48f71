"""Changes of photos: each does what its name says, and nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.evidence.perturb import GREY, changes, resizings, turns, without_lesion
from melanoma_edge.pixels import square

SIZE = 80


@pytest.fixture
def picture() -> np.ndarray:
    coarse = np.random.default_rng(0).integers(80, 200, (6, 6, 3), np.uint8)
    return np.asarray(Image.fromarray(coarse).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def made(picture: np.ndarray, kind: str, value: str, seed: int = 0, number: int = 0) -> np.ndarray:
    (change,) = [one for one in (*turns(), *changes(seed)) if (one.kind, one.value) == (kind, value)]
    return change.make(picture, number)


def test_every_change_gives_another_square_and_leaves_the_first_alone() -> None:
    picture = np.random.default_rng(1).integers(40, 200, (SIZE, SIZE, 3), np.uint8)
    before = picture.copy()
    for change in (*turns(), *changes(0)):
        after = change.make(picture, 0)
        assert after.shape == picture.shape and after.dtype == np.uint8, change.value
        assert not np.array_equal(after, picture), change.value
    assert np.array_equal(picture, before)


def test_turns_move_pixels_and_change_none(picture: np.ndarray) -> None:
    found = [one.make(picture, 0) for one in turns()]
    assert len(found) == 5
    assert len({one.tobytes() for one in found} | {picture.tobytes()}) == 6
    assert all(np.array_equal(np.sort(one, axis=None), np.sort(picture, axis=None)) for one in found)
    assert np.array_equal(np.rot90(found[0], 3), picture)


def test_brightness_scales_and_cuts_off(picture: np.ndarray) -> None:
    assert made(picture, "brightness", "x0.5") == pytest.approx(picture / 2, abs=0.51)
    assert made(picture, "brightness", "x1.5").max() == 255


def test_warmer_light_has_more_red_and_less_blue(picture: np.ndarray) -> None:
    change = made(picture, "colour temperature", "warmer").astype(int) - picture
    assert change[..., 0].min() > 0 > change[..., 2].max() and not change[..., 1].any()


def test_blur_and_compression_take_detail_away(picture: np.ndarray) -> None:
    noisy = np.random.default_rng(1).integers(0, 256, picture.shape, np.uint8)
    spread = [made(noisy, "blur", f"sigma {sigma} at 256 pixels").std() for sigma in (1, 2)]
    assert noisy.std() > spread[0] > spread[1]
    errors = [np.abs(made(noisy, "JPEG", f"quality {q}").astype(int) - noisy).mean() for q in (90, 70, 50, 30)]
    assert errors == sorted(errors) and errors[0] > 0


def test_a_shift_moves_a_tenth(picture: np.ndarray) -> None:
    right, down = (made(picture, "shift", f"10% {where}") for where in ("to the right", "down"))
    assert np.array_equal(right[:, 8:], picture[:, :-8]) and np.array_equal(right[:, 0], picture[:, 0])
    assert np.array_equal(down[8:], picture[:-8])


def test_hair_is_drawn_by_seed_and_number(picture: np.ndarray) -> None:
    first, same, other, another = (
        made(picture, "drawn", "hair", seed, number) for seed, number in ((0, 0), (0, 0), (0, 1), (1, 0))
    )
    assert np.array_equal(first, same)
    assert not np.array_equal(first, other) and not np.array_equal(first, another)
    darker = (first.astype(int) - picture).min(axis=-1) < -20
    assert 0.005 < darker.mean() < 0.4


def test_a_ruler_stands_at_one_border_and_dark_corners_in_the_corners(picture: np.ndarray) -> None:
    marked = np.abs(made(picture, "drawn", "ruler").astype(int) - picture).max(axis=-1) > 20
    rows = np.flatnonzero(marked.any(axis=1))
    assert len(rows) and (rows.max() < 0.2 * SIZE or rows.min() > 0.8 * SIZE)
    dark = made(picture, "drawn", "dark corners")
    assert dark[0, 0].max() == dark[-1, 0].max() == 0
    middle = np.s_[SIZE // 4 : 3 * SIZE // 4, SIZE // 4 : 3 * SIZE // 4]
    assert np.abs(dark[middle].astype(int) - picture[middle]).max() <= 1


def test_the_lesion_is_hidden_and_the_rest_is_not(picture: np.ndarray) -> None:
    covered = without_lesion(picture, 0)
    assert (covered[12:68, 12:68] == GREY).all()
    assert np.array_equal(covered[:12], picture[:12]) and np.array_equal(covered[:, 68:], picture[:, 68:])


def test_other_kernels_make_other_squares_of_the_same_place(picture: np.ndarray) -> None:
    big = Image.fromarray(np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8))
    smooth = Image.fromarray(picture).resize((400, 400), Image.Resampling.BICUBIC)
    names = {one.value for one in resizings()}
    assert names == {"bicubic", "nearest", "bilinear without antialiasing"}
    for one in resizings():
        assert not np.array_equal(one.make(big, 64), square(big, 64)), one.value
        assert np.abs(one.make(smooth, 64).astype(int) - square(smooth, 64)).mean() < 3, one.value
