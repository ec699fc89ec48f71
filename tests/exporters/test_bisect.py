"""Which layers must be float again, found in files that were broken in one layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from breaking import Graph, constant, resealed

from exporters.bisect import TakenApart, bisect
from exporters.plan import NOTHING
from exporters.precision import Precision
from exporters.search import Goal, Judged, SearchFailed
from melanoma_edge.errors import UsageError
from melanoma_edge.runtime import open_model
from melanoma_edge.runtime.artifact import read_artifact
from melanoma_edge.training.run import Run

BROKEN = "block_1_project"


@pytest.fixture(scope="module")
def run(trained: Any) -> Run:
    return Run.open(trained.run)


@pytest.fixture(scope="module")
def pixels(run: Run, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return np.asarray(run.images("validation").pixels[:8])


def answers(path: Path, pixels: Any) -> Any:
    with open_model(path) as runner:
        return runner.infer(pixels)


@pytest.fixture
def broken(trained: Any, tmp_path: Path) -> Path:
    path = tmp_path / "broken.tflite"
    change = constant(f"{BROKEN}/weights", lambda w: np.roll(w, 3, axis=0))
    path.write_bytes(resealed(change(trained.artifact("model-int8.tflite").read_bytes())))
    return path


def near(expected: Any, pixels: Any) -> Goal:
    """Return the goal that a file answers as expected."""

    def judge(path: Path) -> Judged:
        distance = float(np.abs(answers(path, pixels) - expected).max())
        return Judged(distance < 0.01, {"distance": distance}, () if distance < 0.01 else ("distance",))

    return Goal(judge, {}, most_float=1.0)


def test_a_file_put_together_again_answers_as_before(broken: Path, run: Run, pixels: Any, tmp_path: Path) -> None:
    material = TakenApart(run, *read_artifact(broken))
    again = tmp_path / "again.tflite"
    again.write_bytes(material.sealed_tflite(Precision.INT8, NOTHING))
    for part in ("weights", "bias"):
        one, other = (Graph(path.read_bytes()).values(f"{BROKEN}/{part}") for path in (broken, again))
        assert np.abs(one.astype(int) - other.astype(int)).max() <= 1
    assert np.abs(answers(broken, pixels) - answers(again, pixels)).max() < 0.01


def test_the_broken_layer_is_found_and_no_other(broken: Path, run: Run, pixels: Any, trained: Any) -> None:
    expected = answers(trained.artifact("model-float32.tflite"), pixels)
    found = bisect(run, broken, near(expected, pixels))
    assert found.layers == (BROKEN,)
    assert (found.tried[0].layers, found.tried[0].good) == ((), False)
    assert (found.sha256, found.schema) == (read_artifact(broken)[0].sha256, "melanoma-edge/bisect/1")


def test_a_good_file_needs_nothing(run: Run, pixels: Any, trained: Any) -> None:
    expected = answers(trained.artifact("model-float32.tflite"), pixels)
    assert bisect(run, trained.artifact("model-int8.tflite"), near(expected, pixels)).layers == ()


def test_a_fault_behind_all_layers_is_not_blamed_on_one(run: Run, pixels: Any, trained: Any, tmp_path: Path) -> None:
    path = tmp_path / "head.tflite"
    change = constant("head/bias", lambda b: b + 5 * np.eye(len(b))[0])
    path.write_bytes(resealed(change(trained.artifact("model-int8.tflite").read_bytes())))
    expected = answers(trained.artifact("model-float32.tflite"), pixels)
    with pytest.raises(SearchFailed):
        bisect(run, path, near(expected, pixels))


@pytest.mark.parametrize("name", ["model-int8.onnx", "model-float32.tflite"])
def test_other_files_are_refused(name: str, run: Run, pixels: Any, trained: Any) -> None:
    with pytest.raises(UsageError, match="apart"):
        bisect(run, trained.artifact(name), near(np.zeros(1), pixels))
