"""Bytes, start-up, latency and memory of exported files, side by side.

Each candidate, a file in a runtime with a number of threads, lives in a process of its own, and one computes at a time.
They take turns in short bursts, so that what else the machine does hits all alike: a time here is worth little, a ratio
of two candidates within one round much.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from importlib.metadata import version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import MelanomaEdgeError, TrustError, UsageError, named
from melanoma_edge.files import deflated_bytes
from melanoma_edge.machine import this_machine, usable_cores
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import read_artifact
from melanoma_edge.runtime.measured import Benchmark, FileSize, Row, Setting, Spread, Timing
from melanoma_edge.runtime.stopwatch import LIBRARIES, RUNTIMES, Burst, Start, Task, stopwatch
from melanoma_edge.runtime.worker import Worker

DEFAULT = Setting()
_LONGEST = 3600
_TICK = 1e-9
_BUSY = 0.25
"""The share of the cores that others may want before a machine counts as busy."""
_SETTLE = 0.02
"""Seconds of rest before a burst: the threads of the last runtime's pool spin for a while before they sleep."""


@dataclass
class _Candidate:
    """Gather what one worker says, until its first error."""

    file: FileSize
    runtime: str
    threads: int
    starts: list[Start] = field(default_factory=list)
    bursts: list[Burst] = field(default_factory=list)
    error: MelanomaEdgeError | None = None
    worker: Worker | None = None

    def attempt(self, step: Callable[[_Candidate], object]) -> None:
        """Take a step, unless an earlier one failed, and keep its error."""
        if self.error is None:
            try:
                step(self)
            except MelanomaEdgeError as error:
                self.error = error

    def new_worker(self) -> Worker:
        path = Path(self.file.path)
        return Worker(self.runtime, path, stopwatch, path, self.runtime, self.threads, self.file.batch)

    def fastest(self) -> NDArray[np.float64]:
        """Return ``[2, rounds]`` seconds per image of each round's fastest inference, by the clock and of all cores.

        Nothing is faster than one tick of the clock: a toy network's processor time can be counted as none at all.
        """
        least = [(burst.seconds.min(), burst.cpu_seconds.min()) for burst in self.bursts]
        return np.maximum(np.array(least).T, _TICK) / self.file.batch


def benchmark(paths: Sequence[Path], setting: Setting = DEFAULT, progress: Progress = silent) -> Benchmark:
    """Measure exported files side by side, on random images of the size each takes. Loads no TensorFlow.

    Args:
        paths: exported files; one given twice shows how much of a ratio is noise.
        setting: runtimes, threads and effort.
        progress: told of starts and rounds done.

    Raises:
        UsageError: for nothing to run, an unknown runtime, a directory, or numbers out of range.
        TrustError: for a file that is missing or was changed.
    """
    files = planned(paths, setting)
    load = os.getloadavg()[0]
    candidates = _candidates(files, setting)
    with ExitStack() as stack:
        _start(candidates, setting.starts, stack, progress)
        _take_turns(candidates, setting, progress)
    machine, used = this_machine(), {LIBRARIES[one.runtime][1] for one in candidates if one.starts}
    versions = {name: version(name) for name in sorted(used)}
    return Benchmark(machine, versions, load, load > _BUSY * machine.cores, setting, files, _rows(candidates))


def planned(paths: Sequence[Path], setting: Setting = DEFAULT) -> tuple[FileSize, ...]:
    """Check what ``benchmark`` is asked for, raising as it does, and return the files."""
    _check(setting)
    files = tuple(_sizes(paths))
    if idle := [one.path for one in files if not _fitting(one, setting)]:
        fix = f"choose one of {', '.join(RUNTIMES)} that runs the file's format"
        raise UsageError(f"{', '.join(setting.runtimes)} cannot run this format", where=named(idle), fix=fix)
    return files


def _check(setting: Setting) -> None:
    unknown = [name for name in setting.runtimes if name not in RUNTIMES]
    if unknown or not setting.runtimes:
        raise UsageError(f"unknown runtime {named(unknown) or 'none'}", fix=f"use some of {', '.join(RUNTIMES)}")
    cores, threads = usable_cores(), setting.threads
    if not threads or min(threads) < 1 or max(threads) > cores:
        fix = f"this process may use {cores} cores: give numbers from 1 to {cores}"
        raise UsageError(f"cannot time {named(threads) or 'no'} threads", fix=fix)
    if not 0 < setting.seconds <= _LONGEST:
        raise UsageError(f"cannot measure for {setting.seconds} seconds", fix=f"give more than 0, at most {_LONGEST}")
    if setting.starts < 1 or (setting.repeats is not None and setting.repeats < 1):
        raise UsageError("nothing to measure", fix="give at least one start, and at least one repeat")


