"""A file in the making: what was saved of it is known again, and nothing that was not."""

from __future__ import annotations

import errno
import json
import os
from pathlib import Path

import pytest

from melanoma_edge.data import unfinished as module
from melanoma_edge.data.unfinished import remove_abandoned, unfinished, write_at
from melanoma_edge.errors import DataError, MachineError

LENGTH, COUNT = 1000, 10


class Stop(Exception):
    pass


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "0a1b.npy"


def stop_at(path: Path, done: int, bad: dict[int, str], error: BaseException | None = None) -> None:
    error = error or Stop()
    with pytest.raises(type(error)), unfinished(path, LENGTH, COUNT) as (file, work):
        write_at(file, bytes([done]) * done * 100, 0)
        work.advance(done, bad)
        work.save()
        raise error


def beside(path: Path) -> list[str]:
    return sorted(found.name for found in path.parent.iterdir())


def test_a_finished_file_has_its_name_and_nothing_beside_it(path: Path) -> None:
    with unfinished(path, LENGTH, COUNT) as (file, work):
        assert (work.done, work.bad) == (0, {})
        assert beside(path) == [".0a1b.npy.part"]
        write_at(file, b"x" * LENGTH, 0)
        work.save()
    assert beside(path) == ["0a1b.npy"] and path.read_bytes() == b"x" * LENGTH


def test_what_was_saved_is_there_the_next_time_and_adds_up(path: Path) -> None:
    stop_at(path, 3, {1: "torn"})
    with unfinished(path, LENGTH, COUNT) as (_, work):
        assert (work.done, work.bad) == (3, {1: "torn"})
        work.advance(5, {4: "empty"})
        work.save()
        record = json.loads(path.with_name(".0a1b.npy.done").read_text())
        assert record == {"schema": module.SCHEMA, "done": 5, "bad": [[1, "torn"], [4, "empty"]]}
    assert path.read_bytes() == bytes([3]) * 300 + bytes(LENGTH - 300)


def test_it_is_saved_by_itself_every_two_seconds(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [10.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    record, saved = path.with_name(".0a1b.npy.done"), []
    with unfinished(path, LENGTH, COUNT) as (_, work):
        for done, clock[0] in enumerate((11.0, 11.9, 12.0, 13.9, 14.1), 1):
            work.advance(done, {})
            saved.append(json.loads(record.read_text())["done"] if record.exists() else 0)
    assert saved == [0, 0, 3, 3, 5]


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "null", "{}", '{"schema": "melanoma-edge/unfinished/1", "done": 11, "bad": []}']
)
def test_a_record_that_cannot_be_right_counts_for_nothing(path: Path, text: str) -> None:
    stop_at(path, 3, {})
    path.with_name(".0a1b.npy.done").write_text(text)
    with unfinished(path, LENGTH, COUNT) as (_, work):
        assert (work.done, work.bad) == (0, {})


def test_a_record_without_its_file_counts_for_nothing(path: Path) -> None:
    stop_at(path, 3, {})
    os.truncate(path.with_name(".0a1b.npy.part"), LENGTH - 1)
    with unfinished(path, LENGTH, COUNT) as (_, work):
        assert work.done == 0


@pytest.mark.parametrize(
    ("error", "kept"),
    [
        (DataError("an image is gone", fix="restore it"), True),
        (KeyboardInterrupt(), True),
        (MachineError("the disk is full", fix="free some"), False),
        (OSError(errno.EIO, os.strerror(errno.EIO)), False),
    ],
)
def test_only_lack_of_disk_throws_work_away(path: Path, error: BaseException, kept: bool) -> None:
    stop_at(path, 3, {}, error)
    assert beside(path) == ([".0a1b.npy.done", ".0a1b.npy.part"] if kept else [])


def test_lack_of_memory_does_not_throw_work_away(path: Path) -> None:
    error = MachineError("out of memory", fix="close programs")
    error.__cause__ = MemoryError()
    with pytest.raises(MachineError), unfinished(path, LENGTH, COUNT):
        raise error
    assert beside(path) == [".0a1b.npy.part"]


def test_a_record_that_was_being_written_goes_with_the_rest(path: Path) -> None:
    stop_at(path, 3, {})
    torn = path.with_name("..0a1b.npy.done.123.part")
    torn.write_text("{")
    os.utime(torn, (0, 0))
    remove_abandoned(path.parent)
    assert not torn.exists()
    torn.write_text("{")
    with unfinished(path, LENGTH, COUNT):
        pass
    assert beside(path) == ["0a1b.lock", "0a1b.npy"]
