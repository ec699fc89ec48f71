"""The side of a benchmark that runs in a worker process, here in this one."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.runtime import open_model, stopwatch
from melanoma_edge.runtime.artifact import read_artifact
from melanoma_edge.runtime.litert import PlainLiteRTRunner
from melanoma_edge.runtime.onnx import INTEGER_ARITHMETIC
from melanoma_edge.runtime.stopwatch import RUNTIMES, Task, random_images, resident

ONCE = Task(1, 0)


def open_stopwatch(artifacts: Any, runtime: str, threads: int = 1, batch: int = 1) -> Any:
    path = artifacts[RUNTIMES[runtime][0], "int8"].path
    return stopwatch.stopwatch(path, runtime, threads, batch)


@pytest.mark.parametrize("runtime", RUNTIMES)
def test_every_runtime_opens_its_file_and_runs_bursts(toy_artifacts: Any, runtime: str) -> None:
    with open_stopwatch(toy_artifacts, runtime) as ask:
        start, burst = ask(None), ask(Task(5, 0))
    assert start.seconds > 0
    assert len(burst.seconds) == len(burst.cpu_seconds) == 5
    assert (burst.seconds > 0).all() and (burst.cpu_seconds > 0).all()
    assert burst.peak_memory >= start.memory_before > 1_000_000


def test_a_burst_of_seconds_lasts_as_long_and_never_is_empty(toy_artifacts: Any) -> None:
    with open_stopwatch(toy_artifacts, "litert") as ask:
        began = time.perf_counter()
        assert len(ask(Task(None, 0.05)).seconds) >= 1
        assert time.perf_counter() - began >= 0.05
        assert len(ask(Task(None, 1e-9)).seconds) == 1


def _pool(artifacts: Any, runtime: str, threads: int) -> int:
    """Return how many threads an open stopwatch adds to this process."""
    before = len(os.listdir("/proc/self/task"))
    with open_stopwatch(artifacts, runtime, threads) as ask:
        ask(ONCE)
        return len(os.listdir("/proc/self/task")) - before


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="threads are counted on Linux")
@pytest.mark.parametrize("runtime", ["litert", "onnxruntime", "onnxruntime-untuned"])
def test_threads_reach_the_runtime(toy_artifacts: Any, runtime: str) -> None:
    _pool(toy_artifacts, runtime, 1)  # what a library starts once for all
    assert [_pool(toy_artifacts, runtime, threads) for threads in (1, 2, 3)] == [0, 1, 2]


def test_plain_litert_runs_without_xnnpack(toy_artifacts: Any, toy_batch: Any) -> None:
    def operators(runner: Any) -> set[str]:
        return {one["op_name"] for one in runner._interpreter._get_ops_details()}

    path = toy_artifacts["tflite", "float32"].path
    with open_model(path) as usual, PlainLiteRTRunner(*read_artifact(path)) as plain:
        assert "DELEGATE" in operators(usual) and "DELEGATE" not in operators(plain)
        assert plain.options and not usual.options
        np.testing.assert_allclose(plain.infer(toy_batch), usual.infer(toy_batch), atol=1e-5)


def test_untuned_onnxruntime_lacks_the_setting_of_parity(toy_artifacts: Any) -> None:
    def setting(runtime: str) -> str:
        with stopwatch._open(toy_artifacts["onnx", "int8"].path, runtime, 1) as runner:
            return runner._session.get_session_options().get_session_config_entry(INTEGER_ARITHMETIC[0])

    assert setting("onnxruntime") == INTEGER_ARITHMETIC[1]
    with pytest.raises(RuntimeError, match=INTEGER_ARITHMETIC[0]):
        setting("onnxruntime-untuned")


def test_the_images_are_always_the_same_and_not_dull() -> None:
    images = random_images(2, 32)
    assert images.shape == (2, 32, 32, 3) and images.dtype == np.uint8
    np.testing.assert_array_equal(images, random_images(2, 32))
    assert len(np.unique(images)) == 256 and not (images[0] == images[1]).all()


def test_memory_is_unknown_where_the_system_does_not_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert resident("VmSize") and resident("VmNothing") is None
    monkeypatch.setattr(stopwatch, "_STATUS", tmp_path / "none")
    assert resident("VmHWM") is None
