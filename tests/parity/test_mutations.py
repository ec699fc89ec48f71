"""The gate against files broken on purpose: every one is found, by what names its cause, and good files are not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from breaking import resealed
from mutations import By, Mutation, mutations

from melanoma_edge.cli.parity import _prove_calibration, _prove_precisions
from melanoma_edge.errors import TrustError
from melanoma_edge.parity.comparison import accepted, compare
from melanoma_edge.parity.examine import examine
from melanoma_edge.parity.gate import Status
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.runtime.layers import float_model
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.training.run import Run

SPLIT = "train"
"""The largest part of a tiny run: a gate needs lesions."""
TABLE = mutations("block_1", "block_2_add")


@dataclass(frozen=True, eq=False)
class Judge:
    """Judge files of one run; the float model runs once and stays open."""

    run: Run
    model: Any

    @cached_property
    def expected(self) -> Any:
        pixels = self.run.images(SPLIT).pixels
        return self.model.ask(("infer", np.asarray(pixels[: len(pixels)], np.float32)))

    def verdict(self, path: Path) -> Any:
        kept = Kept(self.expected)

        def opened(one: Path) -> Any:
            return kept if one == self.run.path else IsolatedRunner(one)

        (found,) = compare(self.run, path, SPLIT, resamples=100, runner_of=opened).artifacts
        return found.judgement

    def refusal(self, path: Path) -> TrustError | None:
        """Return what ``parity`` says before it compares anything."""
        try:
            records = accepted(self.run, [path])
            _prove_precisions(records)
            _prove_calibration(self.run, records)
        except TrustError as error:
            return error
        return None

    def cause(self, path: Path) -> str:
        def opened(_: Path) -> Any:
            return nullcontext(self.model)

        found = examine(self.run, path, SPLIT, model_of=opened)
        return found.sentence


class Kept:
    """Answer, batch by batch, what was computed before."""

    name, options = "keras", {}  # type: ignore[var-annotated]

    def __init__(self, expected: Any) -> None:
        self._left = list(expected)

    def __enter__(self) -> Kept:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def infer(self, batch: Any) -> Any:
        part, self._left = self._left[: len(batch)], self._left[len(batch) :]
        return np.stack(part)


@pytest.fixture(scope="module")
def judge(trained: Any) -> Iterator[Judge]:
    with float_model(trained.run) as model:
        yield Judge(Run.open(trained.run), model)


@pytest.mark.parametrize("mutation", TABLE, ids=lambda one: one.name)
def test_a_broken_file_is_found_and_its_cause_is_named(
    mutation: Mutation, judge: Judge, trained: Any, tmp_path: Path
) -> None:
    path = tmp_path / f"broken{Path(mutation.base).suffix}"
    broken = mutation.change(trained.artifact(mutation.base).read_bytes())
    path.write_bytes(broken)
    with pytest.raises(TrustError) as unrepaired:
        read_record(path)
    assert unrepaired.value.exit_code == 7
    path.write_bytes(resealed(broken))
    refused = judge.refusal(path)
    if mutation.by is not By.GATE:
        assert refused is not None and refused.exit_code == 7
        assert mutation.says in refused.what
        assert ("precision they state" in refused.what) == (mutation.by is By.LINT)
        return
    assert refused is None
    judgement = judge.verdict(path)
    assert judgement.verdict is Status.FAIL
    assert (
        mutation.says in [check.name for check in judgement.checks if check.status is Status.FAIL] or not mutation.says
    )
    assert mutation.cause in judge.cause(path)


def test_the_table_is_long_enough_and_has_no_name_twice() -> None:
    assert len({one.name for one in TABLE}) == len(TABLE) >= 25


@pytest.mark.parametrize("name", ["model-float32.tflite", "model-float32.onnx", "model-int8.tflite", "model-int8.onnx"])
def test_a_good_file_raises_no_alarm(name: str, judge: Judge, trained: Any) -> None:
    path = trained.artifact(name)
    assert judge.refusal(path) is None
    judgement = judge.verdict(path)
    assert [check.name for check in judgement.checks if check.status is Status.FAIL] == []
    assert all(check.inside for check in judgement.checks)
    sentence = judge.cause(path)
    assert sentence.startswith("No fault found") and "nothing to explain" in sentence and "No layer loses" in sentence


def test_a_wrong_crop_that_lint_did_not_see_is_named_by_its_answers(judge: Judge, trained: Any, tmp_path: Path) -> None:
    (crop,) = [one for one in TABLE if one.name == "wrong crop"]
    path = tmp_path / "cropped.tflite"
    path.write_bytes(resealed(crop.change(trained.artifact(crop.base).read_bytes())))
    assert "is cut out and enlarged" in judge.cause(path)
