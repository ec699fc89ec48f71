"""The pixel cache: made once, shared, never half there, never out of date."""

from __future__ import annotations

import errno
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image

from melanoma_edge import pixels
from melanoma_edge.data import cache, unfinished
from melanoma_edge.data.cache import BadImage, CachedPixels, cache_folder, cached_pixels
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.errors import DataError, MachineError
from melanoma_edge.files import locked, sha256_of
from melanoma_edge.pixels import load_pixels

SIZE = 16


def row(path: Path) -> CatalogRow:
    return CatalogRow(path.stem, str(path), "NV", path.stem, "folder", sha256_of(path))


def make_rows(folder: Path, count: int) -> tuple[CatalogRow, ...]:
    folder.mkdir(exist_ok=True)
    for index in range(count):
        values = np.random.default_rng(index).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{index:03}.png")
    return tuple(row(folder / f"{index:03}.png") for index in range(count))


def damage(rows: tuple[CatalogRow, ...], *indices: int) -> tuple[CatalogRow, ...]:
    """Cut files short and catalogue what is left of them."""
    for index in indices:
        path = Path(rows[index].path)
        path.write_bytes(path.read_bytes()[: 100 + index])
    return tuple(row(Path(each.path)) for each in rows)


@pytest.fixture
def rows(tmp_path: Path) -> tuple[CatalogRow, ...]:
    return make_rows(tmp_path / "images", 40)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "cache"


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    def forbidden(*_: object) -> None:
        raise AssertionError("an image was read again")

    return lambda: monkeypatch.setattr(cache, "read_picture", forbidden)


def contents(folder: Path) -> list[str]:
    return sorted(path.suffix for path in folder.iterdir())


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the images read from now on."""
    names: list[str] = []
    read = cache.read_picture
    monkeypatch.setattr(cache, "read_picture", lambda path: names.append(path.stem) or read(path))
    return names


def check_all(result: CachedPixels, rows: Sequence[CatalogRow]) -> None:
    assert result.rows == tuple(rows)
    for values, each in zip(result.pixels, rows, strict=True):
        np.testing.assert_array_equal(values, load_pixels(Path(each.path), SIZE))


# --- what is in it -------------------------------------------------------------------------------


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


# --- when it is made again -----------------------------------------------------------------------


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


# --- images that are not as they should be -------------------------------------------------------


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
    rows = (*rows[:2], row(Path(rows[2].path)), *rows[3:])
    assert [image.reason for image in cached_pixels(rows, SIZE, folder, skip_bad=True).bad] == ["image file is empty"]


def test_when_nothing_can_be_decoded_nothing_can_be_skipped(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    with pytest.raises(DataError, match="40 of 40"):
        cached_pixels(damage(rows, *range(40)), SIZE, folder, skip_bad=True)


# --- interrupted, shared, without space ----------------------------------------------------------

BUILDER = r"""
import json, os, signal, sys, time
from pathlib import Path
from melanoma_edge.data import cache, unfinished
from melanoma_edge.data.catalog import CatalogRow

rows = [CatalogRow(**fields) for fields in json.load(open(sys.argv[1]))]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a parent in the background may have it ignored
read, pause = cache.read_picture, float(sys.argv[3])

def slowly(path):
    time.sleep(pause)
    os.write(1, b"read\n")
    return read(path)

