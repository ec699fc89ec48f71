"""What is said of the machine, and of what it lacks."""

from __future__ import annotations

import importlib
import platform
import shutil
from collections import namedtuple
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge import machine
from melanoma_edge.errors import MachineError
from melanoma_edge.machine import PACKAGES, Finding, examine

Usage = namedtuple("Usage", "total used free")


def _found(findings: list[Finding], what: str) -> Finding:
    (finding,) = [finding for finding in findings if finding.what == what]
    return finding


def test_every_package_and_python_are_found(tmp_path: Path) -> None:
    findings = examine(tmp_path, load_tensorflow=False)
    assert _found(findings, "python").value == platform.python_version()
    assert [finding for name in PACKAGES if (finding := _found(findings, name)).fix] == []


def test_both_runtimes_load(tmp_path: Path) -> None:
    findings = examine(tmp_path, load_tensorflow=False)
    assert {_found(findings, f"{name} loads").value for name in ("LiteRT", "onnxruntime")} == {"yes"}


def test_tensorflow_is_asked_for_gpus_only_when_wanted(tmp_path: Path) -> None:
    assert not [finding for finding in examine(tmp_path, load_tensorflow=False) if finding.what == "GPUs"]
    findings = examine(tmp_path)
    assert _found(findings, "TensorFlow loads").value.startswith("yes, with Keras 2")
    assert not _found(findings, "GPUs").fix


def test_a_missing_package_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(machine.PACKAGES, "no-such-package", "nothing")
    finding = _found(examine(tmp_path, load_tensorflow=False), "no-such-package")
    assert finding == Finding("no-such-package", "not installed", "pip install no-such-package (needed for nothing)")


def test_a_broken_runtime_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = importlib.import_module

    def broken(name: str, package: str | None = None) -> Any:
        if name == "onnxruntime":
            raise OSError("libgomp.so.1: cannot open shared object file")
        return real(name, package)

    monkeypatch.setattr(importlib, "import_module", broken)
    finding = _found(examine(tmp_path, load_tensorflow=False), "onnxruntime loads")
    assert "libgomp.so.1" in finding.value
    assert "onnxruntime" in finding.fix


def test_tensorflow_that_cannot_be_imported_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken() -> Any:
        raise MachineError("tf_keras cannot be imported", fix="install it")

    monkeypatch.setattr("melanoma_edge.model.legacy_keras.load_tensorflow", broken)
    finding = _found(examine(tmp_path), "TensorFlow loads")
    assert (finding.value, finding.fix) == ("no: tf_keras cannot be imported", "install it")


X86 = "processor : 0\nmodel name : Some Chip 9\nflags : fpu avx2 avx512_vnni\n"
ARM = "processor : 0\nFeatures : fp asimd asimddp i8mm\n"


@pytest.mark.parametrize(
    ("described", "instructions"),
    [(X86, ("avx2", "avx512_vnni")), (ARM, ("asimd", "asimddp", "i8mm")), ("", ())],
)
def test_processor_and_instructions_are_named(
    monkeypatch: pytest.MonkeyPatch, described: str, instructions: tuple[str, ...]
) -> None:
    monkeypatch.setattr(machine, "_cpuinfo", lambda: described)
    found = machine.this_machine()
    assert found.instructions == instructions and found.cores >= 1
    assert (found.processor == "Some Chip 9") is (described == X86) and found.processor
    assert platform.machine() in found.system


def test_cores_are_those_the_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine.os, "sched_getaffinity", lambda process: {3, 5, 7}, raising=False)
    assert machine.usable_cores() == 3
    monkeypatch.delattr(machine.os, "sched_getaffinity")
    assert machine.usable_cores() == machine.os.cpu_count()


@pytest.mark.parametrize(("free", "good"), [(1 << 30, False), (3 << 30, True)])
def test_little_disk_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, good: bool) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda place: Usage(1 << 40, 0, free))
    finding = _found(examine(tmp_path / "not" / "made" / "yet", load_tensorflow=False), "free disk")
    assert finding.value == f"{free >> 30}.0 GB at {tmp_path}"
    assert (finding.fix == "") == good
