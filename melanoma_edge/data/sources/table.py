"""Metadata tables: CSV files read strictly, rows numbered as a spreadsheet shows them."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.errors import DataError, machine_errors, named

_SAVE = "save the table again as comma-separated UTF-8 text"


@dataclass(frozen=True)
class Record:
    """Hold one row of a table by lower-case column name. ``row`` counts from the header, which is row 1."""

    row: int
    cells: dict[str, str]


def header(path: Path) -> tuple[str, ...]:
    """Return the column names in lower case, or nothing when the file does not begin like a table."""
    try:
        with machine_errors(f"reading {path.name}"), open(path, "rb") as stream:
            first = stream.readline(1 << 16).decode("utf-8-sig", errors="replace")
        return () if "\0" in first else tuple(_names(next(csv.reader([first]), [])))
    except csv.Error:
        return ()


def read_table(path: Path, required: Sequence[str]) -> list[Record]:
    """Read every row of a table; a byte-order mark and blank rows are passed over.

    Raises:
        DataError: when it is empty, not UTF-8, not a table, lacks a required column, or when rows have more
            or fewer cells than the header or leave a required one empty.
    """
    rows = _rows(path)
    if not rows:
        raise DataError("table is empty", where=str(path), fix=f"give one with the columns {', '.join(required)}")
    names = _names(rows[0])
    missing = [name for name in required if name not in names]
    if missing:
        what = f"table lacks the column {', '.join(missing)}; it has {named(names, 20)}"
        raise DataError(what, where=str(path), fix=f"add the column; needed are {', '.join(required)}")
    numbered = [(number, cells) for number, cells in enumerate(rows[1:], 2) if any(map(str.strip, cells))]
    _check_shape(path, len(names), numbered)
    records = [Record(number, dict(zip(names, map(str.strip, cells), strict=True))) for number, cells in numbered]
    _check_filled(path, required, records)
    return records


def _rows(path: Path) -> list[list[str]]:
    try:
        with machine_errors(f"reading {path.name}"), open(path, encoding="utf-8-sig", newline="") as stream:
            return list(csv.reader(stream, strict=True))
    except UnicodeDecodeError as error:
        raise DataError("table is not UTF-8 text", where=str(path), fix=_SAVE) from error
    except csv.Error as error:
        raise DataError(f"table cannot be read as CSV: {error}", where=str(path), fix=_SAVE) from error


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _check_shape(path: Path, width: int, numbered: list[tuple[int, list[str]]]) -> None:
    torn = [f"row {number} has {len(cells)}" for number, cells in numbered if len(cells) != width]
    if torn:
        raise DataError(f"rows do not have the header's {width} cells: {named(torn)}", where=str(path), fix=_SAVE)


def _check_filled(path: Path, required: Sequence[str], records: list[Record]) -> None:
    empty = [f"row {record.row} {name}" for record in records for name in required if not record.cells[name]]
    if empty:
        raise DataError(f"empty cells: {named(empty)}", where=str(path), fix="fill them in or remove those rows")
