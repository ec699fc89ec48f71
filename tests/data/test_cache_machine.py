"""The pixel cache: where it lies, and what becomes of it without space or memory."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from cached import SIZE, contents
from PIL import Image

from melanoma_edge import pixels
from melanoma_edge.data.cache import cache_folder, cached_pixels
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.errors import MachineError
from melanoma_edge.pixels import load_pixels


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
