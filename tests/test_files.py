"""Atomic writing, refused overwrites, full disks and locks."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import subprocess
import sys
import threading
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.files import (
    deflated_bytes,
    locked,
    refuse_overwrite,
    sha256_of,
    to_json,
    write_bytes,
    write_text,
    written,
)


def names(folder: Path) -> list[str]:
    return [path.name for path in folder.iterdir()]


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """Give a folder on a disk of 64 kB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", place], capture_output=True)
    if mounted.returncode:
        pytest.skip(f"no small disk can be mounted: {mounted.stderr.decode().strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_file_and_its_parents_appear_with_all_bytes(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "file.bin"
    digest = write_bytes(path, b"content")
    assert path.read_bytes() == b"content"
    assert digest == hashlib.sha256(b"content").hexdigest() == sha256_of(path)
    assert names(path.parent) == ["file.bin"]


def test_text_is_written_as_utf8(tmp_path: Path) -> None:
    write_text(tmp_path / "t", "é\n")
    assert (tmp_path / "t").read_bytes() == b"\xc3\xa9\n"


def test_nothing_is_seen_before_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with written(path) as temporary:
        temporary.write_text("new")
        assert path.read_text() == "old"
        assert temporary.parent == path.parent
    assert path.read_text() == "new"


def test_a_failed_block_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")

    def fail() -> None:
        with written(path) as temporary:
            temporary.write_text("half")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_a_failed_rename_leaves_nothing_half_written(tmp_path: Path) -> None:
    (tmp_path / "folder" / "inside").mkdir(parents=True)
    with pytest.raises(IsADirectoryError):
        write_text(tmp_path / "folder", "text")
    assert names(tmp_path) == ["folder"]


def test_a_full_disk_is_a_machine_error_and_leaves_nothing(small_disk: Path) -> None:
    with pytest.raises(MachineError, match="disk is full while writing big") as caught:
        write_bytes(small_disk / "big", bytes(1 << 20))
    assert caught.value.exit_code == 8
    assert names(small_disk) == []


def test_a_disk_that_is_full_at_the_last_moment_is_a_machine_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(MachineError, match="disk is full"):
        write_bytes(tmp_path / "file", b"content")
    assert names(tmp_path) == []


def test_a_read_only_folder_is_a_machine_error(small_disk: Path) -> None:
    subprocess.run(["mount", "-o", "remount,ro", small_disk], check=True)
    with pytest.raises(MachineError, match="read-only"):
        write_text(small_disk / "file", "text")
    with pytest.raises(MachineError, match="read-only"), locked(small_disk / "lock", wait=False):
        pass


@pytest.mark.parametrize("below", ["file/x", "file/deep/x"])
def test_a_path_below_a_file_is_refused(tmp_path: Path, below: str) -> None:
    (tmp_path / "file").write_text("text")
    with pytest.raises(UsageError, match="a file stands where a folder is needed"):
        write_text(tmp_path / below, "text")
    with pytest.raises(UsageError, match="a file stands where a folder is needed"), locked(tmp_path / below, wait=True):
        pass
    assert names(tmp_path) == ["file"]


def test_overwriting_is_refused_unless_forced(tmp_path: Path) -> None:
    path = tmp_path / "file"
    refuse_overwrite([path], force=False)
    path.write_text("text")
    refuse_overwrite([path], force=True)
    with pytest.raises(UsageError, match="refusing to overwrite"):
        refuse_overwrite([path], force=False)


def test_a_dangling_link_is_not_overwritten_unasked(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to(tmp_path / "nowhere")
    with pytest.raises(UsageError, match="refusing to overwrite"):
        refuse_overwrite([path], force=False)


@pytest.mark.parametrize("number", [float("nan"), float("inf")])
def test_json_has_no_nan(number: float) -> None:
    with pytest.raises(ValueError, match="JSON"):
        to_json({"value": number})


@given(st.binary(max_size=5000))
def test_hashing_reads_every_byte(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "hashed"
    path.write_bytes(data)
    assert sha256_of(path) == hashlib.sha256(data).hexdigest()


def test_a_lock_is_held_by_one(tmp_path: Path) -> None:
    with locked(tmp_path / "lock", wait=False) as first:
        assert first
        with locked(tmp_path / "lock", wait=False) as second:
            assert not second
    with locked(tmp_path / "lock", wait=False) as third:
        assert third


def test_a_waiting_lock_comes_after_the_holder(tmp_path: Path) -> None:
    order = []

    def other() -> None:
        with locked(tmp_path / "lock", wait=True) as held:
            order.append(f"other {held}")

    waiting = threading.Thread(target=other)
    with locked(tmp_path / "lock", wait=True):
        waiting.start()
        waiting.join(0.2)
        order.append("first")
    waiting.join()
    assert order == ["first", "other True"]


def test_a_killed_holder_blocks_nobody(tmp_path: Path) -> None:
    script = f"""
import sys, time
from pathlib import Path
from melanoma_edge.files import locked
with locked(Path({str(tmp_path / "lock")!r}), wait=True):
    print("held", flush=True)
    time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with locked(tmp_path / "lock", wait=False) as held:
            assert not held
        holder.send_signal(signal.SIGKILL)
    with locked(tmp_path / "lock", wait=False) as held:
        assert held


def test_a_writer_killed_in_the_middle_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    script = f"""
import os, signal
from pathlib import Path
from melanoma_edge.files import written
with written(Path({str(tmp_path / "file")!r})) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""
    assert subprocess.run([sys.executable, "-c", script]).returncode == -signal.SIGKILL
    assert (tmp_path / "file").read_text() == "old"


@given(st.binary(max_size=2000))
def test_deflated_bytes_are_those_of_a_raw_stream(data: bytes) -> None:
    size = deflated_bytes(data)
    assert size == len(zlib.compress(data, 9)) - 6  # zlib adds a header of 2 and a checksum of 4 bytes
    assert deflated_bytes(data + bytes(50_000)) < size + 200
