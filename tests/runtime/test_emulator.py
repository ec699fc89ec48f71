"""The folder of the emulated processor: made by tools that pretend to be apt, dpkg-deb and QEMU."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.runtime import emulator
from melanoma_edge.runtime.emulator import (
    apt_command,
    check_ready,
    cpuinfo,
    emulator_folder,
    find_qemu,
    pip_command,
    prepare,
    python_command,
    wanted_packages,
)

APT = (
    'for last; do :; done\n[ "$last" = update ] || touch "$(dirname "$0")/../made/.arm64.part/apt/cache/archives/a.deb"'
)
DPKG = 'mkdir -p "$3/usr/bin" "$3/usr/lib"\ntouch "$3/usr/bin/python3.11" "$3/usr/bin/python3.11-config"'
FAILS = 'echo "some notes" >&2\necho "E: no arm64 here" >&2\nexit 100'

Tool = Callable[[str, str], None]


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Give a function that puts a shell script on a search path where only the usual small tools are besides."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{tmp_path / 'system'}")
    (tmp_path / "system").mkdir()
    for name in ("mkdir", "touch", "dirname"):
        (tmp_path / "system" / name).symlink_to(Path("/usr/bin") / name)

    def write(name: str, script: str) -> None:
        (folder / name).write_text(f"#!/bin/sh\n{script}\n")
        (folder / name).chmod(0o755)

    return write


@pytest.fixture
def tools(tool: Tool, monkeypatch: pytest.MonkeyPatch) -> Tool:
    """Put every tool that ``prepare`` calls in place."""
    for name, script in (("apt-get", APT), ("dpkg-deb", DPKG), ("qemu-aarch64-static", "")):
        tool(name, script)
    monkeypatch.setattr(emulator, "pip_command", lambda python, folder: ["/bin/sh", "-c", f"mkdir {folder}", python])
    return tool


def test_the_folder_is_made_once_and_whole(tools: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "arm64"
    told: list[tuple[str, int, int]] = []
    assert prepare(folder, progress=lambda *step: told.append(step))
    assert told[-1] == ("preparing the emulator", 4, 4)
    assert json.loads((folder / "emulator.json").read_text())["packages"] == wanted_packages()
    assert (folder / "sys/devices/system/cpu/possible").read_text() == "0-1\n"
    assert (folder / "lib").readlink() == Path("usr/lib")
    assert sorted(path.name for path in folder.parent.iterdir()) == [".arm64.lock", "arm64"]
    assert not (folder / "apt").exists()
    (folder / "ours").touch()
    assert not prepare(folder)
    assert (folder / "ours").exists()
    assert prepare(folder, force=True)
    assert not (folder / "ours").exists()


def test_the_command_is_a_cortex_a76_with_the_folder_s_python(tools: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "arm64"
    prepare(folder)
    qemu = str(tmp_path / "bin/qemu-aarch64-static")
    assert python_command(folder) == [qemu, "-cpu", "cortex-a76", "-L", str(folder), f"{folder}/usr/bin/python3.11"]


@pytest.mark.parametrize("broken", ["apt-get", "dpkg-deb", "qemu-aarch64-static"])
def test_a_tool_that_fails_leaves_nothing(tools: Tool, tmp_path: Path, broken: str) -> None:
    tools(broken, FAILS)
    with pytest.raises(MachineError, match=f"{broken} failed: E: no arm64 here") as caught:
        prepare(tmp_path / "made" / "arm64")
    assert broken in caught.value.where
    assert [path.name for path in (tmp_path / "made").iterdir()] == [".arm64.lock"]


@pytest.mark.parametrize(
    ("missing", "fix"),
    [("qemu-aarch64-static", "apt-get install qemu-user-static"), ("apt-get", "on Debian or Ubuntu")],
)
def test_a_missing_tool_says_what_to_do(tools: Tool, tmp_path: Path, missing: str, fix: str) -> None:
    (tmp_path / "bin" / missing).unlink()
    with pytest.raises(MachineError, match=f"{missing} is missing") as caught:
        prepare(tmp_path / "made" / "arm64")
    assert fix in caught.value.fix


def test_a_python_that_does_not_come_is_noticed(tools: Tool, tmp_path: Path) -> None:
    tools("dpkg-deb", "")
    with pytest.raises(MachineError, match="has no Python"):
        prepare(tmp_path / "made" / "arm64")


def test_what_others_put_there_is_kept(tools: Tool, tmp_path: Path) -> None:
    folder = tmp_path / "made" / "arm64"
    folder.mkdir(parents=True)
    (folder / "thesis.txt").write_text("mine")
    with pytest.raises(UsageError, match="something else is there") as caught:
        prepare(folder, force=True)
    assert "MELANOMA_EDGE_ARM64" in caught.value.fix
    assert (folder / "thesis.txt").read_text() == "mine"


def test_an_empty_folder_may_be_used(tools: Tool, tmp_path: Path) -> None:
    (tmp_path / "made" / "arm64").mkdir(parents=True)
    assert prepare(tmp_path / "made" / "arm64")


def test_readiness_needs_qemu_the_folder_and_equal_versions(
    tools: Tool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "made" / "arm64"
    with pytest.raises(MachineError, match="folder of the emulated processor is missing") as caught:
        check_ready(folder)
    assert "emulated prepare" in caught.value.fix
    prepare(folder)
    check_ready(folder)
    monkeypatch.setattr(emulator, "version", lambda name: "99")
    with pytest.raises(MachineError, match=r"ai-edge-litert .* instead of 99"):
        check_ready(folder)
    (tmp_path / "bin/qemu-aarch64-static").unlink()
    with pytest.raises(MachineError, match="no emulator of ARM"):
        check_ready(folder)


@pytest.mark.parametrize("text", ["", "[]", '{"schema": "other"}'])
def test_a_note_of_another_kind_is_none(tools: Tool, tmp_path: Path, text: str) -> None:
    folder = tmp_path / "made" / "arm64"
    folder.mkdir(parents=True)
    (folder / "emulator.json").write_text(text)
    with pytest.raises(MachineError, match="folder of the emulated processor is missing"):
        check_ready(folder)


def test_a_package_that_is_missing_here_cannot_be_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(emulator, "_PYTHON", ("numpy", "no-such-package"))
    with pytest.raises(MachineError, match="no-such-package is not installed") as caught:
        wanted_packages()
    assert caught.value.fix == "pip install no-such-package"


def test_the_dynamic_emulator_serves_where_the_static_one_is_missing(tool: Tool, tmp_path: Path) -> None:
    tool("qemu-aarch64", "")
    assert find_qemu() == str(tmp_path / "bin/qemu-aarch64")


def test_the_folder_lies_in_the_cache_unless_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert emulator_folder() == Path(os.environ["MELANOMA_EDGE_CACHE"]) / "arm64"
    monkeypatch.setenv("MELANOMA_EDGE_ARM64", str(tmp_path / "phone"))
    assert emulator_folder() == tmp_path / "phone"


def test_cpuinfo_is_that_of_a_cortex_a76_with_dot_products() -> None:
    cores = cpuinfo(3).strip().split("\n\n")
    assert len(cores) == 3
    lines = dict(line.split("\t: ") for line in cores[2].splitlines())
    assert (lines["processor"], lines["CPU implementer"], lines["CPU part"]) == ("2", "0x41", "0xd0b")
    assert {"asimd", "asimdhp", "asimddp"} <= set(lines["Features"].split())
    assert "sve" not in lines["Features"]


def test_apt_writes_nowhere_but_in_the_folder(tools: Tool, tmp_path: Path) -> None:
    command = apt_command(tmp_path / "apt")
    settings = dict(command[place + 1].split("=") for place, part in enumerate(command) if part == "-o")
    assert settings["APT::Architecture"] == settings["APT::Architectures"] == "arm64"
    places = [settings[name] for name in ("Dir::State", "Dir::State::status", "Dir::Cache")]
    assert all(place.startswith(str(tmp_path)) for place in places)


def test_pip_takes_wheels_of_another_processor_and_builds_nothing(tmp_path: Path) -> None:
    command = pip_command("3.11", tmp_path)
    assert command[:4] == [sys.executable, "-m", "pip", "install"]
    assert {"--only-binary=:all:", "--no-deps", "manylinux2014_aarch64", "manylinux_2_28_aarch64"} <= set(command)
    assert command[command.index("--python-version") + 1] == "3.11"
