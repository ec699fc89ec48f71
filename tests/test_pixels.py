"""The pixel recipe: what every kind of picture becomes, upright, in RGB, and square."""

from __future__ import annotations

import struct
import subprocess
import sys
import zlib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image
from pixel_files import array, chunk, oriented, picture, saved

from melanoma_edge.errors import DataError
from melanoma_edge.pixels import decode, load_pixels, square

TURNS = {
    1: lambda a: a,
    2: lambda a: a[:, ::-1],
    3: lambda a: a[::-1, ::-1],
    4: lambda a: a[::-1],
    5: lambda a: a.swapaxes(0, 1),
    6: lambda a: np.rot90(a, 1),
    7: lambda a: a[::-1, ::-1].swapaxes(0, 1),
    8: lambda a: np.rot90(a, -1),
}
"""For each EXIF orientation, how an upright picture must be stored so that the tag makes it upright again."""


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("suffix", ["png", "tiff", "webp"])
def test_every_exif_orientation_gives_the_upright_picture(tmp_path: Path, suffix: str, orientation: int) -> None:
    upright = picture()
    options = {"lossless": True} if suffix == "webp" else {}
    path = saved(tmp_path / f"a.{suffix}", TURNS[orientation](upright), exif=oriented(orientation), **options)
    np.testing.assert_array_equal(array(path), upright)


@pytest.mark.parametrize("orientation", TURNS)
def test_jpeg_orientation_turns_the_decoded_pixels(tmp_path: Path, orientation: int) -> None:
    blocks = np.kron(picture(3, 2), np.ones((16, 16, 1), np.uint8))
    path = saved(tmp_path / "a.jpg", TURNS[orientation](blocks), exif=oriented(orientation), quality=100, subsampling=0)
    assert array(path).shape == blocks.shape
    assert np.abs(array(path).astype(int) - blocks).max() <= 3


@pytest.mark.parametrize("orientation", [0, 9, 65535])
def test_unknown_orientation_leaves_the_picture_as_stored(tmp_path: Path, orientation: int) -> None:
    path = saved(tmp_path / "a.png", picture(), exif=oriented(orientation))
    np.testing.assert_array_equal(array(path), picture())


@pytest.mark.parametrize("exif", [b"Exif\0\0garbage", b"Exif\0\0II*\0\x08\0\0\0\xff\xff\x12", b"Exif\0\0"])
def test_damaged_exif_leaves_the_picture_as_stored(tmp_path: Path, exif: bytes) -> None:
    path = saved(tmp_path / "a.jpg", picture(), exif=exif)
    plain = saved(tmp_path / "b.jpg", picture())
    np.testing.assert_array_equal(array(path), array(plain))


@pytest.mark.parametrize("size", [16, 64, 128])
def test_jpeg_files_are_decoded_in_full_even_for_small_squares(tmp_path: Path, size: int) -> None:
    path = saved(tmp_path / "a.jpg", picture(512, 512), quality=95)
    with Image.open(path) as whole, Image.open(path) as reduced:
        reduced.draft("RGB", (size, size))
        assert reduced.width < whole.width
        wanted, quick = (
            np.asarray(image.resize((size, size), Image.Resampling.BILINEAR)) for image in (whole, reduced)
        )
    assert (wanted != quick).any()
    np.testing.assert_array_equal(load_pixels(path, size), wanted)


def test_grey_becomes_three_equal_channels(tmp_path: Path) -> None:
    grey = picture()[..., 0]
    np.testing.assert_array_equal(array(saved(tmp_path / "a.png", grey)), np.stack([grey] * 3, axis=-1))


def test_one_bit_becomes_black_and_white(tmp_path: Path) -> None:
    bits = Image.fromarray(picture()[..., 0] > 127)
    assert bits.mode == "1"
    assert set(np.unique(array(saved(tmp_path / "a.png", bits)))) == {0, 255}


@pytest.mark.parametrize("suffix", ["png", "tiff"])
def test_16_bit_grey_keeps_its_high_byte(tmp_path: Path, suffix: str) -> None:
    deep = np.arange(65536, dtype=np.uint16).reshape(256, 256)
    result = array(saved(tmp_path / f"a.{suffix}", deep))
    np.testing.assert_array_equal(result, np.stack([(deep >> 8).astype(np.uint8)] * 3, axis=-1))


def test_16_bit_rgb_png_keeps_its_high_bytes(tmp_path: Path) -> None:
    deep = np.random.default_rng(1).integers(0, 65536, (4, 5, 3)).astype(">u2")
    lines = b"".join(b"\0" + row.tobytes() for row in deep)
    parts = [(b"IHDR", struct.pack(">IIBBBBB", 5, 4, 16, 2, 0, 0, 0)), (b"IDAT", zlib.compress(lines)), (b"IEND", b"")]
    path = tmp_path / "a.png"
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(chunk(*part) for part in parts))
    np.testing.assert_array_equal(array(path), (deep >> 8).astype(np.uint8))


def test_32_bit_grey_within_16_bits_is_read_as_16_bits(tmp_path: Path) -> None:
    deep = np.array([[0, 257, 65535]], dtype=np.int32)
    assert array(saved(tmp_path / "a.tiff", deep))[0, :, 0].tolist() == [0, 1, 255]


@pytest.mark.parametrize("values", [np.array([[-1, 5]], np.int32), np.array([[0, 65536]], np.int32)])
def test_grey_beyond_16_bits_is_refused(tmp_path: Path, values: NDArray[np.int32]) -> None:
    with pytest.raises(DataError, match="not 16-bit"):
        decode(saved(tmp_path / "a.tiff", values))


