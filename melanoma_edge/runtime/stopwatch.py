"""The side of a benchmark that runs in a worker process: open one file in one runtime, then infer against the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.runtime import open_artifact
from melanoma_edge.runtime.artifact import read_artifact
from melanoma_edge.runtime.base import Pixels, Runner, require
from melanoma_edge.runtime.worker import Answering

RUNTIMES = {
    "litert": ("tflite",),
    "litert-plain": ("tflite",),
    "onnxruntime": ("onnx", "ort"),
    "onnxruntime-untuned": ("onnx", "ort"),
}
"""Which formats a runtime runs. ``litert-plain`` is LiteRT without XNNPACK; ``onnxruntime-untuned`` lacks the setting
that parity judges int8 with, which on x86 makes numbers those of a phone and costs time."""
_LITERT, _ONNXRUNTIME = ("ai_edge_litert.interpreter", "ai-edge-litert"), ("onnxruntime", "onnxruntime")
LIBRARIES = {name: _LITERT if name.startswith("litert") else _ONNXRUNTIME for name in RUNTIMES}
"""The module and the package of each runtime."""
_STATUS = Path("/proc/self/status")
_WARM = 1


@dataclass(frozen=True)
class Start:
    """Say how long opening a file and the first inference took, and what memory the process had before."""

    seconds: float
    memory_before: int | None


@dataclass(frozen=True)
class Task:
    """Ask for a burst of inferences: ``repeats`` of them, or as many as fit ``seconds``, but one at least."""

    repeats: int | None
    seconds: float


@dataclass(frozen=True)
class Burst:
    """Give what each inference of a burst took, by the clock and of all cores, and the peak of memory in bytes."""

    seconds: NDArray[np.float64]
    cpu_seconds: NDArray[np.float64]
    peak_memory: int | None


def random_images(count: int, size: int) -> Pixels:
    """Return images ``[count, size, size, 3]`` of random bytes, always the same."""
    return np.random.default_rng(0).integers(0, 256, (count, size, size, 3), np.uint8)


@contextmanager
def stopwatch(path: Path, runtime: str, threads: int, batch: int) -> Iterator[Answering]:
    """Open a file and give a function that answers a ``Task`` with a ``Burst``, and None with the ``Start``.

    The runtime's library is loaded before the clock starts: an app has it in memory or pays for it once. What is timed
    is reading the file, checking its seal, building the model, and the first inference.
    """
    require(*LIBRARIES[runtime])
    before = resident("VmRSS")
    began = time.perf_counter()
    with _open(path, runtime, threads) as runner:
        images = random_images(batch, runner.contract.input_size)
        runner.infer(images)
        start = Start(time.perf_counter() - began, before)
        yield lambda task: start if task is None else _burst(runner, images, task)


def _open(path: Path, runtime: str, threads: int) -> Runner:
    if runtime == "litert-plain":
        from melanoma_edge.runtime.litert import PlainLiteRTRunner

        return PlainLiteRTRunner(*read_artifact(path), threads)
    if runtime == "onnxruntime-untuned":
        from melanoma_edge.runtime.onnx import UntunedOnnxRunner

        return UntunedOnnxRunner(*read_artifact(path), threads)
    return open_artifact(path, threads)


def _burst(runner: Runner, images: Pixels, task: Task) -> Burst:
    for _ in range(_WARM):  # another process has just had the caches
        runner.infer(images)
    times: list[tuple[float, float]] = []
    began = time.perf_counter()
    while not times or _goes_on(task, len(times), time.perf_counter() - began):
        before, busy = time.perf_counter(), time.process_time()
        runner.infer(images)
        times.append((time.perf_counter() - before, time.process_time() - busy))
    seconds, cpu_seconds = np.array(times).T
    return Burst(seconds, cpu_seconds, resident("VmHWM"))


def _goes_on(task: Task, done: int, elapsed: float) -> bool:
    return elapsed < task.seconds if task.repeats is None else done < task.repeats


def resident(key: str) -> int | None:
    """Return a memory figure of this process in bytes: ``VmRSS`` now, ``VmHWM`` at most; None but on Linux.

    ``getrusage`` is no substitute: what it gives a child includes what its parent had.
    """
    try:
        lines = _STATUS.read_text().splitlines()
    except OSError:
        return None
    found = [int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{key}:")]
    return found[0] if found else None
