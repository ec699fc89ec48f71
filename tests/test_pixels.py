"""The pixel recipe: what every kind of file becomes, and what is refused."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageCms, ImageFile

from melanoma_edge import pixels
from melanoma_edge.errors import DataError, MachineError
from melanoma_edge.pixels import decode, load_pixels, square

patient = settings(deadline=None)

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


def picture(width: int = 23, height: int = 17, seed: int = 0) -> NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def saved(path: Path, image: Image.Image | NDArray[Any], **options: Any) -> Path:
    if not isinstance(image, Image.Image):
        image = Image.fromarray(np.ascontiguousarray(image))
    image.save(path, **options)
    return path


def oriented(orientation: int) -> Image.Exif:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return exif


def array(path: Path) -> NDArray[np.uint8]:
    image = decode(path)
    assert image.mode == "RGB"
    return np.asarray(image)


def encoded(kind: str, **options: Any) -> bytes:
    stream = io.BytesIO()
    smooth = Image.fromarray(picture(9, 7)).resize((90, 70), Image.Resampling.BICUBIC)
    smooth.save(stream, kind, **options)
    return stream.getvalue()


# --- orientation ---------------------------------------------------------------------------------


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


# --- modes ---------------------------------------------------------------------------------------


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


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


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


# --- colour profiles -----------------------------------------------------------------------------


def srgb_profile() -> bytes:
    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def swapped_profile() -> bytes:
    """An RGB profile whose red means blue and whose blue means red."""
    return srgb_profile().replace(b"rXYZ", b"tttt").replace(b"bXYZ", b"rXYZ").replace(b"tttt", b"bXYZ")


def icc(kind: bytes, space: bytes, pcs: bytes, tags: dict[bytes, bytes]) -> bytes:
    """Assemble a colour profile of version 2 (ICC.1:2001-04)."""
    tags = {
        b"desc": b"desc\0\0\0\0" + struct.pack(">I", 2) + b"x\0" + bytes(78),
        b"cprt": b"text\0\0\0\0x\0",
        b"wtpt": b"XYZ \0\0\0\0" + struct.pack(">iii", 63190, 65536, 54061),
        **tags,
    }
    table, body, start = b"", b"", 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += struct.pack(">4sII", name, start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    content = struct.pack(">I", len(tags)) + table + body
    white = struct.pack(">iii", 63190, 65536, 54061)
    head = struct.pack(
        ">I4sI4s4s4s12s4s", 128 + len(content), bytes(4), 0x02400000, kind, space, pcs, bytes(12), b"acsp"
    )
    return head + bytes(28) + white + bytes(48) + content


LINEAR = b"curv\0\0\0\0" + struct.pack(">I", 0)


def grey_profile() -> bytes:
    return icc(b"mntr", b"GRAY", b"XYZ ", {b"kTRC": LINEAR})


def linear_rgb_profile() -> bytes:
    """sRGB's primaries, adapted to D50, without its curve."""
    primaries = {b"r": (0.4361, 0.2225, 0.0139), b"g": (0.3851, 0.7169, 0.0971), b"b": (0.1431, 0.0606, 0.7141)}
    tags = {name + b"TRC": LINEAR for name in primaries}
    for name, values in primaries.items():
        tags[name + b"XYZ"] = b"XYZ \0\0\0\0" + struct.pack(">iii", *(round(value * 65536) for value in values))
    return icc(b"mntr", b"RGB ", b"XYZ ", tags)


def cmyk_profile() -> bytes:
    """A press whose only working ink is black: lightness 100 without it and 0 with it."""
    corners = b"".join(bytes([0 if corner & 1 else 255, 128, 128]) for corner in range(16))
    identity = bytes(range(256))
    matrix = struct.pack(">9i", 65536, 0, 0, 0, 65536, 0, 0, 0, 65536)
    lut = b"mft1\0\0\0\0" + bytes([4, 3, 2, 0]) + matrix + identity * 4 + corners + identity * 3
    return icc(b"prtr", b"CMYK", b"Lab ", {b"A2B0": lut})


