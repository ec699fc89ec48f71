"""Metadata tables: read strictly, every fault named by row and column."""

from pathlib import Path

import pytest

from melanoma_edge.data.sources.table import Record, header, one_table, read_table, tables
from melanoma_edge.errors import DataError


def table(folder: Path, content: bytes) -> Path:
    path = folder / "t.csv"
    path.write_bytes(content)
    return path


def test_rows_are_numbered_as_a_spreadsheet_shows_them(tmp_path: Path) -> None:
    path = table(tmp_path, b'\xef\xbb\xbfA, b\r\n1,"x\r\ny"\r\n\r\n,\r\n 2 ,z\r\n')
    assert read_table(path, ("a",)) == [Record(2, {"a": "1", "b": "x\r\ny"}), Record(5, {"a": "2", "b": "z"})]
    assert header(path) == ("a", "b")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "table is empty"),
        (b"a,c\n1,2\n", "lacks the column b; it has a, c"),
        (b"a,b\n1,2\n3\n4,5,6\n", "rows do not have the header's 2 cells: row 3 has 1, row 4 has 3"),
        (b"a,b,a\n1,2,3\n", "table has two columns a"),
        (b"a,b\n1,\n ,2\n", "empty cells: row 2 b, row 3 a"),
        (b"a,b\n\xff\xfe,2\n", "table is not UTF-8 text"),
        (b'a,b\n"1,2\n', "cannot be read as CSV"),
    ],
)
def test_broken_tables_are_refused(tmp_path: Path, content: bytes, message: str) -> None:
    path = table(tmp_path, content)
    with pytest.raises(DataError, match=message) as caught:
        read_table(path, ("a", "b"))
    assert caught.value.where == str(path)


def test_a_file_that_is_no_text_has_no_header(tmp_path: Path) -> None:
    assert header(table(tmp_path, b"\x89PNG\xff\x00")) == ()
    assert header(table(tmp_path, b"")) == ()


def test_a_table_in_another_encoding_still_has_its_header(tmp_path: Path) -> None:
    assert header(table(tmp_path, "image_id,dx,größe\na,mel,1\n".encode("latin-1")))[:2] == ("image_id", "dx")


def test_a_table_without_a_header_gets_its_names_and_counts_from_one(tmp_path: Path) -> None:
    path = table(tmp_path, b"x,1\ny,2\n")
    assert read_table(path, ("a",), names=("a", "b")) == [
        Record(1, {"a": "x", "b": "1"}),
        Record(2, {"a": "y", "b": "2"}),
    ]


def test_tables_are_found_beside_and_one_folder_inside(tmp_path: Path) -> None:
    for name in ("b.CSV", "HAM10000_metadata", ".hidden.csv", "notes.txt", "in/a.csv", "in/deep/c.csv"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text("a,b\n")
    assert [path.name for path, _ in tables(tmp_path)] == ["HAM10000_metadata", "b.CSV"]
    assert [path.name for path, _ in tables(tmp_path, inside=True)] == ["HAM10000_metadata", "b.CSV", "a.csv"]
    assert {names for _, names in tables(tmp_path)} == {("a", "b")}


def test_one_table_is_wanted_not_none_and_not_two(tmp_path: Path) -> None:
    a, b = tmp_path / "a.csv", tmp_path / "b.csv"
    assert one_table([a], tmp_path, "a table") == a
    with pytest.raises(DataError, match="one metadata table expected, 0 found"):
        one_table([], tmp_path, "a table")
    with pytest.raises(DataError, match=r"2 found: a\.csv, b\.csv"):
        one_table([a, b], tmp_path, "a table")


def test_columns_that_nobody_asks_for_are_not_kept(tmp_path: Path) -> None:
    path = table(tmp_path, b"a,b,c\n1,2,3\n")
    assert read_table(path, ("a",), only={"a", "c", "z"}) == [Record(2, {"a": "1", "c": "3"})]
