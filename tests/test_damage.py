"""Files that decode only in part are refused, and others are not."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.damage import complete, ends_in_grey, jpeg_ends
from melanoma_edge.data.synthetic.picture import photo
from melanoma_edge.data.synthetic.spec import SyntheticSpec, plan
from melanoma_edge.errors import DataError
from melanoma_edge.pixels import decode


def overwritten(data: bytes, count: int, value: int) -> bytes:
    half = len(data) // 2
    return data[:half] + bytes([value]) * count + data[half + count :]


DAMAGES: dict[str, Callable[[bytes], bytes]] = {
    "second half missing": lambda data: data[: len(data) // 2] + b"\xff\xd9",
    "last tenth missing": lambda data: data[: len(data) * 9 // 10] + b"\xff\xd9",
    "second half zeros": lambda data: overwritten(data, len(data) - len(data) // 2 - 2, 0),
    "512 bytes zeros": lambda data: overwritten(data, 512, 0),
    "4 KB of 0xFF": lambda data: overwritten(data, 4096, 0xFF),
}


@pytest.mark.parametrize("damage", DAMAGES)
@pytest.mark.parametrize("mode", ["RGB", "L"])
def test_a_jpeg_that_decodes_only_in_part_is_refused(tmp_path: Path, mode: str, damage: str) -> None:
    stream, turned = io.BytesIO(), Image.Exif()
    turned[0x0112] = 6
    drawn = photo(SyntheticSpec(), plan(SyntheticSpec(lesions=4))[0], 640, 480)
    Image.fromarray(drawn).convert(mode).save(stream, "JPEG", quality=90, exif=turned)
    (tmp_path / "a").write_bytes(stream.getvalue())
    assert decode(tmp_path / "a").size == (480, 640)
    (tmp_path / "a").write_bytes(DAMAGES[damage](stream.getvalue()))
    with pytest.raises(DataError, match="image is damaged") as caught:
        decode(tmp_path / "a")
    assert caught.value.fix == "replace the file with an intact copy"


@pytest.mark.parametrize(("width", "refused"), [(15, False), (16, True), (640, True)])
def test_only_a_last_row_that_ends_in_grey_128_is_damage(tmp_path: Path, width: int, refused: bool) -> None:
    for level in (127, 128, 129):
        values = np.full((64, 640, 3), 128, np.uint8)
        values[-8:, : 640 - width] = 40
        values[-8:, 640 - width :] = level
        path = tmp_path / "a.jpg"
        Image.fromarray(values).save(path, quality=100, subsampling=0)
        if refused and level == 128:
            with pytest.raises(DataError, match="its end is empty"):
                decode(path)
        else:
            decode(path)
    values[...] = 128
    Image.fromarray(values).save(tmp_path / "a.png")
    assert decode(tmp_path / "a.png").size == (640, 64)


def test_other_modes_are_not_looked_at() -> None:
    for mode in ("RGB", "L"):
        assert ends_in_grey(Image.new(mode, (3, 2), 0x808080 if mode == "RGB" else 128))
    assert not ends_in_grey(Image.new("CMYK", (3, 2), (128, 128, 128, 128)))


@pytest.mark.parametrize("name", ["BMP", "GIF", "WEBP", None])
def test_formats_that_say_their_length_need_no_end_mark(name: str | None) -> None:
    assert complete(b"", name)
    assert not complete(b"", "PNG") and not complete(b"", "MPO")


def test_an_end_mark_before_the_scan_is_that_of_a_thumbnail() -> None:
    head = b"\xff\xd8\xff\xe1\x00\x04\xff\xd9\xff\xff\xda\x00\x02"
    assert not jpeg_ends(head)
    assert jpeg_ends(head + b"\xff\xd9")