def test_an_rgb_profile_is_honoured(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("RGB", (8, 8), (250, 20, 5)), icc_profile=swapped_profile())
    assert np.abs(array(path)[0, 0].astype(int) - (5, 20, 250)).max() <= 1


def test_an_srgb_profile_changes_nothing(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", picture(200, 200), icc_profile=srgb_profile())
    assert np.abs(array(path).astype(int) - picture(200, 200)).max() <= 1


def test_a_palette_goes_through_its_rgb_profile(tmp_path: Path) -> None:
    image = Image.new("RGB", (8, 8), (250, 20, 5)).quantize(4)
    path = saved(tmp_path / "a.png", image, icc_profile=swapped_profile())
    assert np.abs(array(path)[0, 0].astype(int) - (5, 20, 250)).max() <= 1


def test_a_grey_profile_is_honoured(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (8, 8), 128), icc_profile=grey_profile())
    # Linear 128/255 lies at 188 on the sRGB curve (IEC 61966-2-1).
    assert np.abs(array(path)[0, 0].astype(int) - 188).max() <= 1


def test_a_16_bit_grey_goes_through_its_profile(tmp_path: Path) -> None:
    deep = Image.fromarray(np.full((4, 4), 128 << 8, np.uint16))
    path = saved(tmp_path / "a.png", deep, icc_profile=grey_profile())
    assert np.abs(array(path)[0, 0].astype(int) - 188).max() <= 1


def test_grey_goes_through_an_rgb_profile_as_equal_channels(tmp_path: Path) -> None:
    path = saved(tmp_path / "a.png", Image.new("L", (8, 8), 128), icc_profile=linear_rgb_profile())
    assert np.abs(array(path).astype(int) - 188).max() <= 1


def test_a_cmyk_profile_is_honoured(tmp_path: Path) -> None:
    for ink, expected in [((255, 255, 255, 0), 255), ((0, 0, 0, 255), 0)]:
        path = saved(tmp_path / "a.tiff", Image.new("CMYK", (8, 8), ink), icc_profile=cmyk_profile())
        assert np.abs(array(path)[0, 0].astype(int) - expected).max() <= 3


@pytest.mark.parametrize("profile", [grey_profile(), cmyk_profile()])
def test_a_profile_for_another_colour_space_is_ignored(tmp_path: Path, profile: bytes) -> None:
    path = saved(tmp_path / "a.png", picture(), icc_profile=profile)
    np.testing.assert_array_equal(array(path), picture())


@pytest.mark.parametrize("profile", [b"nonsense", srgb_profile()[:200], icc(b"mntr", b"RGB ", b"XYZ ", {})])
def test_a_damaged_profile_is_refused(tmp_path: Path, profile: bytes) -> None:
    with pytest.raises(DataError, match="colour profile is damaged"):
        decode(saved(tmp_path / "a.png", picture(), icc_profile=profile))


# --- files that are refused ----------------------------------------------------------------------


@pytest.mark.parametrize("suffix", ["gif", "png", "webp", "tiff"])
def test_more_than_one_frame_is_refused(tmp_path: Path, suffix: str) -> None:
    frames = [Image.fromarray(picture(seed=seed)) for seed in (1, 2)]
    frames[0].save(tmp_path / f"a.{suffix}", save_all=True, append_images=frames[1:])
    with pytest.raises(DataError, match="more than one frame"):
        decode(tmp_path / f"a.{suffix}")


@pytest.mark.parametrize("suffix", ["gif", "bmp"])
def test_a_single_frame_is_accepted(tmp_path: Path, suffix: str) -> None:
    assert load_pixels(saved(tmp_path / f"a.{suffix}", picture()), 8).shape == (8, 8, 3)


def test_of_a_phones_mpo_file_the_photograph_is_taken(tmp_path: Path) -> None:
    photograph, gain_map = Image.new("RGB", (64, 48), (200, 30, 30)), Image.new("RGB", (16, 12), (0, 255, 0))
    photograph.save(tmp_path / "a.jpg", "MPO", save_all=True, append_images=[gain_map])
    with Image.open(tmp_path / "a.jpg") as image:
        assert image.format == "MPO"
    assert np.abs(array(tmp_path / "a.jpg").astype(int) - (200, 30, 30)).max() <= 3
    assert decode(tmp_path / "a.jpg").size == (64, 48)


