"""The photos of golden vectors."""

from __future__ import annotations

import io
from collections import Counter

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.bundle.golden import upright
from melanoma_edge.bundle.photos import SHOTS, TRIES, Shot


def test_every_orientation_and_both_formats_are_there() -> None:
    jpegs = [shot for shot in SHOTS if shot.format == "jpeg"]
    assert sorted(shot.orientation for shot in jpegs) == list(range(1, 9))
    assert Counter(shot.format for shot in SHOTS) == {"jpeg": 8, "png": 2}
    assert {shot.refer for shot in SHOTS} == {True, False}


def test_they_are_large_and_of_many_shapes() -> None:
    assert all(min(shot.width, shot.height) >= 1000 and max(shot.width, shot.height) <= 1600 for shot in SHOTS)
    shapes = {np.sign(shot.width - shot.height) for shot in SHOTS}
    assert shapes == {-1, 0, 1}
    assert any((shot.width - shot.height) % 2 for shot in SHOTS), "an odd remainder shows how the square is cut"


@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_stands_upright_when_it_is_read(orientation: int) -> None:
    shot = Shot("01", 120, 90, "MEL", True, orientation, options={"quality": 100, "subsampling": "4:4:4"})
    trial = next(iter(shot.trials()))
    data = trial.file()
    assert Image.open(io.BytesIO(data)).size == ((120, 90) if orientation < 5 else (90, 120))
    wanted = np.asarray(shot._draw(next(iter(shot.trials())).file.args[0])).astype(int)  # type: ignore[attr-defined]
    found = np.asarray(upright(data, "x")).astype(int)
    assert np.abs(wanted - found).mean() < 2


def test_trials_are_the_same_each_time_and_of_different_lesions() -> None:
    shot = Shot("01", 64, 48, "MEL", True)
    first, second = ([trial.file() for trial in shot.trials()] for _ in range(2))
    assert first == second
    assert len(set(first)) == TRIES


@pytest.mark.parametrize("label", ["MEL", None])
def test_no_two_batches_share_a_photo(label: str | None) -> None:
    shot = Shot("01", 64, 48, label, True)
    files = {trial.file() for batch in range(3) for trial in shot.trials(batch)}
    assert len(files) == 3 * TRIES


@pytest.mark.parametrize("batch", [0, 2])
def test_what_is_looked_at_first_is_the_photo_made_smaller(batch: int) -> None:
    for trial in list(Shot("01", 640, 480, "MEL", True).trials(batch))[:2]:
        small, photo = trial.glance(), upright(trial.file(), "x")
        far = np.asarray(small).astype(int) - np.asarray(photo.resize(small.size))
        assert np.abs(far).mean() < 5


def test_no_two_shots_share_a_lesion() -> None:
    melanomas = [shot for shot in SHOTS if shot.label == "MEL"]
    views = [trial.file.args[0] for shot in melanomas for trial in shot.trials()]  # type: ignore[attr-defined]
    assert len(set(views)) == len(views) == TRIES * len(melanomas)


def test_rings_are_grey_and_as_fine_as_pixels() -> None:
    shot = SHOTS[-1]
    pixels = np.asarray(upright(next(iter(shot.trials())).file(), "x")).astype(int)
    assert pixels.shape == (shot.height, shot.width, 3)
    assert (pixels == pixels[..., :1]).all()
    assert len(np.unique(pixels)) == 8
    far = pixels[-200:, -200:, 0]
    assert np.abs(np.diff(far, axis=1)).mean() > 40
