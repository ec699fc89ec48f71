"""Disks that are full or read-only, for cases of ``test_bad_inputs.py``."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from scenes import Scene
from verdicts import give_verdicts, small_shots

from melanoma_edge.bundle import choice


def small_disk(name: str, size: str) -> Callable[[Scene], Path]:
    """Mount a small disk at ``{tmp}/name``."""

    def mount(scene: Scene) -> Path:
        place = scene.tmp / name
        place.mkdir()
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", place], capture_output=True)
        if done.returncode:
            pytest.skip(f"no small disk can be mounted: {done.stderr.decode().strip()}")
        scene.after.callback(subprocess.run, ["umount", "-l", place], check=True)
        return place

    return mount


def read_only_disk(scene: Scene) -> None:
    place = small_disk("disk", "64k")(scene)
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)


def run_on_a_full_disk(scene: Scene) -> None:
    place = small_disk("disk", "2m")(scene)
    shutil.copytree(scene.run, place / "run", ignore=shutil.ignore_patterns("plots", "artifacts"))
    fill(place)


def run_on_a_read_only_disk(scene: Scene) -> None:
    place = small_disk("disk", "2m")(scene)
    shutil.copytree(scene.run, place / "run", ignore=shutil.ignore_patterns("plots", "artifacts"))
    subprocess.run(["mount", "-o", "remount,ro", place], check=True)


def bundle_on_full_disk(scene: Scene) -> None:
    scene.copy_run()
    give_verdicts([scene.tmp / f"run/artifacts/model-int8.{form}" for form in ("tflite", "onnx")])
    patch = scene.after.enter_context(pytest.MonkeyPatch.context())
    patch.setattr(choice, "SHOTS", small_shots())
    small_disk("disk", "100k")(scene)


def full_cache(scene: Scene) -> None:
    small_disk("cache", "64k")(scene)
    scene.fresh_cache()


def fill(place: Path) -> None:
    """Leave a few kilobytes on a disk."""
    state = os.statvfs(place)
    (place / "filler").write_bytes(bytes(max(0, state.f_bavail * state.f_frsize - 16_384)))
