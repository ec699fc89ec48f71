"""Flags are right about what was drawn as often as is said."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.data.synthetic import SyntheticSpec
from melanoma_edge.data.synthetic.picture import render
from melanoma_edge.data.synthetic.scene import draw_patient, draw_scene
from melanoma_edge.data.synthetic.spec import plan
from melanoma_edge.evidence.photos import Photos, joined, photos_of
from melanoma_edge.pixels import square

COUNT, SIZE = 160, 160


@pytest.fixture(scope="module")
def drawn() -> tuple[Photos, dict[str, np.ndarray]]:
    """Draw pictures, measure them, and say what was drawn."""
    spec = SyntheticSpec(lesions=COUNT, image_size=SIZE, seed=11)
    views = plan(spec)[:COUNT]
    pictures = np.stack([square(Image.fromarray(render(spec, view)), SIZE) for view in views])
    scenes = [draw_scene(spec.seed, view.lesion, view.view) for view in views]
    truth = {
        "hair": np.array([draw_patient(spec.seed, view.lesion).hairs > 0 for view in views]),
        "ruler": np.array([scene.ruler > 0 for scene in scenes]),
        # The corners of the square lie 1.41 from the middle; the tube's edge is soft by 0.05.
        "dark_corners": np.array([0 < scene.tube < 1.32 for scene in scenes]),
        "none": np.array([scene.tube == 0 and scene.vignette < 0.3 for scene in scenes]),
    }
    return photos_of(pictures), truth


@pytest.mark.parametrize(("flag", "found", "spared"), [("hair", 0.6, 0.9), ("ruler", 0.85, 0.95)])
def test_hair_and_rulers_are_found(
    drawn: tuple[Photos, dict[str, np.ndarray]], flag: str, found: float, spared: float
) -> None:
    photos, truth = drawn
    flags, there = getattr(photos, flag), truth[flag]
    assert there.sum() >= 8
    assert flags[there].mean() >= found
    assert (~flags[~there]).mean() >= spared


def test_dark_corners_are_found_where_the_tube_reaches_into_the_square(
    drawn: tuple[Photos, dict[str, np.ndarray]],
) -> None:
    photos, truth = drawn
    assert truth["dark_corners"].sum() >= 5
    assert photos.dark_corners[truth["dark_corners"]].mean() >= 0.8
    assert photos.dark_corners[truth["none"]].mean() <= 0.02


def test_a_dark_lesion_in_one_corner_is_no_dark_corner() -> None:
    picture = np.full((1, 64, 64, 3), 180, np.uint8)
    picture[0, :20, :20] = 20
    assert not photos_of(picture).dark_corners[0]
    picture[0, -20:, :20] = 20
    assert photos_of(picture).dark_corners[0]


def test_luminance_is_the_mean_luma_and_pictures_come_in_slices() -> None:
    class Sliced:
        asked: list[int]

        def __init__(self, values: np.ndarray) -> None:
            self.values, self.asked = values, []

        def __len__(self) -> int:
            return len(self.values)

        def __getitem__(self, part: slice) -> np.ndarray:
            self.asked.append(len(self.values[part]))
            return self.values[part]

    values = np.zeros((130, 32, 32, 3), np.uint8)
    values[:, :, :, 1] = np.arange(130)[:, None, None]
    pictures = Sliced(values)
    told: list[int] = []
    found = photos_of(pictures, lambda task, done, total: told.append(done))
    assert found.luminance == pytest.approx(0.587 * np.arange(130))
    assert max(pictures.asked) <= 64 and sum(pictures.asked) == told[-1] == 130
    again = joined([photos_of(values[:50]), photos_of(values[50:])])
    assert (again.luminance == found.luminance).all() and (again.hair == found.hair).all()
