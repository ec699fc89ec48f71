"""The pixel recipe: colour profiles are honoured, ignored where they are of another space, refused where damaged."""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageCms
from pixel_files import array, picture, saved

from melanoma_edge.errors import DataError
from melanoma_edge.pixels import decode


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
