"""A bundle is written whole or not at all, and takes the place of another only when asked."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.bundle import writing
from melanoma_edge.bundle.container import read_files
from melanoma_edge.bundle.writing import check_place, write
from melanoma_edge.errors import ExportError, MachineError, UsageError

OLD = {"manifest.json": b"old", "golden/01.jpg": b"photo"}
NEW = {"manifest.json": b"new", "golden/02.jpg": b"photo"}


def state(tmp_path: Path) -> dict[str, bytes]:
    """Return everything below a folder but folders."""
    return {str(one.relative_to(tmp_path)): one.read_bytes() for one in tmp_path.rglob("*") if one.is_file()}


def test_folder_and_zip_are_written(tmp_path: Path) -> None:
    write(NEW, tmp_path / "deep/b")
    assert read_files(tmp_path / "deep/b") == read_files(tmp_path / "deep/b.zip") == NEW
    assert {path.name for path in (tmp_path / "deep").iterdir()} == {"b", "b.zip"}


@pytest.mark.parametrize("there", ["b/manifest.json", "b/notes.txt", "b.zip"])
def test_nothing_is_overwritten_unasked(tmp_path: Path, there: str) -> None:
    (tmp_path / there).parent.mkdir(exist_ok=True)
    (tmp_path / there).write_text("precious")
    before = state(tmp_path)
    with pytest.raises(UsageError, match="refusing to overwrite"):
        write(NEW, tmp_path / "b")
    assert state(tmp_path) == before


def test_an_empty_folder_is_free(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    write(NEW, tmp_path / "b")
    assert read_files(tmp_path / "b") == NEW


def test_an_older_bundle_is_replaced_with_force(tmp_path: Path) -> None:
    write(OLD, tmp_path / "b")
    write(NEW, tmp_path / "b", force=True)
    assert read_files(tmp_path / "b") == read_files(tmp_path / "b.zip") == NEW
    assert {path.name for path in tmp_path.iterdir()} == {"b", "b.zip"}


def test_what_is_no_bundle_is_not_cleared_even_with_force(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b/thesis.txt").write_text("precious")
    with pytest.raises(UsageError, match="what is no bundle"):
        write(NEW, tmp_path / "b", force=True)
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    with pytest.raises(UsageError, match="what is no bundle"):
        write(NEW, tmp_path / "link", force=True)


@pytest.mark.parametrize("name", ["b.zip", "key.pem", "..", ".hidden", "/"])
def test_a_name_must_be_that_of_a_folder(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError):
        check_place(tmp_path / name, force=True)


def full_disk(*_: object) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("step", ["_fill", "_put", "zip_bytes", "read_files", "_swap"])
@pytest.mark.parametrize(
    ("failure", "error"), [(full_disk, MachineError), (interrupted, KeyboardInterrupt)], ids=["full disk", "Ctrl-C"]
)
def test_a_failure_leaves_everything_as_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str, failure: Any, error: type[BaseException]
) -> None:
    write(OLD, tmp_path / "b")
    before = state(tmp_path)
    monkeypatch.setattr(writing, step, failure)
    with pytest.raises(error):
        write(NEW, tmp_path / "b", force=True)
    assert state(tmp_path) == before


def test_the_older_bundle_comes_back_when_the_new_one_cannot_take_its_place(tmp_path: Path) -> None:
    write(OLD, tmp_path / "b")
    with pytest.raises(FileNotFoundError):
        writing._swap(tmp_path / "never-written", tmp_path / "b")
    assert read_files(tmp_path / "b") == OLD


def test_a_disk_that_gives_back_other_bytes_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writing, "read_files", lambda path: {**NEW, "manifest.json": b"n\0w"})
    with pytest.raises(ExportError, match="gave back other bytes"):
        write(NEW, tmp_path / "b")
    assert state(tmp_path) == {}


def test_two_do_not_write_at_once(tmp_path: Path) -> None:
    with open(tmp_path / ".b.lock", "w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        with pytest.raises(UsageError, match="another bundle is being written"):
            write(NEW, tmp_path / "b")
    write(NEW, tmp_path / "b")


def test_what_a_killed_writer_left_is_put_right(tmp_path: Path) -> None:
    """It was killed between setting the older bundle aside and putting the new one in its place."""
    write(OLD, tmp_path / "b")
    (tmp_path / "b").rename(tmp_path / ".b.replaced")
    (tmp_path / ".b.123.part").mkdir()
    (tmp_path / ".b.zip.123.part").write_text("half")
    with pytest.raises(UsageError, match="refusing to overwrite"):
        write(NEW, tmp_path / "b")
    assert read_files(tmp_path / "b") == OLD
    assert {path.name for path in tmp_path.iterdir()} == {"b", "b.zip"}


def test_another_bundle_with_a_similar_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / ".bundle.123.part").mkdir()
    write(NEW, tmp_path / "b")
    assert (tmp_path / ".bundle.123.part").is_dir()
