"""The search for golden vectors, with models whose answers are made up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from toys import toy_contract

from melanoma_edge.bundle import choice
from melanoma_edge.bundle.choice import choose
from melanoma_edge.bundle.golden import MIXED_TOLERANCE, TOLERANCE, Judge, upright
from melanoma_edge.bundle.photos import Shot
from melanoma_edge.errors import ExportError
from melanoma_edge.pixels import square

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


@pytest.mark.parametrize("score", [0.3, 0.3008, 0.2992])
def test_scores_at_the_threshold_make_no_vector(judge: Judge, score: float) -> None:
    with pytest.raises(ExportError, match=r"among 48 drawn: on 0 runtimes .* on 48 by a hair.* 0\.3 ") as caught:
        choose(judge, {"one": Made(lambda pixels: score)})  # type: ignore[dict-item]
    assert caught.value.fix.startswith("train for longer")


def test_runtimes_that_never_agree_make_no_vector(judge: Judge) -> None:
    opened = {"one": Made(lambda pixels: 0.9), "two": Made(lambda pixels: 0.1)}
    with pytest.raises(ExportError, match="on 48 runtimes decide differently, on 0 by a hair") as caught:
        choose(judge, opened)  # type: ignore[arg-type]
    assert caught.value.fix.startswith("bundle other files")


def test_further_photos_are_drawn_while_none_will_do(judge: Judge, monkeypatch: pytest.MonkeyPatch) -> None:
    """The quickstart's pruned model scored a dozen chirps within 0.002 of its threshold, and others not."""
    monkeypatch.setattr(choice, "SHOTS", SHOTS[:1])
    side = judge.contract.input_size
    drawn = [trial.file() for batch in range(3) for trial in SHOTS[0].trials(batch)]
    near = {square(upright(file, "drawn"), side).tobytes() for file in drawn}
    model = Made(lambda pixels: 0.3008 if pixels.tobytes() in near else 0.9)
    golden, files = choose(judge, {"one": model})  # type: ignore[dict-item]
    assert list(scores(golden)) == pytest.approx([0.9])
    assert files[golden.vectors[0].pixels] not in near


def test_all_of_the_first_photos_are_looked_at(judge: Judge) -> None:
    """The last of them in order of promise may be the only one that will do."""
    (*others, last) = [square(upright(trial.file(), "drawn"), judge.contract.input_size) for trial in SHOTS[0].trials()]
    known = {pixels.tobytes() for pixels in others}
    first = Made(lambda pixels: 0.9 if pixels.tobytes() not in known else 0.3008)
    opened = {"one": Made(lambda pixels: 0.9), "two": first}
    taken = choice._best(SHOTS[0], judge, opened, choice._Room(0.3, TOLERANCE))  # type: ignore[arg-type]
    assert taken.pixels == last.tobytes()


@pytest.mark.parametrize("score", [0.3015, 0.2985])
def test_where_no_photo_keeps_two_tolerances_one_must_do(
    judge: Judge, score: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "SHOTS", SHOTS[:1])
    golden, _ = choose(judge, {"one": Made(lambda pixels: score)})  # type: ignore[dict-item]
    assert list(scores(golden)) == pytest.approx([score])


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


@pytest.mark.parametrize("tolerance", [TOLERANCE, MIXED_TOLERANCE])
def test_scores_lie_further_from_the_threshold_than_the_tolerance(judge: Judge, tolerance: float) -> None:
    golden, _ = choose(judge, {"one": Made(red)}, tolerance=tolerance)  # type: ignore[dict-item]
    assert golden.tolerance == tolerance
    assert all(abs(score - judge.contract.threshold) > 2 * tolerance for score in scores(golden))


def test_a_tolerance_is_kept_from_scores_that_another_runtime_may_tip(judge: Judge) -> None:
    with pytest.raises(ExportError, match="by a hair"):
        choose(judge, {"one": Made(lambda pixels: 0.308)}, tolerance=MIXED_TOLERANCE)  # type: ignore[dict-item]


def test_beside_a_threshold_near_an_end_there_is_less_room() -> None:
    wide, low = choice._Room(0.3, 0.001), choice._Room(0.0206, 0.01)
    assert (wide.clear(True), wide.clear(False), wide.least(False)) == pytest.approx((0.01, 0.01, 0.002))
    assert (low.clear(True), low.least(True)) == pytest.approx((0.1, 0.02))
    assert low.tolerance < low.clear(False) < low.threshold
    assert 0 < low.least(False) < low.tolerance
