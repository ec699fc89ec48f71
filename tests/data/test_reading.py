"""How data are read: known policies only, and none that contradict each other."""

from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.data.reading import Reading, TableColumns, reading_from
from melanoma_edge.errors import UsageError


def test_the_default_leaks_nothing_and_leaves_out_nothing() -> None:
    assert Reading().policies() == {
        "on_conflict": "error",
        "on_duplicate": "keep-first",
        "test_folder": "pool",
        "split_policy": "grouped",
        "left_out": "nothing",
    }
    assert not Reading().leaky


def test_a_preferred_table_is_kept_by_name_without_its_folder() -> None:
    reading = Reading(on_conflict="prefer some where/labels.csv", skip_missing=True, skip_unknown=True)
    assert reading.preferred == Path("some where/labels.csv")
    assert reading.policies()["on_conflict"] == "prefer labels.csv"
    assert reading.policies()["left_out"] == "missing images, unknown labels"


@pytest.mark.parametrize(
    ("choice", "known"),
    [
        ({"on_conflict": "ignore"}, "choose error, drop or prefer"),
        ({"on_duplicate": "keep"}, "choose keep-first or error"),
        ({"test_folder": "both"}, "choose pool or keep"),
        ({"split_policy": "random"}, "choose grouped or legacy"),
        ({"image_type": "xray"}, "choose dermoscopic or clinical"),
    ],
)
def test_an_unknown_choice_is_answered_with_the_known(choice: dict[str, Any], known: str) -> None:
    with pytest.raises(UsageError, match=known):
        Reading(**choice)


@pytest.mark.parametrize("choice", ["prefer", "prefer "])
def test_preferring_needs_a_table(choice: str) -> None:
    with pytest.raises(UsageError, match="is not whole"):
        Reading(on_conflict=choice)


@pytest.mark.parametrize("choice", [{"on_conflict": "drop"}, {"on_duplicate": "error"}])
def test_legacy_takes_files_as_they_lie(choice: dict[str, Any]) -> None:
    assert Reading(split_policy="legacy", test_folder="keep").leaky
    with pytest.raises(UsageError, match="takes every file as it lies"):
        Reading(split_policy="legacy", **choice)


def test_legacy_makes_as_many_copies_as_tutorials_unless_told_otherwise() -> None:
    assert (Reading().copies, Reading(split_policy="legacy").copies) == (0, 500)
    reading = reading_from({"split_policy": "legacy", "legacy_copies": 0})
    assert reading.copies == 0
    assert reading.policies()["legacy_copies"] == "0"


@pytest.mark.parametrize("choice", [{"legacy_copies": 5}, {"legacy_copies": 0}])
def test_copies_are_for_legacy_alone(choice: dict[str, Any]) -> None:
    with pytest.raises(UsageError, match="copies of each class before a split by grouped policy"):
        Reading(**choice)


@pytest.mark.parametrize("count", [-1, 10_001])
def test_a_number_of_copies_out_of_range_is_refused(count: int) -> None:
    with pytest.raises(UsageError, match="before a split by legacy policy"):
        Reading(split_policy="legacy", legacy_copies=count)


def test_options_become_a_reading_and_others_are_passed_over() -> None:
    options = {"source": "csv", "path_column": "f", "label_column": "d", "group_column": None, "epochs": 3}
    assert reading_from(options) == Reading(source="csv", columns=TableColumns("f", "d"))
    left = reading_from({"skip_missing_images": True, "skip_unknown_labels": True, "image_type": "clinical"})
    assert left == Reading(skip_missing=True, skip_unknown=True, image_type="clinical")
    assert reading_from({}) == Reading()


@pytest.mark.parametrize("options", [{"path_column": "f"}, {"label_column": "d"}, {"group_column": "p"}])
def test_columns_are_named_together(options: dict[str, str]) -> None:
    with pytest.raises(UsageError, match="column go together"):
        reading_from(options)
