from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import exporters
from exporters.answers import answers
from exporters.material import Material
from exporters.plan import Keep, layers, units
from exporters.precision import Precision
from exporters.search import Goal, Judged, SearchFailed, search, turned
from melanoma_edge.errors import ParityFailed, UsageError
from melanoma_edge.runtime.artifact import read_record

LIMITS = {"decision_agreement": 0.99}


class Judge:
    """Be content with a file when at least so many of its layers are float."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        self.seen: list[int] = []

    def __call__(self, path: Path) -> Judged:
        self.seen.append(len(read_record(path).kept))
        good = self.seen[-1] >= self.wanted
        return Judged(good, {"decision_agreement": 0.98 + 0.001 * self.seen[-1]}, () if good else tuple(LIMITS))


def test_plain_int8_is_taken_when_it_is_good(toy_material: Material) -> None:
    judge = Judge(0)
    plan, record = search(toy_material, Goal(judge, LIMITS))
    assert plan == {} and judge.seen == [0]
    assert record.chosen == 0 and record.price is None and record.effects == {}


def test_blocks_move_in_the_order_of_their_effect_until_it_is_good(toy_material: Material) -> None:
    judge = Judge(2)
    plan, record = search(toy_material, Goal(judge, LIMITS, most_float=1.0))
    ranked = sorted(record.effects, key=lambda unit: -record.effects[unit])
    last = record.candidates[-1]
    assert last.good and [one.good for one in record.candidates[:-1]] == [False] * record.chosen
    assert last.float_units == tuple(ranked[: record.chosen])
    assert judge.seen == sorted(judge.seen) and judge.seen[-1] == len(plan) >= 2
    shares = [one.float_macs for one in record.candidates]
    assert shares[0] > 0 and shares == sorted(shares)
    assert record.price and record.price.bytes == last.bytes - record.candidates[0].bytes
    assert record.price.latency_ratio > 0


def test_it_gives_up_at_the_share_allowed_and_names_the_best(toy_material: Material) -> None:
    with pytest.raises(SearchFailed, match=r"misses decision_agreement 0\.98\d") as caught:
        search(toy_material, Goal(Judge(99), LIMITS, most_float=0.6))
    assert isinstance(caught.value, ParityFailed) and caught.value.exit_code == 5
    record = caught.value.record
    assert record and record.chosen is None and record.price is None
    assert 1 < len(record.candidates) < 5
    assert max(one.float_macs for one in record.candidates) <= 0.6


def test_the_effect_of_a_block_is_measured_with_that_block_alone_in_int8(toy_material: Material) -> None:
    with pytest.raises(SearchFailed) as caught:
        search(toy_material, Goal(Judge(99), LIMITS, most_float=0.0))
    record = caught.value.record
    assert record and record.effect_images == len(toy_material.chosen.pixels)
    blocks = units(layers(toy_material.on_grid))
    assert list(record.effects) == list(blocks)
    others = {name: Keep.FLOAT32 for unit, names in blocks.items() if unit != "block_1" for name in names}
    alone = toy_material.mixed(Precision.INT8, toy_material.ranges, others)
    contract, pixels = toy_material.run.contract, toy_material.chosen.pixels
    scores = [contract.target_score(answers(one, pixels).astype(float)) for one in (toy_material.source, alone)]
    assert record.effects["block_1"] == turned(scores[0], scores[1], contract.threshold) > 0


def test_an_export_with_a_goal_writes_what_was_found(toy_run: Any, tmp_path: Path) -> None:
    run = type(toy_run)(tmp_path, toy_run.contract, toy_run.catalog)
    options: dict[str, Any] = {"calibration_images": 12, "rounding": "nearest", "check_calibration": False}
    asked = [("tflite", "int8"), ("onnx", "int8"), ("tflite", "float32")]
    written = exporters.export_many(run, asked, goal=Goal(Judge(1), LIMITS, most_float=1.0), **options)
    lite, onnx, plain = written
    assert lite.record.kept == onnx.record.kept == read_record(lite.path).kept == read_record(onnx.path).kept
    assert set(lite.record.kept.values()) == {"float32"} and plain.record.kept == {}
    beside = json.loads((run.artifacts / "model-int8.tflite.search.json").read_text())
    assert beside["schema"] == "melanoma-edge/search/1" and beside["limits"] == LIMITS
    assert beside["candidates"][beside["chosen"]]["bytes"] == lite.bytes
    assert (beside["format"], beside["runtime"]) == ("tflite", "litert")
    assert (run.artifacts / "model-int8.onnx.search.json").exists() and plain.searched is None
    exporters.export(run, "tflite", "int8", force=True, **options)
    assert not (run.artifacts / "model-int8.tflite.search.json").exists()


def test_a_failed_search_writes_nothing(toy_run: Any, tmp_path: Path) -> None:
    run = type(toy_run)(tmp_path, toy_run.contract, toy_run.catalog)
    goal = Goal(Judge(99), LIMITS, most_float=0.0)
    with pytest.raises(SearchFailed, match="best of 1: plain int8"):
        exporters.export(run, "tflite", "int8", goal=goal, calibration_images=12, rounding="nearest")
    assert list(run.artifacts.iterdir()) == []


def test_a_goal_needs_int8(toy_run: Any, tmp_path: Path) -> None:
    run = type(toy_run)(tmp_path, toy_run.contract, toy_run.catalog)
    with pytest.raises(UsageError, match="a search without int8"):
        exporters.export(run, "tflite", "int8-full", goal=Goal(Judge(0), LIMITS))
    both = [("tflite", "int8"), ("tflite", "int8-full")]
    with pytest.raises(UsageError, match="int8-full would keep no layer in float"):
        exporters.export_many(run, both, goal=Goal(Judge(0), LIMITS))
    assert not run.artifacts.exists()


def test_turned_decisions_are_the_changes_within_the_band() -> None:
    assert turned(odds(0.0), odds(0.5), 0.5) == pytest.approx(0.25)
    assert turned(odds(0.0), odds(9.0), 0.5) == pytest.approx(0.5)
    assert turned(odds(2.0), odds(3.0), 0.5) == 0.0
    assert turned(odds(0.0, 2.0), odds(0.5, 3.0), 0.5) == pytest.approx(0.125)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0.01, 0.99), st.randoms(use_true_random=False))
def test_turned_decisions_are_a_share_and_have_no_direction(before: list[float], threshold: float, random: Any) -> None:
    after = [random.random() for _ in before]
    found = turned(np.array(before), np.array(after), threshold)
    assert 0 <= found <= 1
    assert found == turned(np.array(after), np.array(before), threshold)
    assert turned(np.array(before), np.array(before), threshold) == 0


def odds(*values: float) -> Any:
    numbers: Sequence[float] = values
    return 1 / (1 + np.exp(-np.array(numbers)))
