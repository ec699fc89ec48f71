"""The search for golden vectors, with models whose answers are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from toys import toy_contract

from melanoma_edge.bundle import choice
from melanoma_edge.bundle.choice import choose
from melanoma_edge.bundle.golden import TOLERANCE, Judge
from melanoma_edge.bundle.photos import Shot
from melanoma_edge.errors import ExportError

SHOTS = tuple(Shot(f"{place:02}", 240, 180, "MEL", place % 2 == 1) for place in range(1, 5))


class Made:
    """Answer with a made-up melanoma score."""

    def __init__(self, score: Callable[[Any], float]) -> None:
        self._score = score

    def infer(self, batch: Any) -> Any:
        return self.infer_all(batch)["probabilities"]

    def infer_all(self, batch: Any) -> Any:
        score = float(np.clip(self._score(batch[0]), 0, 1))
        return {"probabilities": np.array([[score, 1 - score, 0]], np.float32)}


@pytest.fixture(autouse=True)
def _small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choice, "SHOTS", SHOTS)


@pytest.fixture
def judge() -> Judge:
    contract = toy_contract()
    return Judge(contract, contract.effective_safeguards)


def red(pixels: Any) -> float:
    """Return a score that photos differ in and that their size hardly changes, around the threshold of 0.3."""
    return 0.3 + (float(pixels[..., 0].mean()) - 165) / 100


def scores(golden: Any, runtime: str = "one") -> Iterator[float]:
    return (vector.answers[runtime][0] for vector in golden.vectors)


def test_both_decisions_are_found_and_none_by_a_hair(judge: Judge) -> None:
    golden, files = choose(judge, {"one": Made(red)})  # type: ignore[dict-item]
    assert [vector.decision for vector in golden.vectors] == ["refer", "no-sign"] * 2
    assert all(abs(score - judge.contract.threshold) > 10 * TOLERANCE for score in scores(golden))
    assert set(files) == {name for vector in golden.vectors for name in (vector.photo, vector.pixels)}


def test_the_search_is_the_same_each_time(judge: Judge) -> None:
    first, second = (choose(judge, {"one": Made(red)}) for _ in range(2))  # type: ignore[dict-item]
    assert first == second


def test_a_model_that_always_refers_has_its_vectors_too(judge: Judge) -> None:
    golden, _ = choose(judge, {"one": Made(lambda pixels: 0.9)})  # type: ignore[dict-item]
    assert {vector.decision for vector in golden.vectors} == {"refer"}


@pytest.mark.parametrize("score", [0.3, 0.3015, 0.2985])
def test_scores_at_the_threshold_make_no_vector(judge: Judge, score: float) -> None:
    with pytest.raises(ExportError, match="not by a hair"):
        choose(judge, {"one": Made(lambda pixels: score)})  # type: ignore[dict-item]


def test_runtimes_that_never_agree_make_no_vector(judge: Judge) -> None:
    opened = {"one": Made(lambda pixels: 0.9), "two": Made(lambda pixels: 0.1)}
    with pytest.raises(ExportError, match="every runtime decides alike"):
        choose(judge, opened)  # type: ignore[arg-type]


def test_photos_on_which_runtimes_differ_are_passed_over(judge: Judge) -> None:
    opened = {"one": Made(red), "two": Made(lambda pixels: red(pixels) + 0.05)}
    golden, _ = choose(judge, opened)  # type: ignore[arg-type]
    for one, two in zip(scores(golden), scores(golden, "two"), strict=True):
        assert (one >= 0.3) == (two >= 0.3)


def test_photos_on_which_runtimes_tip_are_avoided(judge: Judge) -> None:
    """A sum on the border between two steps may fall on the other side with another processor."""

    def tipping(pixels: Any) -> float:
        return red(pixels) + (0.002 if int(pixels[0, 0, 0]) % 2 else 0)

    golden, _ = choose(judge, {"litert": Made(red), "onnxruntime": Made(tipping)})  # type: ignore[dict-item]
    both = zip(scores(golden, "litert"), scores(golden, "onnxruntime"), strict=True)
    assert all(abs(one - other) < TOLERANCE / 10 for one, other in both)


def test_below_a_low_threshold_there_is_less_room(judge: Judge) -> None:
    assert choice._clear(judge) == 10 * TOLERANCE
    low = SimpleNamespace(contract=SimpleNamespace(threshold=0.006))
    assert choice._clear(low) == pytest.approx(0.002)  # type: ignore[arg-type]
