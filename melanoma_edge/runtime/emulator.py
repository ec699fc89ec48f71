"""A folder that holds an ARM Python with both runtimes, to be executed by QEMU as a Cortex-A76 (Armv8.2, 2018).

The processor is one with dot products (``asimddp``) and half precision, as phones have since 2018; its int8 kernels are
not those of x86. Later ones (``-cpu max``: SVE, SME) must not be asked of QEMU 7.2: with them its int8 is garbage.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from melanoma_edge.errors import MachineError, UsageError, machine_errors
from melanoma_edge.files import locked, to_json, write_text
from melanoma_edge.progress import Progress, silent

SCHEMA = "melanoma-edge/emulator/1"
VARIABLE = "MELANOMA_EDGE_ARM64"
CPU = "cortex-a76"
PREPARE = "run `python -m melanoma_edge.runtime.emulated prepare`"
_EMULATORS = ("qemu-aarch64-static", "qemu-aarch64")
_NOTE = "emulator.json"
_DEBIAN = ("python3", "libstdc++6")
_PYTHON = ("ai-edge-litert", "onnxruntime", "onnx", "numpy", "protobuf", "ml_dtypes", "typing_extensions")
"""The runtimes, what opens a graph, and what these import; in the versions of this machine, so that only the processor
differs."""
_FEATURES = "fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp cpuid asimdrdm lrcpc dcpop asimddp"
_CORES = 2
_NEWEST_GLIBC = 28
_TASK = "preparing the emulator"
_ONLINE = "check the network, and that apt's sources offer arm64 packages; then run the command again"


def emulator_folder() -> Path:
    """Return ``$MELANOMA_EDGE_ARM64``, else ``arm64`` in the cache folder; raises as ``cache_folder``."""
    from melanoma_edge.data.cache import cache_folder

    chosen = os.environ.get(VARIABLE)
    return Path(chosen) if chosen else cache_folder() / "arm64"


def find_qemu() -> str:
    """Return the path of QEMU's user-mode emulator for 64-bit ARM.

    Raises:
        MachineError: when it is not installed.
    """
    found = [path for path in map(shutil.which, _EMULATORS) if path]
    if not found:
        raise MachineError(f"no emulator of ARM: {_EMULATORS[0]} is missing", fix="apt-get install qemu-user-static")
    return found[0]


def check_ready(folder: Path) -> None:
    """Check that a folder was prepared completely and for the versions of this machine.

    Raises:
        MachineError: when it is missing, when it holds other versions, or when QEMU is missing.
    """
    find_qemu()
    found = _note(folder)
    if found is None:
        raise MachineError("the folder of the emulated processor is missing", where=str(folder), fix=PREPARE)
    wanted = wanted_packages()
    others = [
        f"{name} {found.get(name)} instead of {wanted[name]}" for name in wanted if found.get(name) != wanted[name]
    ]
    if others:
        fix = f"{PREPARE} --force"
        raise MachineError(f"the emulated processor has {', '.join(others)}", where=str(folder), fix=fix)


def wanted_packages() -> dict[str, str]:
    """Return the PyPI packages to prepare, with the versions installed here.

    Raises:
        MachineError: when one is not installed here.
    """
    try:
        return {name: version(name) for name in _PYTHON}
    except PackageNotFoundError as error:
        raise MachineError(f"{error.name} is not installed", fix=f"pip install {error.name}") from error


def python_command(folder: Path) -> list[str]:
    """Return the command that starts the folder's Python as a Cortex-A76; raises as ``check_ready``."""
    check_ready(folder)
    return _started(folder)


def packages_folder(folder: Path) -> Path:
    """Return where the folder's own Python packages lie."""
    return folder / "packages"


def prepare(folder: Path, force: bool = False, progress: Progress = silent) -> bool:
    """Make the folder, from Debian's arm64 packages and PyPI's aarch64 wheels; about 300 MB.

    Nothing of this machine is changed: apt works with lists, cache and status of its own, as any user.

    Args:
        folder: where to; made whole or not at all.
        force: make it again although it is ready.
        progress: told of the steps.

    Returns:
        Whether it had to be made.

    Raises:
        MachineError: when a tool is missing or fails, or the disk is full.
        UsageError: when something else is there.
    """
    find_qemu()
    with locked(folder.with_name(f".{folder.name}.lock"), wait=True):
        if _is_of_others(folder):
            raise UsageError("something else is there", where=str(folder), fix=f"name another folder in {VARIABLE}")
        if _is_ready(folder) and not force:
            return False
        with machine_errors(f"preparing {folder}"), _made_whole(folder) as part:
            _fill(part, progress)
    return True


def _is_ready(folder: Path) -> bool:
    try:
        check_ready(folder)
    except MachineError:
        return False
    return True


def _is_of_others(folder: Path) -> bool:
    empty = folder.is_dir() and not any(folder.iterdir())
    return folder.exists() and not empty and _note(folder) is None


def _note(folder: Path) -> dict[str, str] | None:
    """Return the packages and versions in a folder that was made by ``prepare``."""
    try:
        document = json.loads((folder / _NOTE).read_text("utf-8"))
    except (OSError, ValueError):
        return None
    return document["packages"] if isinstance(document, dict) and document.get("schema") == SCHEMA else None


