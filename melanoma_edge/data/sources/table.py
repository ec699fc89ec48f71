"""Metadata tables: CSV files read strictly, rows numbered as a spreadsheet shows them."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.data.sources.base import entries, subfolders
from melanoma_edge.errors import DataError, machine_errors, named

_SAVE = "save the table again as comma-separated UTF-8 text"


@dataclass(frozen=True, slots=True)
class Record:
    """Hold one row of a table by lower-case column name. ``row`` counts from the header, which is row 1."""

    row: int
    cells: dict[str, str]


def tables(folder: Path, inside: bool = False) -> list[tuple[Path, tuple[str, ...]]]:
    """Return the CSV files directly in a folder, or also one folder further down, sorted, with their column names."""
    folders = [folder, *(subfolders(folder) if inside else ())]
    files = [Path(entry.path) for place in folders for entry in entries(place) if entry.is_file()]
    named_so = [file for file in files if file.suffix.lower() == ".csv" or not file.suffix]
    return [(file, header(file)) for file in named_so if not file.name.startswith(".")]


def one_table(found: Sequence[Path], folder: Path, wanted: str) -> Path:
    """Return the only table of those found; raises ``DataError`` where there is none or more than one."""
    if len(found) != 1:
        what = f"one metadata table expected, {len(found)} found{': ' if found else ''}"
        what += named(table.name for table in found)
        raise DataError(what, where=str(folder), fix=f"keep {wanted}, and no second one")
    return found[0]


def header(path: Path) -> tuple[str, ...]:
    """Return the column names in lower case, or nothing when the file does not begin like a table."""
    try:
        with machine_errors(f"reading {path.name}"), open(path, "rb") as stream:
            first = stream.readline(1 << 16).decode("utf-8-sig", errors="replace")
        return () if "\0" in first else tuple(_names(next(csv.reader([first]), [])))
    except csv.Error:
        return ()


def read_table(
    path: Path,
    required: Sequence[str],
    names: Sequence[str] = (),
    only: Collection[str] | None = None,
    filled: bool = True,
) -> list[Record]:
    """Read every row of a table; a byte-order mark and blank rows are passed over.

    Args:
        path: the table.
        required: columns that must be there, in lower case.
        names: of the columns of a table that has no header; its rows count from 1.
        only: columns to keep; all where not given. Tables of the whole archive are large.
        filled: whether the required ones must be so in every row.

    Raises:
        DataError: when it is empty, not UTF-8, not a table, lacks a required column or has one twice, or when rows
            have more or fewer cells than the header or leave a required one empty.
    """
    rows = _rows(path)
    columns = list(names) or _names(next(rows, []))
    _check_columns(path, columns, required)
    kept = [(place, name) for place, name in enumerate(columns) if only is None or name in only]
    records, torn = [], []
    for number, cells in enumerate(rows, 1 if names else 2):
        if not any(map(str.strip, cells)):
            continue
        if len(cells) == len(columns):
            records.append(Record(number, {name: sys.intern(cells[place].strip()) for place, name in kept}))
        else:
            torn.append(f"row {number} has {len(cells)}")
    if torn:
        what = f"rows do not have the header's {len(columns)} cells: {named(torn)}"
        raise DataError(what, where=str(path), fix=_SAVE)
    if filled:
        _check_filled(path, required, records)
    return records


def _rows(path: Path) -> Iterator[list[str]]:
    try:
        with machine_errors(f"reading {path.name}"), open(path, encoding="utf-8-sig", newline="") as stream:
            yield from csv.reader(stream, strict=True)
    except UnicodeDecodeError as error:
        raise DataError("table is not UTF-8 text", where=str(path), fix=_SAVE) from error
    except csv.Error as error:
        raise DataError(f"table cannot be read as CSV: {error}", where=str(path), fix=_SAVE) from error


def _names(cells: Sequence[str]) -> list[str]:
    return [cell.strip().lower() for cell in cells]


def _check_columns(path: Path, columns: Sequence[str], required: Sequence[str]) -> None:
    if not columns:
        raise DataError("table is empty", where=str(path), fix=f"give one with the columns {', '.join(required)}")
    missing = [name for name in required if name not in columns]
    if missing:
        what = f"table lacks the column {', '.join(missing)}; it has {named(columns, 20)}"
        raise DataError(what, where=str(path), fix=f"add the column; needed are {', '.join(required)}")
    twice = sorted({name for name in columns if columns.count(name) > 1} & set(required))
    if twice:
        raise DataError(f"table has two columns {named(twice)}", where=str(path), fix="keep one of them")


def _check_filled(path: Path, required: Sequence[str], records: list[Record]) -> None:
    empty = [f"row {record.row} {name}" for record in records for name in required if not record.cells[name]]
    if empty:
        raise DataError(f"empty cells: {named(empty)}", where=str(path), fix="fill them in or remove those rows")
