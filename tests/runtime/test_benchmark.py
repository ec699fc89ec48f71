"""Files measured side by side: what is measured, what is refused, and what becomes of a crash."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.files import deflated_bytes
from melanoma_edge.machine import usable_cores
from melanoma_edge.runtime import benchmark as module
from melanoma_edge.runtime.benchmark import benchmark, planned
from melanoma_edge.runtime.measured import Benchmark, Setting
from melanoma_edge.runtime.stopwatch import Burst, Start
from melanoma_edge.runtime.worker import RuntimeCrash

QUICK = Setting(("litert", "onnxruntime"), repeats=23, starts=1)


@pytest.fixture(scope="module")
def measured(toy_artifacts: Any) -> Benchmark:
    """Measure the float TFLite and the int8 ONNX file, and the first once more."""
    names = (("tflite", "float32"), ("onnx", "int8"), ("tflite", "float32"))
    return benchmark([toy_artifacts[name].path for name in names], QUICK)


def test_every_file_is_described_and_timed(measured: Benchmark, toy_artifacts: Any) -> None:
    assert [row.runtime for row in measured.rows] == ["litert", "onnxruntime", "litert"]
    for file, row in zip(measured.files, measured.rows, strict=True):
        assert (file.path, row.threads, row.error) == (row.path, 1, None)
        data = Path(file.path).read_bytes()
        assert (file.bytes, file.deflated_bytes) == (len(data), deflated_bytes(data))
        timing = row.timing
        assert timing is not None and timing.inferences == 23
        assert 0 < timing.p50_ms <= timing.p95_ms
        assert 0 < timing.images_per_second <= 2000 / timing.p50_ms, "half of the inferences take p50 at least"
        assert timing.peak_memory is not None and timing.memory_before is not None
        assert timing.peak_memory >= timing.memory_before
        for ratio in (timing.ratio, timing.cpu_ratio):
            assert 0 < ratio.low <= ratio.value <= ratio.high
    first = measured.rows[0].timing
    assert first is not None and (first.ratio.low, first.ratio.high) == (1, 1)


def test_the_document_is_flat_and_names_machine_and_versions(measured: Benchmark) -> None:
    document = measured.to_document()
    assert next(iter(document.items())) == ("schema", "melanoma-edge/benchmark/1")
    assert document["machine"]["cores"] == usable_cores() and document["machine"]["processor"]
    assert set(document["versions"]) == {"ai-edge-litert", "onnxruntime"}
    assert document["setting"]["rounds"] == 20
    assert {"path", "runtime", "threads", "p50_ms", "ratio"} <= set(document["rows"][0])
    assert "promise nothing about a phone" in document["note"]


class Fake:
    """Stand in for a worker whose inferences last as long as its runtime's name says, in milliseconds."""

    def __init__(self, name: str, *_: object) -> None:
        self.name, self.round = name, 0
        self.introduction = Start(0.5, None)

    def __enter__(self) -> Fake:
        if self.name == "unopenable":
            raise TrustError("cannot open", where="there", fix="do this")
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def ask(self, task: Any) -> Burst:
        self.round += 1
        if self.name == "dying" and self.round == 3:
            raise RuntimeCrash("died", where="there", fix="do that")
        usual = float(self.name) if self.name.isdigit() else 1.0
        seconds = np.array([usual * self.round, usual * self.round * 9]) * 1e-3
        return Burst(seconds, np.array([2e-3, 1e-3]) * usual, None)


