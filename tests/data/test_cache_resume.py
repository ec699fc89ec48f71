"""The pixel cache: interrupted, killed and shared, it goes on where it stopped and decodes once."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

import pytest
from cached import SIZE, check_all, contents, damage, make_rows

from melanoma_edge.data import unfinished
from melanoma_edge.data.cache import cached_pixels
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.files import locked

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
    told: list[tuple[str, int, int]] = []

    def open_it() -> None:
        results.append(len(cached_pixels(rows, SIZE, folder, lambda *call: told.append(call)).pixels))

    waiting = threading.Thread(target=open_it)
    with locked(path.with_suffix(".lock"), wait=True):
        no_decoding()
        waiting.start()
        time.sleep(0.2)
        assert (results, told) == ([], [("waiting for another run that decodes the same images", 0, 0)])
        hidden.rename(path)
    waiting.join(timeout=60)
    assert results == [40] and len(told) == 1
