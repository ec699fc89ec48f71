"""One look at a file: what it says of itself and what it holds."""

import hashlib
from pathlib import Path

import numpy as np
import pytest
from pictures import lesion, save
from PIL import Image, ImageCms

from melanoma_edge.data.likeness.look import SIDE, THUMB_BYTES, brightness, colour, look_at, stamp


def _exif(**tags: object) -> Image.Exif:
    exif = Image.Exif()
    for tag, value in tags.items():
        exif[{"orientation": 0x0112, "make": 0x010F, "model": 0x0110}[tag]] = value
    return exif


def test_a_file_is_described(tmp_path: Path) -> None:
    path = save(lesion(1, 200, 100), tmp_path / "a.jpg")
    look, thumb = look_at(path)
    assert (look.path, look.format, look.width, look.height, look.mode) == (str(path), "JPEG", 200, 100, "RGB")
    assert (look.problem, look.orientation, look.profile, look.camera) == ("", 1, "", "")
    assert look.sha256 == hashlib.sha256(path.read_bytes()).hexdigest()
    assert (look.bytes, look.modified) == stamp(path)
    mean = np.asarray(Image.open(path).convert("RGB"), float).mean(axis=(0, 1))
    assert np.allclose(look.colour, mean, atol=1)
    assert len(thumb) == THUMB_BYTES


def test_equal_pixels_are_known_whatever_the_file(tmp_path: Path) -> None:
    picture = lesion(1)
    one, _ = look_at(save(picture, tmp_path / "a.png"))
    other, _ = look_at(save(picture, tmp_path / "b.bmp"))
    assert one.pixels == other.pixels and one.sha256 != other.sha256
    assert one.pixels != look_at(save(lesion(2), tmp_path / "c.png"))[0].pixels


def test_orientation_camera_and_profile_are_read(tmp_path: Path) -> None:
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    picture = lesion(1, 120, 80)
    exif = _exif(orientation=6, make="Acme", model="Scope 3\0")
    look, _ = look_at(save(picture, tmp_path / "a.jpg", exif=exif, icc_profile=profile.tobytes()))
    assert (look.orientation, look.camera) == (6, "Acme Scope 3")
    assert "sRGB" in look.profile
    assert (look.width, look.height) == (120, 80)


def test_a_turned_file_has_the_thumbnail_of_the_upright_picture(tmp_path: Path) -> None:
    picture = lesion(1)
    turned, thumb = look_at(
        save(picture.transpose(Image.Transpose.ROTATE_90), tmp_path / "a.png", exif=_exif(orientation=6))
    )
    upright, same = look_at(save(picture, tmp_path / "b.png"))
    assert turned.pixels == upright.pixels and thumb == same


@pytest.mark.parametrize(
    ("data", "problem"), [(b"", "empty"), (b"no picture", "not an image"), (None, "does not exist")]
)
def test_what_cannot_be_decoded_is_said(tmp_path: Path, data: bytes | None, problem: str) -> None:
    path = tmp_path / "a.jpg"
    if data is not None:
        path.write_bytes(data)
    look, thumb = look_at(path)
    assert problem in look.problem and thumb == b"" and look.pixels == ""
    assert bool(look.sha256) == (data is not None)


def test_a_cut_off_file_still_says_what_it_is(tmp_path: Path) -> None:
    path = save(lesion(1), tmp_path / "a.jpg")
    path.write_bytes(path.read_bytes()[:-400])
    look, _ = look_at(path)
    assert (look.format, look.width) == ("JPEG", 160) and look.problem


def test_dark_corners_and_detail_are_measured(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(100, 156, (320, 320, 3), np.uint8)
    noise[:60, :60] = 0
    sharp, _ = look_at(save(Image.fromarray(noise), tmp_path / "a.png"))
    assert sharp.corners[0] < 10 and min(sharp.corners[1:]) > 90
    small = Image.fromarray(noise).resize((160, 160))
    large, _ = look_at(save(small.resize((320, 320), Image.Resampling.BICUBIC), tmp_path / "b.png"))
    assert large.detail < 0.3 * sharp.detail


def test_thumbnails_hold_brightness_and_colour(tmp_path: Path) -> None:
    _, thumb = look_at(save(Image.new("RGB", (50, 40), (255, 0, 0)), tmp_path / "a.png"))
    thumbs = np.frombuffer(thumb, np.uint8)[None]
    assert brightness(thumbs).shape == (1, SIDE, SIDE) and np.allclose(brightness(thumbs), 76, atol=1)
    assert np.allclose(colour(thumbs)[0, 1], 255, atol=1) and colour(thumbs)[0, 0].mean() < 100


def test_a_picture_of_one_pixel_is_no_trouble(tmp_path: Path) -> None:
    look, thumb = look_at(save(Image.new("RGB", (1, 1), (9, 9, 9)), tmp_path / "a.png"))
    assert (look.problem, look.detail, len(thumb)) == ("", 0.0, THUMB_BYTES)