def write_text(path: Path) -> None:
    path.write_text("not a picture")


def write_heic(path: Path) -> None:
    path.write_bytes(b"\0\0\0\x18ftypheic\0\0\0\0mif1heic" + bytes(64))


def write_raw(path: Path) -> None:
    Image.fromarray(picture()).save(path, "TIFF", tiffinfo={0xC612: (1, 4, 0, 0)})


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: None, "does not exist"),
        (lambda path: path.mkdir(), "a folder is not an image"),
        (lambda path: os.mkfifo(path), "not a regular file"),
        (lambda path: path.touch(), "empty"),
        (write_text, "known format"),
        (write_heic, r"HEIC(.|\n)*Fix: convert it to JPEG"),
        (write_raw, "raw camera files"),
        (lambda path: path.symlink_to(path), "cannot be read"),
    ],
)
def test_what_is_not_a_picture_is_refused_with_a_reason(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    path = tmp_path / "lesion.jpg"
    make(path)
    with pytest.raises(DataError, match=message) as caught:
        load_pixels(path, 8)
    assert caught.value.where == str(path)
    assert caught.value.fix


def test_an_impossible_name_is_refused() -> None:
    with pytest.raises(DataError, match="cannot be read"):
        decode(Path("a\0b.jpg"))


def test_a_file_without_permission_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    path = saved(tmp_path / "a.png", picture())
    monkeypatch.setattr(Path, "read_bytes", denied)
    with pytest.raises(DataError, match="Permission denied"):
        decode(path)


def test_a_file_larger_than_any_picture_is_not_read(tmp_path: Path) -> None:
    with open(tmp_path / "a.png", "wb") as stream:
        stream.truncate(pixels.MAX_BYTES + 1)
    with pytest.raises(DataError, match="larger than any picture"):
        decode(tmp_path / "a.png")


def test_lack_of_memory_is_the_machines_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def exhausted(image: Image.Image) -> None:
        raise MemoryError

    path = saved(tmp_path / "a.bmp", picture())
    monkeypatch.setattr(ImageFile.ImageFile, "load", exhausted)
    with pytest.raises(MachineError, match="out of memory"):
        decode(path)


def bomb(path: Path, side: int) -> Path:
    """Write a PNG header that claims a side, without the pixels."""
    header = chunk(b"IHDR", struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + header + chunk(b"IDAT", zlib.compress(b"\0")) + chunk(b"IEND", b""))
    return path


@pytest.mark.parametrize("side", [13_378, 20_000, 65_535])
def test_a_decompression_bomb_is_refused_before_it_is_decoded(tmp_path: Path, side: int) -> None:
    with pytest.raises(DataError, match="more than 178,956,970 pixels"):
        decode(bomb(tmp_path / "a.png", side))


def test_the_limit_holds_when_pillows_own_is_lifted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", None)
    with pytest.raises(DataError, match="more than 178,956,970 pixels"):
        decode(bomb(tmp_path / "a.png", 13_378))


def test_a_picture_that_pillow_only_warns_of_is_accepted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 17 * 17)
    assert load_pixels(saved(tmp_path / "a.png", picture(32, 18)), 8).shape == (8, 8, 3)


# --- cut off and damaged files -------------------------------------------------------------------

ENCODINGS = {
    "jpeg": lambda: encoded("JPEG", exif=oriented(6)),
    "progressive jpeg": lambda: encoded("JPEG", exif=oriented(6), progressive=True),
    "jpeg with restarts": lambda: encoded("JPEG", exif=oriented(6), restart_marker_blocks=2),
    "png": lambda: encoded("PNG", exif=oriented(6)),
    "webp": lambda: encoded("WEBP", exif=oriented(6)),
    "bmp": lambda: encoded("BMP"),
    "gif": lambda: encoded("GIF"),
    "tiff": lambda: encoded("TIFF", exif=oriented(6)),
}


