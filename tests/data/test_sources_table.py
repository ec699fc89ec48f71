"""Metadata tables: read strictly, every fault named by row and column."""

from pathlib import Path

import pytest

from melanoma_edge.data.sources.table import Record, header, read_table
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
