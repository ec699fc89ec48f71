"""Two runs, paired: the difference is of the same lesions, and strangers are refused."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract, OperatingPoint
from melanoma_edge.errors import UsageError
from melanoma_edge.parity.runs import compare_runs


@dataclass(frozen=True, eq=False)
class Images:
    ids: list[str]
    groups: list[str]
    labels: NDArray[np.int64]
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, eq=False)
class StubRun:
    path: Path
    contract: ModelContract
    split: Images

    def images(self, split: str) -> Images:
        assert split == "validation"
        return self.split

    def reference(self) -> Any:
        raise AssertionError("not asked for")


class Answers:
    """Answer what was drawn for a run, batch by batch, and count how often it was closed."""

    def __init__(self, found: NDArray[np.float64]) -> None:
        self.found, self.closed, self.given = found, 0, 0

    def __enter__(self) -> Self:
        self.given = 0
        return self

    def __exit__(self, *_: object) -> None:
        self.closed += 1

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[np.float64]:
        assert len(batch) <= 64, "memory does not hold a whole split"
        self.given += len(batch)
        return self.found[self.given - len(batch) : self.given]


@pytest.fixture
def before(drawn: Any, contract: ModelContract) -> StubRun:
    count = len(drawn.ids)
    return StubRun(
        Path("before"), contract, Images(drawn.ids, drawn.groups, drawn.labels, np.zeros((count, 8, 8, 3), np.uint8))
    )


def test_the_change_is_that_of_the_lesions_at_each_runs_own_threshold(before: StubRun, drawn: Any) -> None:
    point = OperatingPoint(0.9, 0.95, 80, 0, True)
    small = np.zeros((len(drawn.ids), 4, 4, 3), np.uint8)
    after = StubRun(
        Path("after"),
        replace(before.contract, operating_point=point, input_size=4),
        replace(before.split, pixels=small),
    )
    worse = np.roll(drawn.probabilities, 1, axis=0)
    runners = {"before": Answers(drawn.probabilities), "after": Answers(worse)}
    found = compare_runs(before, after, "validation", resamples=100, runner_of=lambda path: runners[path.name])  # type: ignore[arg-type,return-value]
    right = [(p.argmax(axis=1) == drawn.labels) for p in (drawn.probabilities, worse)]
    recalls = [np.mean([hits[drawn.labels == k].mean() for k in range(4)]) for hits in right]
    change = found.paired.balanced_accuracy
    assert change is not None
    assert change.value == pytest.approx(recalls[1] - recalls[0])
    assert change.low < change.value < change.high < 0
    referred = (drawn.probabilities[:, 0] >= 0.3, worse[:, 0] >= 0.9)
    assert found.paired.same_decision == int((referred[0] == referred[1]).sum())
    assert (found.split, found.before, found.after) == ("validation", "before", "after")
    assert [runner.closed for runner in runners.values()] == [1, 1]


def test_a_run_is_no_different_from_itself(before: StubRun, drawn: Any) -> None:
    found = compare_runs(before, before, "validation", resamples=50, runner_of=lambda _: Answers(drawn.probabilities))  # type: ignore[arg-type,return-value]
    change = found.paired.macro_auc
    assert change is not None
    assert (change.value, change.low, change.high) == (0, 0, 0)
    assert found.paired.same_class == found.paired.lesions


def test_runs_of_other_images_or_classes_are_refused(before: StubRun) -> None:
    other = replace(before.split, ids=list(reversed(before.split.ids)))
    target = replace(before.contract, target_classes=("MEL", "BCC"), target="malignant")
    for stranger in (
        replace(before, split=other),
        replace(before, contract=target),
        replace(before, contract=replace(before.contract, classes=("MEL", "NV", "DF", "BCC"))),
    ):
        with pytest.raises(UsageError, match="differ in classes or in the images of validation"):
            compare_runs(before, stranger, "validation")
