"""What this machine has: versions, instruction set, GPUs, disk; and what is missing."""

from __future__ import annotations

import importlib
import os
import platform
import shutil
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = {
    "tensorflow": "training and conversion",
    "tf-keras": "training",
    "tensorflow-model-optimization": "pruning",
    "tf2onnx": "ONNX export",
    "onnx": "ONNX export",
    "onnxruntime": "running .onnx",
    "ai-edge-litert": "running .tflite",
    "ai-edge-quantizer": "int8",
    "cryptography": "signing bundles",
    "numpy": "everything",
    "pillow": "images",
    "scikit-learn": "metrics",
    "scipy": "intervals",
    "matplotlib": "plots",
}
_INSTRUCTIONS = ("avx2", "avx512f", "avx512_vnni", "avx_vnni", "amx_int8", "asimd", "asimddp", "i8mm")
_LEAST_FREE = 2 * 1024**3


@dataclass(frozen=True)
class Finding:
    """State one fact about the machine; ``fix`` is empty when all is well."""

    what: str
    value: str
    fix: str = ""


def examine(folder: Path, load_tensorflow: bool = True) -> list[Finding]:
    """Examine the machine.

    Args:
        folder: where work would be written.
        load_tensorflow: also import TensorFlow and ask for GPUs, which takes seconds.
    """
    findings = [
        Finding("python", platform.python_version()),
        Finding("system", f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores"),
        Finding("instructions", ", ".join(_instructions()) or "unknown"),
        _disk(folder),
        *(_package(name, use) for name, use in PACKAGES.items()),
        _runtime("LiteRT", "ai_edge_litert.interpreter", "ai-edge-litert"),
        _runtime("onnxruntime", "onnxruntime", "onnxruntime"),
    ]
    return findings + _tensorflow() if load_tensorflow else findings


@dataclass(frozen=True)
class Machine:
    """Name what a time was measured on: instructions are those that decide how fast integers and floats are."""

    system: str
    processor: str
    cores: int
    instructions: tuple[str, ...]


def this_machine() -> Machine:
    """Return the machine this process runs on, with the cores it may use."""
    described = _cpuinfo()
    names = [line.partition(":")[2].strip() for line in described.splitlines() if line.startswith("model name")]
    processor = names[0] if names else platform.processor() or platform.machine()
    return Machine(f"{platform.system()} {platform.machine()}", processor, usable_cores(), tuple(_instructions()))


def usable_cores() -> int:
    """Return how many cores this process may use, which a container or ``taskset`` may limit."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _cpuinfo() -> str:
    try:
        return Path("/proc/cpuinfo").read_text()
    except OSError:
        return ""


def _instructions() -> list[str]:
    flags = set(_cpuinfo().split())
    return [name for name in _INSTRUCTIONS if name in flags]


def _disk(folder: Path) -> Finding:
    there = next(parent for parent in (folder.resolve(), *folder.resolve().parents) if parent.exists())
    free = shutil.disk_usage(there).free
    fix = "" if free >= _LEAST_FREE else "free some space: a run with its cache takes up to 2 GB"
    return Finding("free disk", f"{free / 1024**3:.1f} GB at {there}", fix)


def _package(name: str, use: str) -> Finding:
    try:
        return Finding(name, version(name))
    except PackageNotFoundError:
        return Finding(name, "not installed", f"pip install {name} (needed for {use})")


def _runtime(name: str, module: str, package: str) -> Finding:
    try:
        importlib.import_module(module)
    except Exception as error:  # a broken binary package raises whatever its loader gives
        return Finding(f"{name} loads", f"no: {error}", f"pip install --force-reinstall {package}")
    return Finding(f"{name} loads", "yes")


def _tensorflow() -> list[Finding]:
    from melanoma_edge.errors import MelanomaEdgeError
    from melanoma_edge.model.legacy_keras import load_tensorflow

    try:
        tensorflow, keras = load_tensorflow()
    except MelanomaEdgeError as error:
        return [Finding("TensorFlow loads", f"no: {error.what}", error.fix)]
    gpus = tensorflow.config.list_physical_devices("GPU")
    return [
        Finding("TensorFlow loads", f"yes, with Keras {keras.__version__}"),
        Finding("GPUs", ", ".join(gpu.name for gpu in gpus) or "none: training runs on the CPU"),
    ]
