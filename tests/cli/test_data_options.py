"""Options that say which images are read: two words for one option, and what a plan shows of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from disk import photo, photos, table

from melanoma_edge.data.sources import SOURCES

TRAIN = ("train", "--preset", "tiny", "--init", "none", "--dry-run", "--json", "--quiet")


@pytest.fixture
def contradictory(tmp_path: Path) -> Path:
    """Class folders in which one image stands under two labels, and a table that knows better."""
    for label, first in (("melanoma", 0), ("nevus", 10)):
        for number in range(5):
            photo(tmp_path / "data" / label / f"{label}{number}.png", first + number)
    photo(tmp_path / "data" / "nevus" / "melanoma0.png", 0)
    table(tmp_path / "labels.csv", "image,label", "melanoma0,MEL")
    return tmp_path / "data"


def plan(run: Any, data: Path, *options: str) -> Any:
    answer = run(*TRAIN, "--data", data, "--out", data.parent / "run", *options)
    assert answer.code == 0, answer.err
    return answer.document


def test_prefer_takes_a_file_as_second_word(run: Any, contradictory: Path) -> None:
    table_of = contradictory.parent / "labels.csv"
    said = plan(run, contradictory, "--on-conflict", "prefer", str(table_of), "--seed", "3")
    assert said["classes"] == {"MEL": 5, "NV": 5}
    assert said["policies"]["on_conflict"] == "prefer labels.csv"
    assert said["configuration"]["on_conflict"] == f"prefer {table_of}"
    assert said["configuration"]["seed"] == 3
    assert said == plan(run, contradictory, "--seed", "3", "--on-conflict", f"prefer {table_of}")


def test_policies_reach_the_plan(run: Any, contradictory: Path) -> None:
    assert plan(run, contradictory, "--on-conflict", "drop")["classes"] == {"MEL": 4, "NV": 5}
    leaky = plan(run, contradictory, "--split-policy", "legacy", "--legacy-copies", "0")
    assert (leaky["classes"], leaky["leaky"]) == ({"MEL": 5, "NV": 6}, True)
    copied = plan(run, contradictory, "--split-policy", "legacy", "--legacy-copies", "7")
    assert copied["classes"] == {"MEL": 12, "NV": 13}
    clinical = plan(run, contradictory, "--on-conflict", "drop", "--image-type", "clinical")
    assert clinical["image_types"] == ["clinical"]


def test_folds_and_columns_reach_the_plan(run: Any, tmp_path: Path) -> None:
    labels = ["melanoma", "nevus"] * 9
    table(tmp_path / "data" / "t.csv", "f,d,p", *(f"{n}.png,{label},{n // 2}" for n, label in enumerate(labels)))
    photos(tmp_path / "data", (f"{n}.png" for n in range(18)))
    columns = ("--path-column", "f", "--label-column", "d", "--group-column", "p")
    said = plan(run, tmp_path / "data", *columns, "--folds", "3", "--fold", "2")
    assert said["images"]["test"] == 6
    assert said["policies"]["fold"] == "2 of 3"


def test_what_is_not_there_or_not_known_can_be_left_out(run: Any, tmp_path: Path) -> None:
    rows = [f"L{n},i{n},{'mel' if n % 2 else 'nv'}" for n in range(8)] + ["L8,i8,scar", "L9,i9,nv"]
    table(tmp_path / "data" / "HAM10000_metadata.csv", "lesion_id,image_id,dx", *rows)
    photos(tmp_path / "data", (f"i{n}.png" for n in range(9)))
    said = plan(run, tmp_path / "data", "--skip-missing-images", "--skip-unknown-labels")
    assert sum(said["images"].values()) == 8
    assert said["policies"]["left_out"] == "missing images, unknown labels"


def test_every_source_can_be_chosen() -> None:
    from melanoma_edge.cli.train import command

    (option,) = [parameter for parameter in command.params if parameter.name == "source"]
    assert set(option.type.choices) == {"auto", *SOURCES}  # type: ignore[attr-defined]
