"""Pictures that are no lesions: drawn the same from the same seed, read from folders in order."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.errors import DataError
from melanoma_edge.evidence.strange import JUNK_IMAGES, folder_pictures, junk


def test_junk_is_drawn_alike_from_one_seed_and_otherwise_from_another() -> None:
    first, again, other = ([list(kind.photos()) for kind in junk(seed)] for seed in (0, 0, 1))
    names = [kind.name for kind in junk(0)]
    assert names == ["drawn noise", "drawn text", "drawn flat colour", "drawn gradient"]
    for mine, same, different in zip(first, again, other, strict=True):
        assert len(mine) == JUNK_IMAGES
        assert all(np.array_equal(one, two) for one, two in zip(mine, same, strict=True))
        assert sum(np.array_equal(one, two) for one, two in zip(mine, different, strict=True)) == 0


def test_kinds_of_junk_look_like_what_they_are_called() -> None:
    noise, text, flat, gradient = ([np.asarray(photo, float) for photo in kind.photos()] for kind in junk(0))
    assert all(len(np.unique(photo.reshape(-1, 3), axis=0)) == 1 for photo in flat)
    assert all(np.abs(np.diff(photo, axis=0)).max() <= 2 for photo in gradient)
    assert all(photo.std() > 20 for photo in (*noise, *text))


def test_a_folder_is_walked_in_order_and_what_cannot_be_read_is_told(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    Image.new("RGB", (40, 30), (9, 9, 9)).save(tmp_path / "b" / "2.png")
    Image.new("RGB", (50, 30), (9, 9, 9)).save(tmp_path / "1.PNG")
    (tmp_path / "b" / "3.jpg").write_bytes(b"no picture")
    (tmp_path / "notes.txt").write_text("no picture")
    found = folder_pictures(tmp_path)
    assert found.count == 3
    assert [photo and photo.size for photo in found.photos()] == [(50, 30), (40, 30), None]


@pytest.mark.parametrize(("name", "says"), [("", "holds no image"), ("nothere", "no such folder")])
def test_a_folder_without_pictures_is_an_error_and_so_is_one_that_is_not_there(
    tmp_path: Path, name: str, says: str
) -> None:
    with pytest.raises(DataError, match=says):
        folder_pictures(tmp_path / name)
