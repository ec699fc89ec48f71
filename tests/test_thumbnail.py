"""Small pictures inside a page."""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image
from pixel_files import oriented, picture, saved

from melanoma_edge.thumbnail import thumbnail


@pytest.mark.parametrize(("width", "height", "size"), [(300, 200, (60, 40)), (20, 30, (20, 30))])
def test_a_picture_is_made_small_and_never_larger(
    tmp_path: Path, width: int, height: int, size: tuple[int, int]
) -> None:
    kind, _, data = thumbnail(saved(tmp_path / "a.png", picture(width, height)), 60).partition(",")
    assert kind == "data:image/jpeg;base64"
    with Image.open(BytesIO(base64.b64decode(data))) as image:
        assert (image.format, image.size) == ("JPEG", size)


def test_it_stands_upright(tmp_path: Path) -> None:
    address = thumbnail(saved(tmp_path / "a.png", picture(300, 200), exif=oriented(6)), 60)
    with Image.open(BytesIO(base64.b64decode(address.partition(",")[2]))) as image:
        assert image.size == (40, 60)


def test_what_cannot_be_decoded_is_not_shown(tmp_path: Path) -> None:
    (tmp_path / "a.png").write_text("no picture")
    assert thumbnail(tmp_path / "a.png", 60) == thumbnail(tmp_path / "none.png", 60) == ""