@pytest.fixture
def faked(toy_artifacts: Any, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Benchmark one file with the fake in the given runtimes."""
    path = toy_artifacts["tflite", "int8"].path
    monkeypatch.setattr(module, "Worker", Fake)
    monkeypatch.setattr(module, "_SETTLE", 0)

    def run(*names: str, **changes: Any) -> Benchmark:
        monkeypatch.setattr(module, "RUNTIMES", dict.fromkeys(names, ("tflite",)))
        monkeypatch.setattr(module, "LIBRARIES", dict.fromkeys(names, ("numpy", "numpy")))
        return benchmark([path], replace(Setting(names, repeats=4, starts=2), **changes))

    return run


def test_ratios_compare_within_a_round(faked: Any) -> None:
    # Every round is slower than the one before, as on a machine that grows hot: the ratio stays.
    slow, fast = faked("10", "5").rows
    assert (slow.timing.ratio.value, fast.timing.ratio.value) == (1, 0.5)
    assert fast.timing.ratio.low == pytest.approx(0.5) and fast.timing.ratio.high == pytest.approx(0.5)
    assert (slow.timing.start_ms, slow.timing.inferences) == (500, 8)
    assert (fast.timing.cpu_ratio.value, fast.timing.cpu_ms) == (0.5, 7.5)
    assert slow.timing.p50_ms == pytest.approx(np.median([10, 20, 30, 40, 90, 180, 270, 360]))


def test_speed_is_all_images_by_all_seconds(faked: Any) -> None:
    timing = faked("10").rows[0].timing  # 8 inferences in 10 + 20 + 30 + 40 + 90 + 180 + 270 + 360 ms
    assert timing.images_per_second == pytest.approx(8)
    assert timing.p95_ms == pytest.approx(270 + 0.65 * 90)


@pytest.mark.parametrize("repeats", [1, 19, 20, 21, 30, 39, 40, 101])
def test_rounds_share_the_repeats_exactly_and_evenly(repeats: int) -> None:
    setting = replace(QUICK, repeats=repeats)
    shares = [module._task(setting, number).repeats or 0 for number in range(setting.rounds)]
    assert sum(shares) == repeats
    assert min(shares) >= 1 and max(shares) - min(shares) <= 1


def test_a_crash_becomes_a_row_and_the_next_row_the_first(faked: Any) -> None:
    unopenable, dying, first, last = faked("unopenable", "dying", "4", "8").rows
    assert (unopenable.timing, unopenable.error.exit_code) == (None, 7)
    assert (dying.timing, dying.error.what, dying.error.exit_code) == (None, "died", 8)
    assert dying.to_document() == {"path": dying.path, "runtime": "dying", "threads": 1, "error": "died"}
    assert (first.timing.ratio.value, last.timing.ratio.value) == (1, 2)


def test_nothing_but_errors_is_an_answer_too(faked: Any) -> None:
    found = faked("unopenable")
    assert [row.error.what for row in found.rows] == ["cannot open"] and found.versions == {}


@pytest.mark.parametrize(("load", "busy"), [(0.0, False), (99.0, True)])
def test_a_busy_machine_is_noted(faked: Any, monkeypatch: pytest.MonkeyPatch, load: float, busy: bool) -> None:
    monkeypatch.setattr(module.os, "getloadavg", lambda: (load, 0, 0))
    found = faked("1")
    assert (found.load_before, found.busy) == (load, busy)


def test_a_batch_is_counted_in_images(faked: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = faked("8").rows[0].timing
    original = module._size
    monkeypatch.setattr(module, "_size", lambda path: replace(original(path), batch=4))
    four = faked("8").rows[0].timing
    assert four.p50_ms == alone.p50_ms
    assert four.images_per_second == pytest.approx(4 * alone.images_per_second)


def test_progress_is_told(toy_artifacts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "Worker", Fake)
    told: list[tuple[str, int, int]] = []
    path = toy_artifacts["tflite", "int8"].path
    benchmark([path], Setting(("litert",), repeats=2, starts=2), lambda *step: told.append(step))
    assert told == [("starts", 1, 2), ("starts", 2, 2), ("rounds", 1, 2), ("rounds", 2, 2)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"runtimes": ("tensorflow",)}, "unknown runtime tensorflow"),
        ({"runtimes": ()}, "unknown runtime none"),
        ({"runtimes": ("onnxruntime",)}, "onnxruntime cannot run this format"),
        ({"threads": (0,)}, "cannot time 0 threads"),
        ({"threads": (10**6,)}, "cannot time 1000000 threads"),
        ({"threads": ()}, "cannot time no threads"),
        ({"seconds": 0.0}, "cannot measure for 0.0 seconds"),
        ({"seconds": float("nan")}, "cannot measure for nan seconds"),
        ({"repeats": 0}, "nothing to measure"),
        ({"starts": 0}, "nothing to measure"),
    ],
)
def test_what_cannot_be_measured_is_refused(toy_artifacts: Any, changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UsageError, match=words):
        planned([toy_artifacts["tflite", "int8"].path], replace(QUICK, **changes))


def test_folders_and_nothing_are_refused(toy_artifacts: Any, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no file"):
        planned([])
    file = toy_artifacts["tflite", "int8"].path
    for given in (tmp_path, tmp_path / "artifacts"):
        given.mkdir(exist_ok=True)
        with pytest.raises(UsageError, match="not folders") as caught:
            planned([file, given])
        assert f"{tmp_path}/artifacts/model-*.tflite;" in caught.value.fix


def test_the_files_that_the_fix_names_can_be_measured(toy_artifacts: Any) -> None:
    folder = toy_artifacts["tflite", "int8"].path.parent
    assert len(list(folder.glob("*.json"))) > 0
    paths = sorted(folder.glob("model-*.tflite"))
    assert [one.path for one in planned(paths, QUICK)] == [str(path) for path in paths] != []


def test_every_file_that_is_not_trusted_is_named(toy_artifacts: Any, tmp_path: Path) -> None:
    changed = tmp_path / "changed.tflite"
    changed.write_bytes(toy_artifacts["tflite", "int8"].path.read_bytes()[:-1])
    with pytest.raises(TrustError, match="artifact missing"):
        planned([tmp_path / "none.tflite"])
    with pytest.raises(TrustError, match=r"changed.tflite: .*none.tflite: artifact missing"):
        planned([changed, tmp_path / "none.tflite"])


def test_no_tensorflow_is_loaded_here_nor_there(toy_artifacts: Any, tmp_path: Path) -> None:
    for name in ("tensorflow", "tf_keras"):
        (tmp_path / f"{name}.py").write_text("raise RuntimeError('tensorflow was imported')\n")
    paths = [str(tmp_path), str(Path(module.__file__).parents[2])]
    script = (
        f"import sys; sys.path[:0] = {paths}\n"
        "from pathlib import Path\n"
        "from melanoma_edge.runtime.benchmark import benchmark\n"
        "from melanoma_edge.runtime.measured import Setting\n"
        f"found = benchmark([Path({str(toy_artifacts['tflite', 'int8'].path)!r})], Setting(repeats=1, starts=1))\n"
        "assert found.rows[0].timing, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