cache.read_picture, unfinished._SAVED_EVERY = slowly, 0.0
result = cache.cached_pixels(rows, 16, Path(sys.argv[2]), workers=2)
print(sum(int(image.sum()) for image in result.pixels), "tensorflow" in sys.modules)
"""


def start_builder(rows: tuple[CatalogRow, ...], folder: Path, pause: float) -> subprocess.Popen[str]:
    table = folder.parent / "rows.json"
    table.write_text(json.dumps([asdict(each) for each in rows]))
    command = [sys.executable, "-c", BUILDER, str(table), str(folder), str(pause)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def first_line(builder: subprocess.Popen[str]) -> str:
    assert builder.stdout is not None
    return builder.stdout.readline()


def kill_when_something_is_saved(rows: tuple[CatalogRow, ...], folder: Path) -> tuple[Path, Path, int]:
    """Build in another process, end it with SIGKILL, and return the file, its record and what that says is done."""
    with start_builder(rows, folder, 0.01) as builder:
        while not list(folder.glob(".*.done")):
            assert builder.poll() is None
            time.sleep(0.002)
        builder.kill()
    (record,) = folder.glob(".*.npy.done")
    part = record.with_suffix(".part")
    done = json.loads(record.read_text())["done"]
    assert 0 < done < len(rows) and done % 16 == 0
    return part, record, done


def test_after_kill_9_the_next_run_goes_on_where_it_stopped(folder: Path, tmp_path: Path, decoded: list[str]) -> None:
    rows = damage(make_rows(tmp_path / "images", 80), 3, 70)
    part, _, done = kill_when_something_is_saved(rows, folder)
    with open(part, "r+b") as stream:  # what was being written when the process was killed is not to be relied on
        stream.seek(-(80 - done) * SIZE * SIZE * 3 + 100, os.SEEK_END)
        stream.write(b"half written" * 50)
    told: list[int] = []
    result = cached_pixels(
        rows, SIZE, folder, progress=lambda task, now, total: told.append(now), skip_bad=True, workers=1
    )
    check_all(result, [each for index, each in enumerate(rows) if index not in (3, 70)])
    assert decoded == [f"{index:03}" for index in range(done, 80)] and told[0] == done
    assert [image.path.stem for image in result.bad] == ["003", "070"]
    assert contents(folder) == [".lock", ".npy"]
    whole = {path.name: path.read_bytes() for path in folder.glob("*.npy")}
    cached_pixels(rows, SIZE, tmp_path / "anew", skip_bad=True)
    assert {path.name: path.read_bytes() for path in (tmp_path / "anew").glob("*.npy")} == whole


@pytest.mark.parametrize("harm", ["no record", "torn record", "other record", "too many", "no pixels", "too short"])
def test_what_is_not_certain_is_decoded_again(
    rows: tuple[CatalogRow, ...], folder: Path, decoded: list[str], harm: str
) -> None:
    rows = make_rows(Path(rows[0].path).parent, 80)
    part, record, _ = kill_when_something_is_saved(rows, folder)
    text = record.read_text()
    harmed = {"torn record": text[:-9], "other record": text.replace("unfinished/1", "unfinished/2")}
    harmed |= {"too many": json.dumps(json.loads(text) | {"done": 81})}
    if harm == "no record":
        record.unlink()
    elif harm in harmed:
        record.write_text(harmed[harm])
    elif harm == "no pixels":
        part.unlink()
    else:
        os.truncate(part, 5000)
    check_all(cached_pixels(rows, SIZE, folder), rows)
    assert len(decoded) == 80
    assert contents(folder) == [".lock", ".npy"]


def test_pixels_are_on_disk_before_they_are_said_to_be(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    events: list[str] = []
    sync, write = os.fdatasync, unfinished.write_text
    monkeypatch.setattr(unfinished, "_SAVED_EVERY", 0.0)
    monkeypatch.setattr(os, "fdatasync", lambda file: events.append("sync") or sync(file))
    monkeypatch.setattr(unfinished, "write_text", lambda path, text: events.append("say") or write(path, text))
    cached_pixels(rows, SIZE, folder)
    assert events == ["sync", "say"] * 3


@pytest.mark.parametrize(("days", "kept"), [(6, True), (8, False)])
def test_unfinished_work_is_kept_for_a_week(
    rows: tuple[CatalogRow, ...], folder: Path, tmp_path: Path, days: int, kept: bool
) -> None:
    part, record, _ = kill_when_something_is_saved(make_rows(tmp_path / "more", 80), folder)
    for file in folder.glob(".*"):
        os.utime(file, (time.time() - days * 86400,) * 2)
    cached_pixels(rows[:2], SIZE, folder)
    assert part.exists() == record.exists() == kept
    assert kept or contents(folder) == [".lock", ".lock", ".npy"]


def test_files_being_written_by_others_are_left_alone(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    with start_builder(rows, folder, 0.02) as builder:
        assert first_line(builder) == "read\n"
        for file in folder.glob(".*.part"):
            os.utime(file, (0, 0))
        cached_pixels(rows[:2], SIZE, folder)
        assert builder.communicate()[0].endswith("False\n")
    assert builder.returncode == 0


def test_interrupting_keeps_what_was_decoded(rows: tuple[CatalogRow, ...], folder: Path, decoded: list[str]) -> None:
    def stop(task: str, done: int, total: int) -> None:
        if done == 32:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        cached_pixels(rows, SIZE, folder, progress=stop)
    assert contents(folder) == [".done", ".lock", ".part"]
    decoded.clear()
    check_all(cached_pixels(rows, SIZE, folder), rows)
    assert decoded == [f"{index:03}" for index in range(32, 40)]


def test_a_process_that_is_interrupted_stops_soon(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    with start_builder(rows, folder, 0.02) as builder:
        assert first_line(builder) == "read\n"
        builder.send_signal(signal.SIGINT)
        rest, _ = builder.communicate()
    assert builder.returncode != 0
    assert rest.count("read") < len(rows) - 1
    assert not list(folder.glob("*.npy"))


def test_two_runs_at_once_decode_once(rows: tuple[CatalogRow, ...], folder: Path) -> None:
    with start_builder(rows, folder, 0.01) as one, start_builder(rows, folder, 0.01) as two:
        outputs = [one.communicate()[0].split(), two.communicate()[0].split()]
    assert sorted(output.count("read") for output in outputs) == [0, 40]
    assert outputs[0][-2:] == outputs[1][-2:]
    assert outputs[0][-2:] == [
        str(sum(int(image.sum()) for image in cached_pixels(rows, SIZE, folder).pixels)),
        "False",
    ]


def test_a_run_waits_for_the_holder_of_the_lock(
    rows: tuple[CatalogRow, ...], folder: Path, no_decoding: Callable[[], None]
) -> None:
    cached_pixels(rows, SIZE, folder)
    (path,) = folder.glob("*.npy")
    hidden = path.rename(path.with_suffix(".hidden"))
    results: list[int] = []
    waiting = threading.Thread(target=lambda: results.append(len(cached_pixels(rows, SIZE, folder).pixels)))
    with locked(path.with_suffix(".lock"), wait=True):
        no_decoding()
        waiting.start()
        time.sleep(0.2)
        assert results == []
        hidden.rename(path)
    waiting.join(timeout=60)
    assert results == [40]


def test_a_full_disk_is_told_before_anything_is_decoded(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch, no_decoding: Callable[[], None]
) -> None:
    def full(*_: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "posix_fallocate", full)
    no_decoding()
    with pytest.raises(MachineError, match="no space on the disk") as caught:
        cached_pixels(rows, SIZE, folder)
    assert caught.value.where == str(folder)
    assert contents(folder) == [".lock"]


def test_a_really_full_disk_is_an_error_and_not_a_crash(rows: tuple[CatalogRow, ...], tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("mounting a small disk is not permitted here")
    try:
        with pytest.raises(MachineError, match="no space on the disk"):
            cached_pixels(rows, SIZE, disk)
        assert len(cached_pixels(rows[:4], SIZE, disk).pixels) == 4
    finally:
        subprocess.run(["umount", "-l", str(disk)], check=True)


def test_a_write_that_fails_later_leaves_no_file(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write, calls = os.pwrite, iter(range(1000))

    def failing(file: int, data: bytes, position: int) -> int:
        if next(calls) == 10:
            raise OSError(errno.EDQUOT, os.strerror(errno.EDQUOT))
        return write(file, data, position)

    monkeypatch.setattr(os, "pwrite", failing)
    with pytest.raises(MachineError, match="quota"):
        cached_pixels(rows, SIZE, folder)
    assert contents(folder) == [".lock"]


def test_short_writes_are_continued(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.pwrite
    monkeypatch.setattr(os, "pwrite", lambda file, data, position: write(file, data[:100], position))
    result = cached_pixels(rows, SIZE, folder)
    np.testing.assert_array_equal(result.pixels[39], load_pixels(Path(rows[39].path), SIZE))


def test_pillows_warnings_stay_silent(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20 * 29)
    assert len(cached_pixels(rows, SIZE, folder, workers=4).pixels) == 40


def test_lack_of_memory_while_decoding_is_the_machines_fault(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def exhausted(data: bytes) -> None:
        raise MemoryError

    monkeypatch.setattr(pixels, "_opened", exhausted)
    with pytest.raises(MachineError, match="out of memory"):
        cached_pixels(rows, SIZE, folder)
    assert contents(folder) == [".lock", ".part"]


# --- where it lies -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({"MELANOMA_EDGE_CACHE": "/a/b", "XDG_CACHE_HOME": "/x"}, "/a/b"),
        ({"XDG_CACHE_HOME": "/x"}, "/x/melanoma-edge"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/me/.cache/melanoma-edge"),
        ({"MELANOMA_EDGE_CACHE": "", "XDG_CACHE_HOME": ""}, "/home/me/.cache/melanoma-edge"),
        ({}, "/home/me/.cache/melanoma-edge"),
    ],
)
def test_the_folder_follows_the_environment(
    variables: dict[str, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("MELANOMA_EDGE_CACHE", "XDG_CACHE_HOME"):
        monkeypatch.delenv(name, raising=False)
    for name, value in {"HOME": "/home/me", **variables}.items():
        monkeypatch.setenv(name, value)
    assert cache_folder() == Path(expected)


def test_without_a_folder_the_default_is_used(
    rows: tuple[CatalogRow, ...], folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(folder / "deep" / "er"))
    cached_pixels(rows, SIZE)
    assert contents(folder / "deep" / "er") == [".lock", ".npy"]


@pytest.mark.parametrize("below", [".", "deeper"])
def test_a_file_in_place_of_the_folder_is_told(rows: tuple[CatalogRow, ...], folder: Path, below: str) -> None:
    folder.write_text("")
    with pytest.raises(MachineError, match="cache folder is a file"):
        cached_pixels(rows, SIZE, folder / below)
