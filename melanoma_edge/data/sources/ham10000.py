"""HAM10000: a metadata table with one row per image, and the images anywhere below it.

Source: Tschandl, Rosendahl, Kittler, "The HAM10000 dataset", Scientific Data 5, 180161 (2018). It shows many lesions
more than once, so the lesion is the group.
"""

from __future__ import annotations

from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.metadata import metadata_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.pictures import Entry, Sheet, pictures
from melanoma_edge.data.sources.table import one_table, read_table, tables
from melanoma_edge.errors import named

COLUMNS = ("lesion_id", "image_id", "dx")


class Ham10000Source:
    """Read a table with ``lesion_id``, ``image_id`` and ``dx``, and the images it names."""

    name = "ham10000"
    looks_for = f"a CSV file with the columns {', '.join(COLUMNS)} beside the images"

    def recognise(self, path: Path) -> str | None:
        """Name the metadata table, which has at least two of the three columns, or return None."""
        return named(table.name for table in _tables(path)) or None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images that the table names; raises as ``read_lesion_table``."""
        table = one_table(_tables(path), path, self.looks_for)
        rows, notes = read_lesion_table(table, self.name, reading)
        return Listing("HAM10000", rows, ("CC BY-NC 4.0",), notes=notes)


def read_lesion_table(table: Path, source: str, reading: Reading) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    """Read a table with HAM10000's columns and find its images below its folder; returns and raises as ``pictures``."""
    records = read_table(table, COLUMNS)
    entries = tuple(
        Entry(one.row, one.cells["image_id"], one.cells["dx"], one.cells["lesion_id"], extra=metadata_of(one.cells))
        for one in records
    )
    return pictures([Sheet(table, source, entries, "image_id", "dx", "lesion_id")], table.parent, reading)


def _tables(path: Path) -> list[Path]:
    return [table for table, names in tables(path) if len(set(COLUMNS) & set(names)) >= 2]
