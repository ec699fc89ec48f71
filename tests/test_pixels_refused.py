"""The pixel recipe: what is no picture, too much of one, or half of one is refused with a reason."""

from __future__ import annotations

import os
import struct
import zlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from PIL import Image, ImageFile
from pixel_files import array, chunk, encoded, oriented, picture, saved

from melanoma_edge import pixels
from melanoma_edge.errors import DataError, MachineError
from melanoma_edge.pixels import decode, load_pixels


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


@given(st.data())
def test_damaged_bytes_raise_nothing_but_data_error(data: st.DataObject) -> None:
    content = bytearray(ENCODINGS[data.draw(st.sampled_from(sorted(set(ENCODINGS) - {"tiff"})))]())
    for position in data.draw(st.lists(st.integers(0, min(len(content), 400) - 1), min_size=1, max_size=8)):
        content[position] = data.draw(st.integers(0, 255))
    with pixels.quietly(), suppress(DataError):
        assert pixels.decode_bytes(bytes(content), Path("a")).mode == "RGB"
