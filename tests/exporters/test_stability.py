from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from exporters.material import Material, Recipe
from exporters.precision import Precision
from exporters.stability import range_changes, stability


def test_ranges_are_compared_by_their_width() -> None:
    one, other = {"a": (0.0, 2.0), "b": (-1.0, 1.0), "c": (3.0, 3.0)}, {"a": (0.0, 3.0), "b": (-1.5, 0.5), "d": (0, 1)}
    assert range_changes(one, other) == {"a": 0.5, "b": 0.5}


def test_two_sets_of_images_are_compared(toy_material: Material) -> None:
    found = stability(toy_material, Precision.INT8)
    assert found and found.images == (8, 8) and found.split == "validation"
    assert 0 < found.mean_range_change <= found.largest_range_change < 2
    assert 0 <= found.class_agreement <= 1 and 0 <= found.decision_agreement <= 1
    assert 0 < found.mean_score_change < 0.1


def test_the_test_split_has_no_part_in_it(toy_run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, images = [], type(toy_run).images

    def told(self: Any, split: str, *rest: Any) -> Any:
        assert split != "test"
        asked.append(split)
        return images(self, split, *rest)

    monkeypatch.setattr(type(toy_run), "images", told)
    found = stability(Material(toy_run, Recipe(8, rounding="nearest")), Precision.INT8)
    assert found and asked == [found.split] == ["validation"]


def test_bytes_in_depend_on_images_as_floats_in_do(toy_material: Material) -> None:
    assert stability(toy_material, Precision.INT8_FULL) == stability(toy_material, Precision.INT8)


def test_without_other_groups_nothing_is_claimed(toy_run: Any) -> None:
    every_group = Material(toy_run, Recipe(16, rounding="nearest"))
    assert stability(every_group, Precision.INT8) is None


def test_the_record_says_it_where_it_was_asked(toy_run: Any, tmp_path: Path) -> None:
    from exporters import export

    for check in (True, False):
        run = type(toy_run)(tmp_path / str(check), toy_run.contract, toy_run.catalog)
        made = export(run, "tflite", "int8", calibration_images=8, rounding="nearest", check_calibration=check)
        assert made.record.calibration and (made.record.calibration.stability is not None) == check
        assert ('"stability": null' in (run.artifacts / "model-int8.tflite.json").read_text()) == (not check)