def outcome(path: Path, data: bytes) -> NDArray[np.uint8] | None:
    path.write_bytes(data)
    try:
        return array(path)
    except DataError:
        return None


@pytest.mark.parametrize("kind", ENCODINGS)
def test_a_file_cut_off_anywhere_never_gives_other_pixels(tmp_path: Path, kind: str) -> None:
    data = ENCODINGS[kind]()
    whole = outcome(tmp_path / "a", data)
    assert whole is not None
    for length in {*range(0, len(data), 1 + len(data) // 200), *range(len(data) - 40, len(data))}:
        part = outcome(tmp_path / "a", data[:length])
        assert part is None or np.array_equal(part, whole), length


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "jpeg with restarts", "png"])
def test_a_download_filled_up_with_zeros_is_refused(tmp_path: Path, kind: str) -> None:
    data = ENCODINGS[kind]()
    for length in {*range(0, len(data), 1 + len(data) // 200), *range(len(data) - 40, len(data) - 4)}:
        assert outcome(tmp_path / "a", data[:length] + bytes(len(data) - length)) is None, length


@pytest.mark.parametrize("kind", ["jpeg", "progressive jpeg", "png"])
def test_without_its_end_mark_a_file_is_refused(tmp_path: Path, kind: str) -> None:
    assert outcome(tmp_path / "a", ENCODINGS[kind]()[:-2]) is None


def test_an_end_mark_in_the_thumbnail_is_not_the_pictures(tmp_path: Path) -> None:
    data = encoded("JPEG", exif=b"Exif\0\0\xff\xd9\xff\xda\xff\xd9")
    assert outcome(tmp_path / "a", data) is not None
    assert outcome(tmp_path / "a", data[:-2]) is None


def test_bytes_behind_the_end_mark_are_allowed(tmp_path: Path) -> None:
    data = encoded("JPEG")
    whole, longer = outcome(tmp_path / "a", data), outcome(tmp_path / "a", data + b"motion\xff\xda photo")
    assert whole is not None and longer is not None
    np.testing.assert_array_equal(whole, longer)


@patient
@given(st.data())
def test_damaged_bytes_raise_nothing_but_data_error(data: st.DataObject) -> None:
    content = bytearray(ENCODINGS[data.draw(st.sampled_from(sorted(set(ENCODINGS) - {"tiff"})))]())
    for position in data.draw(st.lists(st.integers(0, min(len(content), 400) - 1), min_size=1, max_size=8)):
        content[position] = data.draw(st.integers(0, 255))
    with pixels.quietly(), suppress(DataError):
        assert pixels.decode_bytes(bytes(content), Path("a")).mode == "RGB"


# --- the square ----------------------------------------------------------------------------------

sides = st.integers(1, 90)


@patient
@given(sides, sides, st.integers(1, 40), st.tuples(*[st.integers(0, 255)] * 3))
def test_a_constant_picture_stays_constant(width: int, height: int, size: int, colour: tuple[int, int, int]) -> None:
    result = square(Image.new("RGB", (width, height), colour), size)
    assert result.shape == (size, size, 3) and result.dtype == np.uint8
    assert (result == colour).all()


@patient
@given(sides, sides)
def test_the_square_is_central_with_the_smaller_half_left_and_above(width: int, height: int) -> None:
    values, side = picture(width, height), min(width, height)
    left, top = (width - side) // 2, (height - side) // 2
    expected = values[top : top + side, left : left + side]
    np.testing.assert_array_equal(square(Image.fromarray(values), side), expected)


@patient
@given(st.integers(1, 40), st.integers(1, 30), st.integers(1, 20), st.integers(0, 255))
def test_nothing_outside_the_square_bleeds_in(side: int, margin: int, size: int, fill: int) -> None:
    inner = picture(side, side)
    framed = np.full((side, side + 2 * margin, 3), fill, np.uint8)
    framed[:, margin : margin + side] = inner
    np.testing.assert_array_equal(square(Image.fromarray(framed), size), square(Image.fromarray(inner), size))


@patient
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
