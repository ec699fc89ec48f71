"""The runtimes a file can be judged in, by name: which are here, and how each opens a file in its own process."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from melanoma_edge.errors import MachineError, UsageError
from melanoma_edge.runtime import open_artifact
from melanoma_edge.runtime.artifact import read_artifact
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.emulated import EmulatedRunner
from melanoma_edge.runtime.emulator import CPU, check_ready, emulator_folder
from melanoma_edge.runtime.worker import IsolatedRunner

ALL = "all"
_TFLITE, _ONNX = ("tflite",), ("onnx", "ort")
_LITERT, _ORT = "ai-edge-litert", "onnxruntime"


@dataclass(frozen=True)
class Runtime:
    """Name a runtime, the formats it runs and the package whose version decides its answers."""

    name: str
    formats: tuple[str, ...]
    package: str
    open: Callable[[Path], Runner]
    emulated: bool = False
    asked: bool = False

    @property
    def version(self) -> str:
        """The version of its package here."""
        return version(self.package)


@dataclass(frozen=True)
class Absent:
    """Name a runtime that is not here, and why."""

    runtime: str
    why: str


def open_plain(path: Path, threads: int | None = None) -> Runner:
    """Open a TFLite file without XNNPACK; raises as ``open_model``."""
    from melanoma_edge.runtime.litert import PlainLiteRTRunner

    return PlainLiteRTRunner(*read_artifact(path), threads)


def open_untuned(path: Path, threads: int | None = None) -> Runner:
    """Open an ONNX or ORT file with onnxruntime's own settings; raises as ``open_model``."""
    from melanoma_edge.runtime.onnx import UntunedOnnxRunner

    return UntunedOnnxRunner(*read_artifact(path), threads)


def _emulated(path: Path) -> Runner:
    return EmulatedRunner(path, opener=open_artifact)


RUNTIMES: Mapping[str, Runtime] = {
    one.name: one
    for one in (
        Runtime("litert", _TFLITE, _LITERT, IsolatedRunner),
        Runtime("litert-plain", _TFLITE, _LITERT, lambda path: IsolatedRunner(path, opener=open_plain)),
        Runtime("onnxruntime", _ONNX, _ORT, IsolatedRunner),
        Runtime("onnxruntime-untuned", _ONNX, _ORT, lambda path: IsolatedRunner(path, opener=open_untuned), asked=True),
        Runtime(f"litert@{CPU}", _TFLITE, _LITERT, _emulated, emulated=True),
        Runtime(f"onnxruntime@{CPU}", _ONNX, _ORT, _emulated, emulated=True),
    )
}
"""All by name. ``onnxruntime-untuned`` is tried only when it is asked for: its int8 is not a phone's."""


def chosen(names: Sequence[str]) -> tuple[tuple[Runtime, ...], tuple[Absent, ...]]:
    """Return the runtimes that names stand for, and those of ``all`` that are not here.

    Raises:
        UsageError: for an unknown name.
        MachineError: when one that is asked for by its own name is not here.
    """
    unknown = [name for name in names if name not in (*RUNTIMES, ALL)]
    if unknown or not names:
        fix = f"use {ALL}, or some of {', '.join(RUNTIMES)}"
        raise UsageError(f"unknown runtime {', '.join(unknown) or 'none'}", where="--runtimes", fix=fix)
    wanted = [one for one in RUNTIMES.values() if one.name in names or (ALL in names and not one.asked)]
    present, absent = [], []
    for one in wanted:
        why = _why_not(one)
        if why is None:
            present.append(one)
        elif one.name in names:
            raise why
        else:
            absent.append(Absent(one.name, why.what))
    return tuple(present), tuple(absent)


def _why_not(runtime: Runtime) -> MachineError | None:
    try:
        version(runtime.package)
        if runtime.emulated:
            check_ready(emulator_folder())
    except PackageNotFoundError:
        return MachineError(f"{runtime.package} is not installed", fix=f"pip install {runtime.package}")
    except MachineError as error:
        return error
    return None
