"""Tables of no known layout: the user's columns, and nothing guessed."""

from pathlib import Path

import pytest
from disk import photos, table

from melanoma_edge.data.catalog import Catalog
from melanoma_edge.data.reading import Reading, TableColumns
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.named_columns import NamedColumnsSource
from melanoma_edge.errors import DataError, UsageError

COLUMNS = TableColumns("File", "Finding", "Person")
HEAD = "file,finding,person,age,sex"
LINES = ("img/a.jpg,melanoma,1,50,F", "b,nevus,1,,", "c.jpg,nevus,2,,")


def read(folder: Path, columns: TableColumns | None = COLUMNS, source: str = "auto") -> Catalog:
    return read_catalog([folder], Reading(source=source, columns=columns))


def write(folder: Path, *lines: str, head: str = HEAD) -> Path:
    table(folder / "mine.csv", head, *lines)
    photos(folder, ("img/a.jpg", "img/b.jpg", "c.jpg"))
    return folder


def test_the_named_columns_are_read_and_groups_hold(tmp_path: Path) -> None:
    catalog = read(write(tmp_path, *LINES))
    assert [(row.image_id, row.label, row.group, row.source) for row in catalog.rows] == [
        ("a", "MEL", "csv/1", "csv"),
        ("b", "NV", "csv/1", "csv"),
        ("c", "NV", "csv/2", "csv"),
    ]
    assert catalog.rows[0].extra["sex"] == "female"
    assert "recognised by mine.csv" in catalog.notes[0]


def test_without_a_group_each_image_is_its_own(tmp_path: Path) -> None:
    catalog = read(write(tmp_path, *LINES), TableColumns("file", "finding"))
    assert [row.group for row in catalog.rows] == ["a", "b", "c"]


def test_a_column_that_is_not_there_is_said_with_those_that_are_wanted(tmp_path: Path) -> None:
    write(tmp_path, *LINES)
    with pytest.raises(DataError, match="one metadata table expected, 0 found") as caught:
        read(tmp_path, TableColumns("file", "diagnosis"), "csv")
    assert "one table with file, diagnosis" in caught.value.fix


def test_an_empty_group_is_named(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="empty cells: row 3 person"):
        read(write(tmp_path, LINES[0], "b,nevus,,,"))


def test_columns_and_source_go_together(tmp_path: Path) -> None:
    write(tmp_path, *LINES)
    with pytest.raises(UsageError, match="source csv needs to know the columns"):
        read(tmp_path, None, "csv")
    with pytest.raises(UsageError, match="source ham10000 knows its own"):
        read(tmp_path, COLUMNS, "ham10000")
    assert NamedColumnsSource().recognise(tmp_path) is None


def test_the_same_group_in_two_tables_is_one_group(tmp_path: Path) -> None:
    write(tmp_path / "one", *LINES)
    table(tmp_path / "two" / "more.csv", HEAD, "d.jpg,nevus,2,,")
    photos(tmp_path / "two", ("x.jpg", "y.jpg", "z.jpg", "d.jpg"))
    catalog = read_catalog([tmp_path / "one", tmp_path / "two"], Reading(columns=COLUMNS))
    assert {row.image_id: row.group for row in catalog.rows}["d"] == "csv/2"