def test_floating_point_grey_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no defined range"):
        decode(saved(tmp_path / "a.tiff", np.ones((3, 3), np.float32)))


def test_palette_becomes_its_colours(tmp_path: Path) -> None:
    image = Image.fromarray(picture()).quantize(16)
    np.testing.assert_array_equal(array(saved(tmp_path / "a.png", image)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_opaque_alpha_is_accepted(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    np.testing.assert_array_equal(array(saved(tmp_path / "a.png", image)), np.asarray(image.convert("RGB")))


@pytest.mark.parametrize("mode", ["RGBA", "LA"])
def test_one_pixel_that_is_not_opaque_is_refused(tmp_path: Path, mode: str) -> None:
    image = Image.fromarray(picture()).convert(mode)
    alpha = Image.new("L", image.size, 255)
    alpha.putpixel((3, 4), 254)
    image.putalpha(alpha)
    with pytest.raises(DataError, match="transparent"):
        decode(saved(tmp_path / "a.png", image))


@pytest.mark.parametrize(("alphas", "accepted"), [(b"\xff" * 16, True), (b"\xff" * 15 + b"\0", False)])
def test_palette_transparency_counts_only_when_a_pixel_has_it(tmp_path: Path, alphas: bytes, accepted: bool) -> None:
    image = Image.frombytes("P", (4, 4), bytes(range(16)))
    image.putpalette(list(range(48)))
    path = saved(tmp_path / "a.png", image, transparency=alphas)
    if accepted:
        np.testing.assert_array_equal(array(path), np.asarray(image.convert("RGB")))
    else:
        with pytest.raises(DataError, match="transparent"):
            decode(path)


@pytest.mark.parametrize(("colour", "accepted"), [((9, 9, 9), False), ((1, 2, 3), True)])
def test_a_transparent_colour_counts_only_when_a_pixel_has_it(
    tmp_path: Path, colour: tuple[int, int, int], accepted: bool
) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (3, 3), (9, 9, 9)), transparency=colour)
    if accepted:
        assert array(path).max() == 9
    else:
        with pytest.raises(DataError, match="transparent"):
            decode(path)


def test_16_bit_grey_with_a_transparent_value_is_refused(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((3, 3), 700, np.uint16))
    with pytest.raises(DataError, match="transparent"):
        decode(saved(tmp_path / "a.png", deep, transparency=5))


def test_cmyk_without_profile_is_converted_by_subtraction(tmp_path: Path) -> None:
    image = Image.new("CMYK", (32, 32), (0, 255, 255, 0))
    red = array(saved(tmp_path / "a.jpg", image, quality=100))
    assert np.abs(red.astype(int) - (255, 0, 0)).max() <= 3


sides = st.integers(1, 90)


@given(sides, sides, st.integers(1, 40), st.tuples(*[st.integers(0, 255)] * 3))
def test_a_constant_picture_stays_constant(width: int, height: int, size: int, colour: tuple[int, int, int]) -> None:
    result = square(Image.new("RGB", (width, height), colour), size)
    assert result.shape == (size, size, 3) and result.dtype == np.uint8
    assert (result == colour).all()


@given(sides, sides)
def test_the_square_is_central_with_the_smaller_half_left_and_above(width: int, height: int) -> None:
    values, side = picture(width, height), min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    expected = values[top : top + side, left : left + side]
    np.testing.assert_array_equal(square(Image.fromarray(values), side), expected)


@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 20), st.integers(0, 255))
def test_nothing_outside_the_square_bleeds_in(side: int, margin: int, size: int, fill: int) -> None:
    inner = picture(side, side)
    framed = np.full((side, side + 2 * margin, 3), fill, np.uint8)
    framed[:, margin : margin + side] = inner
    np.testing.assert_array_equal(square(Image.fromarray(framed), size), square(Image.fromarray(inner), size))


@given(st.integers(1, 60), st.integers(1, 30))
def test_mirrored_pictures_give_mirrored_squares(side: int, size: int) -> None:
    values = picture(side, side)
    mirrored = square(Image.fromarray(np.ascontiguousarray(values[:, ::-1])), size)
    np.testing.assert_array_equal(mirrored[:, ::-1], square(Image.fromarray(values), size))


def test_shrinking_averages_instead_of_picking() -> None:
    board = (np.indices((512, 512)).sum(axis=0) % 2 * 255).astype(np.uint8)
    result = square(Image.fromarray(np.stack([board] * 3, axis=-1)), 32)
    assert np.abs(result.astype(int) - 127).max() <= 2


def test_large_jpegs_are_decoded_in_full_before_they_shrink(tmp_path: Path) -> None:
    values = np.asarray(Image.fromarray(picture(300, 200)).resize((1200, 800), Image.Resampling.BICUBIC))
    path = saved(tmp_path / "a.jpg", values, quality=95)
    with Image.open(path) as image:
        whole = np.asarray(image)
    assert decode(path).size == (1200, 800)
    np.testing.assert_array_equal(load_pixels(path, 64), square(Image.fromarray(whole), 64))


def test_the_result_may_be_written_to(tmp_path: Path) -> None:
    assert load_pixels(saved(tmp_path / "a.png", picture()), 8).flags.writeable


def test_colour_management_is_loaded_only_for_profiles(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", picture())
    code = (
        "import sys; from pathlib import Path; from melanoma_edge.pixels import load_pixels;"
        f"load_pixels(Path({str(path)!r}), 8); print('PIL.ImageCms' in sys.modules, 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]
