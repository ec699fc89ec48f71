"""The pixel cache: made once, shared, never half there, never out of date."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import PIL
import pytest
from cached import SIZE, catalogued, check_all, contents, damage
from PIL import Image

from melanoma_edge.data.cache import BadImage, cache_folder, cached_pixels
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.errors import DataError, MachineError
from melanoma_edge.pixels import load_pixels


@pytest.mark.parametrize("workers", [1, 3, None])
def test_every_row_gets_the_pixels_of_its_own_file(
    rows: tuple[CatalogRow, ...], folder: Path, workers: int | None
) -> None:
    result = cached_pixels(rows, SIZE, folder, workers=workers)
    assert result.pixels.shape == (40, SIZE, SIZE, 3) and result.pixels.dtype == np.uint8
    for index, each in enumerate(rows):
        np.testing.assert_array_equal(result.pixels[index], load_pixels(Path(each.path), SIZE))
    assert result.rows == rows and result.bad == ()


def test_pixels_stay_on_disk_until_they_are_asked_for(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    cached_pixels(rows, SIZE, folder)
    (path,) = folder.glob("*.npy")
    pixels = cached_pixels(rows, SIZE, folder).pixels
    with open(path, "r+b") as stream:
        stream.seek(path.read_bytes().index(load_pixels(Path(rows[5].path), SIZE).tobytes()))
        stream.write(bytes(range(9)))
    assert pixels[5].tobytes()[:9] == bytes(range(9))


def test_the_file_is_an_ordinary_npy(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    result = cached_pixels(rows, SIZE, folder)
    (path,) = folder.glob("*.npy")
    np.testing.assert_array_equal(np.load(path), result.pixels)


def test_no_rows_give_no_pixels(folder: Path) -> None:
    assert cached_pixels((), SIZE, folder).pixels.shape == (0, SIZE, SIZE, 3)


def test_progress_counts_up_to_all(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    told: list[tuple[int, int]] = []
    cached_pixels(rows, SIZE, folder, progress=lambda task, done, total: told.append((done, total)))
    assert told == sorted(told) and told[-1] == (40, 40)


def test_the_second_call_reads_no_image(
    rows: tuple[CatalogRow, ...], folder: Path, no_decoding: Callable[[], None]
) -> None:
    first = cached_pixels(rows, SIZE, folder)
    no_decoding()
    np.testing.assert_array_equal(cached_pixels(rows, SIZE, folder).pixels, first.pixels)


def test_moved_images_are_not_decoded_again(
    rows: tuple[CatalogRow, ...], folder: Path, no_decoding: Callable[[], None]
) -> None:
    cached_pixels(rows, SIZE, folder)
    no_decoding()
    moved = tuple(replace(each, path=f"/elsewhere/{each.image_id}.png") for each in rows)
    assert cached_pixels(moved, SIZE, folder).rows == moved


@pytest.mark.parametrize("change", ["size", "order", "rows", "pillow"])
def test_another_question_gets_another_file(
    rows: tuple[CatalogRow, ...], folder: Path, change: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    cached_pixels(rows, SIZE, folder)
    if change == "pillow":
        monkeypatch.setattr(PIL, "__version__", "0.0")
    asked = {"order": rows[::-1], "rows": rows[:-1]}.get(change, rows)
    result = cached_pixels(asked, SIZE + (change == "size"), folder)
    assert len(list(folder.glob("*.npy"))) == 2
    np.testing.assert_array_equal(result.pixels[0], load_pixels(Path(asked[0].path), result.pixels.shape[1]))


@pytest.mark.parametrize("harm", ["cut", "emptied", "text", "no note", "other key", "other shape"])
def test_a_damaged_cache_file_is_made_again(rows: tuple[CatalogRow, ...], folder: Path, harm: str) -> None:
    expected = np.array(cached_pixels(rows, SIZE, folder).pixels)
    (path,) = folder.glob("*.npy")
    data = path.read_bytes()
    note = data.rfind(b'{"schema"')
    harmed = {
        "cut": data[: len(data) // 2],
        "emptied": b"",
        "text": b"not an array",
        "no note": data[:note],
        "other key": data.replace(path.stem.encode(), b"0" * 64),
        "other shape": data.replace(b"(40, 16, 16, 3)", b"(40, 8, 32, 3) "),
    }[harm]
    assert harmed != data
    path.write_bytes(harmed)
    np.testing.assert_array_equal(cached_pixels(rows, SIZE, folder).pixels, expected)
    assert path.read_bytes() == data


def test_a_file_that_changed_since_the_catalog_is_named(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    Image.new("RGB", (5, 5)).save(rows[7].path)
    Path(rows[9].path).unlink()
    with pytest.raises(DataError, match=r"1 of 40 images are no longer there: .*; 1 of 40 images changed") as caught:
        cached_pixels(rows, SIZE, folder, skip_bad=True)
    assert f"{rows[7].path} (other bytes than catalogued)" in caught.value.what
    assert rows[9].path in caught.value.what
    assert contents(folder) == [".done", ".lock", ".part"]


def test_what_was_decoded_before_a_missing_file_is_not_decoded_again(
    rows: tuple[CatalogRow, ...], folder: Path, decoded: list[str]
) -> None:
    path = Path(rows[37].path)
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(DataError, match="1 of 40 images are no longer there"):
        cached_pixels(rows, SIZE, folder)
    path.write_bytes(data)
    decoded.clear()
    check_all(cached_pixels(rows, SIZE, folder), rows)
    assert decoded == [f"{index:03}" for index in range(32, 40)]


def test_files_that_are_gone_are_told_from_files_that_changed(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    for row in rows[:2]:
        Path(row.path).unlink()
    with pytest.raises(DataError, match=f"2 of {len(rows)} images are no longer there: ") as caught:
        cached_pixels(rows, SIZE, folder)
    assert "changed" not in caught.value.what and rows[1].path in caught.value.what


def test_a_user_without_a_home_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless(cls: type[Path]) -> Path:
        raise RuntimeError("Could not determine home directory.")

    for name in ("MELANOMA_EDGE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", classmethod(homeless))
    with pytest.raises(MachineError, match="MELANOMA_EDGE_CACHE"):
        cache_folder()


def test_a_restored_file_is_found_again(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    path = Path(rows[3].path)
    data = path.read_bytes()
    path.unlink()
    with pytest.raises(DataError, match="no longer there"):
        cached_pixels(rows, SIZE, folder)
    path.write_bytes(data)
    assert len(cached_pixels(rows, SIZE, folder).pixels) == 40


def test_images_that_cannot_be_decoded_are_all_named(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    rows = damage(rows, *range(3, 15))
    with pytest.raises(DataError, match="12 of 40 images cannot be decoded") as caught:
        cached_pixels(rows, SIZE, folder)
    assert all(rows[index].path in caught.value.what for index in range(3, 13))
    assert caught.value.what.endswith("and 2 more")
    assert "--skip-bad-images" in caught.value.fix


@pytest.mark.parametrize("bad", [(0,), (39,), (5, 6, 30), tuple(range(39))])
def test_bad_images_are_left_out_on_request(rows: tuple[CatalogRow, ...], folder: Path, bad: tuple[int, ...]) -> None:
    rows = damage(rows, *bad)
    result = cached_pixels(rows, SIZE, folder, skip_bad=True)
    assert result.rows == tuple(each for index, each in enumerate(rows) if index not in bad)
    assert [image.path for image in result.bad] == [Path(rows[index].path) for index in bad]
    assert all("image" in image.reason for image in result.bad)
    check_all(result, result.rows)
    (path,) = folder.glob("*.npy")
    assert not np.load(path)[list(bad)].any()


def test_bad_images_are_remembered_without_decoding(
    rows: tuple[CatalogRow, ...], folder: Path, no_decoding: Callable[[], None]
) -> None:
    rows = damage(rows, 4)
    with pytest.raises(DataError):
        cached_pixels(rows, SIZE, folder)
    no_decoding()
    (bad,) = cached_pixels(rows, SIZE, folder, skip_bad=True).bad
    assert bad == BadImage(Path(rows[4].path), bad.reason)
    with pytest.raises(DataError, match="1 of 40"):
        cached_pixels(rows, SIZE, folder)


def test_an_empty_file_is_a_bad_image(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    Path(rows[2].path).write_bytes(b"")
    rows = (*rows[:2], catalogued(Path(rows[2].path)), *rows[3:])
    assert [image.reason for image in cached_pixels(rows, SIZE, folder, skip_bad=True).bad] == ["image file is empty"]


def test_when_nothing_can_be_decoded_nothing_can_be_skipped(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    with pytest.raises(DataError, match="40 of 40"):
        cached_pixels(damage(rows, *range(40)), SIZE, folder, skip_bad=True)