def _sizes(paths: Sequence[Path]) -> list[FileSize]:
    if not paths:
        raise UsageError("no file to measure", fix="give files of RUN/artifacts")
    if folders := [path for path in paths if path.is_dir()]:
        place = folders[0] if folders[0].name == "artifacts" else folders[0] / "artifacts"
        fix = f"give exported files, as {place}/model-*.tflite; `melanoma-edge export` writes them"
        raise UsageError("a benchmark takes exported files, not folders", where=named(folders), fix=fix)
    sizes, errors = [], []
    for path in paths:
        try:
            sizes.append(_size(path))
        except TrustError as error:
            errors.append(error)
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise TrustError(named(f"{error.where}: {error.what}" for error in errors), fix=errors[0].fix)
    return sizes


def _size(path: Path) -> FileSize:
    record, data = read_artifact(path)
    return FileSize(
        path=str(path),
        sha256=record.sha256,
        format=record.format,
        precision=record.precision,
        input_size=record.contract.input_size,
        batch=max(record.outputs[0].shape[0], 1),
        bytes=record.bytes,
        deflated_bytes=deflated_bytes(data),
    )


def _fitting(one: FileSize, setting: Setting) -> list[str]:
    return [name for name in dict.fromkeys(setting.runtimes) if one.format in RUNTIMES[name]]


def _candidates(files: Sequence[FileSize], setting: Setting) -> list[_Candidate]:
    counts = list(dict.fromkeys(setting.threads))
    pairs = [(one, name) for one in files for name in _fitting(one, setting)]
    return [_Candidate(one, name, count) for one, name in pairs for count in counts]


def _start(candidates: Sequence[_Candidate], starts: int, stack: ExitStack, progress: Progress) -> None:
    """Start every candidate's worker some times, in turns; the last one stays."""

    def start(candidate: _Candidate, last: bool) -> None:
        with ExitStack() as own:
            worker = own.enter_context(candidate.new_worker())
            candidate.starts.append(worker.introduction)
            if last:
                candidate.worker = worker
                stack.push(own.pop_all())

    for number in range(starts):
        for place, candidate in enumerate(candidates):
            candidate.attempt(partial(start, last=number == starts - 1))
            progress("starts", number * len(candidates) + place + 1, starts * len(candidates))


def _take_turns(candidates: Sequence[_Candidate], setting: Setting, progress: Progress) -> None:
    """Let every candidate do a burst per round, every other round in reverse, so that none is always after the same."""

    def burst(candidate: _Candidate, task: Task) -> None:
        assert candidate.worker is not None
        time.sleep(_SETTLE)
        candidate.bursts.append(candidate.worker.ask(task))

    for number in range(setting.rounds):
        for candidate in candidates if number % 2 == 0 else reversed(candidates):
            candidate.attempt(partial(burst, task=_task(setting, number)))
        progress("rounds", number + 1, setting.rounds)


def _task(setting: Setting, number: int) -> Task:
    """Return what is asked for in a round: its share, and in the first rounds one more of what does not divide."""
    share = None
    if setting.repeats is not None:
        least, rest = divmod(setting.repeats, setting.rounds)
        share = least + (number < rest)
    return Task(share, setting.seconds / setting.rounds)


def _rows(candidates: Sequence[_Candidate]) -> tuple[Row, ...]:
    first = next((one.fastest() for one in candidates if one.error is None), np.empty((2, 0)))

    def row(one: _Candidate) -> Row:
        timing = None if one.error else _timing(one, one.fastest() / first)
        return Row(one.file.path, one.runtime, one.threads, timing, one.error)

    return tuple(map(row, candidates))


def _timing(candidate: _Candidate, ratios: NDArray[np.float64]) -> Timing:
    times = np.concatenate([burst.seconds for burst in candidate.bursts])
    p50, p95 = np.percentile(times, (50, 95)) * 1e3
    cpu = np.median(np.concatenate([burst.cpu_seconds for burst in candidate.bursts]))
    return Timing(
        start_ms=float(np.median([start.seconds for start in candidate.starts]) * 1e3),
        p50_ms=float(p50),
        p95_ms=float(p95),
        cpu_ms=float(cpu * 1e3),
        images_per_second=float(candidate.file.batch * len(times) / times.sum()),
        inferences=len(times),
        memory_before=candidate.starts[-1].memory_before,
        peak_memory=candidate.bursts[-1].peak_memory,
        ratio=_spread(ratios[0]),
        cpu_ratio=_spread(ratios[1]),
    )


def _spread(values: NDArray[np.float64]) -> Spread:
    low, middle, high = np.percentile(values, (5, 50, 95))
    return Spread(float(middle), float(low), float(high))
