"""A table of no known layout: the user names the columns of image, label and group."""

from __future__ import annotations

from pathlib import Path

from melanoma_edge.data.metadata import metadata_of
from melanoma_edge.data.reading import Reading, TableColumns
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.pictures import Entry, Sheet, pictures
from melanoma_edge.data.sources.table import one_table, read_table, tables
from melanoma_edge.errors import UsageError, named


class NamedColumnsSource:
    """Read a table whose columns are named by the user; equal groups of two such tables are one group."""

    name = "csv"
    looks_for = "a CSV file with the columns given as --path-column, --label-column and --group-column"

    def __init__(self, columns: TableColumns | None = None) -> None:
        self._columns = columns

    def recognise(self, path: Path) -> str | None:
        """Name the tables that have the columns, or return None where no columns are given or no table has them."""
        if self._columns is None:
            return None
        return named(table.name for table in _tables(path, self._columns)) or None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images of the table. Paths are taken from its folder; bare names are searched below it.

        Raises:
            UsageError: where no columns are named.
            DataError: as ``pictures``, and for no table or more than one.
        """
        if self._columns is None:
            raise UsageError("source csv needs to know the columns", fix="add --path-column and --label-column")
        columns = self._columns
        table = one_table(_tables(path, columns), path, f"one table with {named(_wanted(columns))}")
        image, label = columns.path.lower(), columns.label.lower()
        records = read_table(table, _wanted(columns))
        group = columns.group.lower() if columns.group else None
        entries = tuple(
            Entry(one.row, one.cells[image], one.cells[label], "", one.cells[group] if group else "", extra)
            for one, extra in ((record, metadata_of(record.cells)) for record in records)
        )
        rows, notes = pictures([Sheet(table, self.name, entries, columns.path, columns.label)], path, reading)
        licences = ("unknown (state it yourself)",)
        return Listing(f"table {table.name}", rows, licences, (), notes=notes)


def _wanted(columns: TableColumns) -> list[str]:
    return [name.lower() for name in (columns.path, columns.label, columns.group) if name]


def _tables(path: Path, columns: TableColumns) -> list[Path]:
    return [table for table, names in tables(path) if set(_wanted(columns)) <= set(names)]
