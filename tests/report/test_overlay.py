from __future__ import annotations

import io

import numpy as np
from PIL import Image

from melanoma_edge.report.overlay import SIDE, overlay

GREY = np.full((64, 64, 3), 120, np.uint8)


def halves(png: bytes) -> tuple[np.ndarray, np.ndarray]:
    both = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))
    assert both.shape == (SIDE, 2 * SIDE, 3)
    return both[:, :SIDE].astype(int), both[:, SIDE:].astype(int)


def test_a_score_of_zero_changes_no_pixel() -> None:
    photo, marked = halves(overlay(GREY, np.zeros((5, 5))))
    np.testing.assert_array_equal(photo, marked)
    assert (photo == 120).all()


def test_the_place_with_the_score_is_green_and_the_others_are_not() -> None:
    scores = np.zeros((4, 4))
    scores[0, 3] = 1.0
    photo, marked = halves(overlay(GREY, scores))
    changed = np.abs(marked - photo).sum(axis=-1)
    rows, columns = np.nonzero(changed == changed.max())
    assert rows.max() < SIDE // 4 and columns.min() >= 3 * SIDE // 4
    red, green, _ = marked[rows[0], columns[0]]
    assert green > 120 > red
    assert changed[SIDE // 2 :, : SIDE // 2].max() == 0


def test_the_scale_is_the_same_for_every_image() -> None:
    _, faint = halves(overlay(GREY, np.full((3, 3), 0.1)))
    _, strong = halves(overlay(GREY, np.full((3, 3), 0.9)))
    assert 0 < np.abs(faint - 120).max() < np.abs(strong - 120).max() / 4
    assert overlay(GREY, np.full((3, 3), 2.0)) == overlay(GREY, np.full((3, 3), 1.0))


def test_equal_input_gives_equal_bytes() -> None:
    scores = np.linspace(0, 1, 25).reshape(5, 5)
    assert overlay(GREY, scores) == overlay(GREY, scores)
