"""The synthetic set on disk: whole or not at all, made once, never over anything else."""

from __future__ import annotations

import csv
import fcntl
import hashlib
import json
import multiprocessing
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.data.synthetic import (
    SyntheticSpec,
    View,
    plan,
    render,
    write_synthetic,
    writer,
)
from melanoma_edge.errors import DataError, MachineError, UsageError

SMALL = SyntheticSpec(lesions=12, image_size=48, seed=5)


def digest(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.suffix != ".lock")


def crash(spec: SyntheticSpec, view: View) -> NDArray[np.uint8]:
    if view.lesion == 6:
        raise RuntimeError("out of paint")
    return render(spec, view)


def test_written_folder_is_complete_readable_and_reproducible(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    write_synthetic(tmp_path / "a", SMALL, progress=lambda *step: told.append(step), workers=1)
    write_synthetic(tmp_path / "b", SMALL, workers=1)
    views = plan(SMALL)
    assert digest(tmp_path / "a") == digest(tmp_path / "b")
    assert leftovers(tmp_path) == ["a", "b"]
    assert {step[2] for step in told} == {len(views)}
    assert told[-1][1] == len(views)
    with open(tmp_path / "a" / "metadata.csv", newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert list(rows[0]) == ["lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization"]
    assert [(row["lesion_id"], row["image_id"]) for row in rows] == [(view.lesion_id, view.image_id) for view in views]
    assert {row["dx"] for row in rows} <= {"akiec", "bcc", "bkl", "df", "mel", "nv", "vasc"}
    for row in rows:
        with Image.open(tmp_path / "a" / "images" / f"{row['image_id']}.jpg") as image:
            assert image.size == (SMALL.width, SMALL.image_size)
    marker = json.loads((tmp_path / "a" / "synthetic.json").read_text())
    assert marker["schema"] == "melanoma-edge/synthetic/1"
    assert marker["images"] == len(views)
    assert (
        SyntheticSpec(**{name: marker[name] for name in ("lesions", "melanoma_share", "image_size", "seed")}) == SMALL
    )


def test_two_workers_write_what_one_writes(tmp_path: Path) -> None:
    spec = SyntheticSpec(lesions=40, image_size=32)
    write_synthetic(tmp_path / "one", spec, workers=1)
    write_synthetic(tmp_path / "two", spec, workers=2)
    assert digest(tmp_path / "one") == digest(tmp_path / "two")


def test_a_complete_folder_is_reused_untouched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_synthetic(tmp_path / "set", SMALL, workers=1)
    monkeypatch.setattr(writer, "render", crash)
    before = digest(tmp_path / "set")
    write_synthetic(tmp_path / "set", SMALL, workers=1)
    assert digest(tmp_path / "set") == before


def test_another_spec_is_refused(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "set", SMALL, workers=1)
    with pytest.raises(UsageError, match="another spec"):
        write_synthetic(tmp_path / "set", replace(SMALL, seed=6), workers=1)


@pytest.mark.parametrize("marker", [None, "{", "[]", '{"schema": "something"}'])
def test_a_folder_of_something_else_is_refused_and_kept(tmp_path: Path, marker: str | None) -> None:
    (tmp_path / "holiday.jpg").write_bytes(b"sea")
    if marker is not None:
        (tmp_path / "synthetic.json").write_text(marker)
    before = digest(tmp_path)
    with pytest.raises(UsageError, match="holds"):
        write_synthetic(tmp_path, SMALL, workers=1)
    assert digest(tmp_path) == before


def test_an_empty_folder_is_filled(tmp_path: Path) -> None:
    (tmp_path / "set").mkdir()
    write_synthetic(tmp_path / "set", SMALL, workers=1)
    assert (tmp_path / "set" / "synthetic.json").is_file()


@pytest.mark.parametrize("file", ["images/SYN_000003_0.jpg", "metadata.csv"])
def test_a_set_that_lost_a_file_is_named_as_damaged(tmp_path: Path, file: str) -> None:
    write_synthetic(tmp_path / "set", SMALL, workers=1)
    (tmp_path / "set" / file).unlink()
    with pytest.raises(DataError, match=Path(file).name):
        write_synthetic(tmp_path / "set", SMALL, workers=1)


def test_no_workers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="0 processes"):
        write_synthetic(tmp_path / "set", SMALL, workers=0)


def test_a_failure_in_the_middle_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "render", crash)
    with pytest.raises(RuntimeError, match="out of paint"):
        write_synthetic(tmp_path / "set", SMALL, workers=1)
    assert leftovers(tmp_path) == []


def test_a_killed_worker_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    def kill(task: str, done: int, total: int) -> None:
        for child in multiprocessing.active_children():
            child.kill()

    with pytest.raises(MachineError, match="ended from outside"):
        write_synthetic(tmp_path / "set", replace(SMALL, lesions=400), progress=kill, workers=2)
    assert leftovers(tmp_path) == []


def test_a_stopped_writer_leaves_nothing(tmp_path: Path) -> None:
    def stop(task: str, done: int, total: int) -> None:
        if done:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_synthetic(tmp_path / "set", replace(SMALL, lesions=100), progress=stop, workers=2)
    assert leftovers(tmp_path) == []


def test_a_killed_writer_leaves_no_set_and_does_not_block_the_next(tmp_path: Path) -> None:
    code = (
        "from pathlib import Path\n"
        "from melanoma_edge.data.synthetic import SyntheticSpec, write_synthetic\n"
        f"write_synthetic(Path({str(tmp_path / 'set')!r}), SyntheticSpec(3000, 0.25, 48, 5), workers=1)\n"
    )
    root = Path(__file__).resolve().parents[2]
    process = subprocess.Popen([sys.executable, "-c", code], cwd=root)
    while not any(tmp_path.glob(".set.*.part/images/*.jpg")):
        assert process.poll() is None
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not (tmp_path / "set").exists()
    write_synthetic(tmp_path / "set", SMALL, workers=1)
    assert leftovers(tmp_path) == ["set"]
    assert len(list((tmp_path / "set" / "images").iterdir())) == len(plan(SMALL))


def test_who_waits_for_another_writer_says_so(tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []

    def tell(*step: Any) -> None:
        told.append(step)
        holder.close()  # ends the wait

    with open(tmp_path / ".set.lock", "w") as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        write_synthetic(tmp_path / "set", SMALL, progress=tell, workers=1)
    assert told[0] == ("waiting for another run that draws the same images", 0, 0)
    assert told[-1][1] == len(plan(SMALL))


def test_two_processes_at_once_make_one_set(tmp_path: Path) -> None:
    spawn = multiprocessing.get_context("spawn")
    arguments = (tmp_path / "set", SMALL)
    both = [spawn.Process(target=write_synthetic, args=arguments, kwargs={"workers": 1}) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join()
    assert [process.exitcode for process in both] == [0, 0]
    write_synthetic(tmp_path / "alone", SMALL, workers=1)
    assert digest(tmp_path / "set") == digest(tmp_path / "alone")