@contextmanager
def _made_whole(folder: Path) -> Iterator[Path]:
    part = folder.with_name(f".{folder.name}.part")
    shutil.rmtree(part, ignore_errors=True)
    try:
        yield part
        if folder.exists():
            shutil.rmtree(folder)
        part.rename(folder)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _fill(folder: Path, progress: Progress) -> None:
    packages = wanted_packages()
    for step, work in enumerate((_add_debian, _add_processor, _add_packages)):
        progress(_TASK, step, 4)
        work(folder)
    _try_out(folder)
    write_text(folder / _NOTE, to_json({"schema": SCHEMA, "cpu": CPU, "packages": packages}))
    progress(_TASK, 4, 4)


def _started(folder: Path) -> list[str]:
    return [find_qemu(), "-cpu", CPU, "-L", str(folder), str(_interpreter(folder))]


def _interpreter(folder: Path) -> Path:
    found = [path for path in (folder / "usr/bin").glob("python3.*") if re.fullmatch(r"python3\.\d+", path.name)]
    if len(found) != 1:
        raise MachineError("the emulated processor has no Python", where=str(folder), fix=f"{PREPARE} --force")
    return found[0]


def _add_debian(folder: Path) -> None:
    """Download and unpack Python, the C library and what they need."""
    for place in ("apt/state/lists/partial", "apt/cache/archives/partial"):
        (folder / place).mkdir(parents=True)
    (folder / "apt/status").touch()
    apt = apt_command(folder / "apt")
    _run([*apt, "update"])
    _run([*apt, "--yes", "--download-only", "install", *_DEBIAN])
    for package in sorted((folder / "apt/cache/archives").glob("*.deb")):
        _run([_tool("dpkg-deb"), "--extract", str(package), str(folder)])
    for name in ("lib", "bin", "sbin"):  # a merged /usr makes these links when packages are configured
        if not (folder / name).exists():
            (folder / name).symlink_to(f"usr/{name}")
    shutil.rmtree(folder / "apt")


def apt_command(folder: Path) -> list[str]:
    """Return apt-get for arm64 with everything it writes in ``folder``, and this machine's sources."""
    settings = {
        "APT::Architecture": "arm64",
        "APT::Architectures": "arm64",
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",
        "Dir::State": f"{folder}/state",
        "Dir::State::status": f"{folder}/status",
        "Dir::Cache": f"{folder}/cache",
    }
    return [_tool("apt-get"), "-qq", *(part for name, value in settings.items() for part in ("-o", f"{name}={value}"))]


def _tool(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        fix = f"prepare the folder on Debian or Ubuntu, copy it here and name it in {VARIABLE}"
        raise MachineError(f"{name} is missing", fix=fix)
    return found


def _add_processor(folder: Path) -> None:
    """Describe the processor where runtimes look it up; QEMU 7 shows them this machine's own, and they crash."""
    cores = folder / "sys/devices/system/cpu"
    for place in (folder / "proc", cores):
        place.mkdir(parents=True, exist_ok=True)
    (folder / "proc/cpuinfo").write_text(cpuinfo(_CORES))
    for name in ("possible", "present"):
        (cores / name).write_text(f"0-{_CORES - 1}\n")


def cpuinfo(cores: int) -> str:
    """Return ``/proc/cpuinfo`` of a Cortex-A76: implementer 0x41 is Arm, part 0xd0b this core."""
    lines = {
        "BogoMIPS": "48.00",
        "Features": _FEATURES,
        "CPU implementer": "0x41",
        "CPU architecture": "8",
        "CPU variant": "0x3",
        "CPU part": "0xd0b",
        "CPU revision": "1",
    }
    described = "".join(f"{name}\t: {value}\n" for name, value in lines.items())
    return "".join(f"processor\t: {core}\n{described}\n" for core in range(cores))


def _add_packages(folder: Path) -> None:
    """Install the wheels for the folder's Python; they need no compiler, and nothing of them runs."""
    python = _interpreter(folder).name.removeprefix("python")
    _run([*pip_command(python, packages_folder(folder)), *(f"{name}=={v}" for name, v in wanted_packages().items())])


def pip_command(python: str, folder: Path) -> list[str]:
    """Return pip that puts aarch64 wheels for a Python version, such as ``3.11``, into ``folder``."""
    platforms = ("manylinux2014", *(f"manylinux_2_{minor}" for minor in range(17, _NEWEST_GLIBC + 1)))
    given = ["--implementation", "cp", "--python-version", python, "--only-binary=:all:", "--no-deps"]
    for platform in platforms:
        given += ["--platform", f"{platform}_aarch64"]
    return [sys.executable, "-m", "pip", "install", "--quiet", *given, "--target", str(folder)]


def _try_out(folder: Path) -> None:
    command = [*_started(folder), "-c", "import ai_edge_litert.interpreter, onnxruntime, onnx"]
    _run(command, "use QEMU 7.2, with which this is known to work", PYTHONPATH=str(packages_folder(folder)))


def _run(command: Sequence[str], fix: str = _ONLINE, **variables: str) -> None:
    environment = {**os.environ, **variables}
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False, env=environment)
    if done.returncode:
        said = (done.stderr or done.stdout).strip().splitlines()
        what = f"{Path(command[0]).name} failed: {said[-1] if said else f'exit code {done.returncode}'}"
        raise MachineError(what, where=" ".join(command), fix=fix)
