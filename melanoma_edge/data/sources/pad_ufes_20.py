"""PAD-UFES-20: photographs of lesions taken with phones, and a table with patients and skin types.

Source: Pacheco et al., "PAD-UFES-20: A skin lesion dataset composed of patient data and clinical images collected from
smartphones", Data in Brief 32, 106221 (2020). Numbers of lesions are unique within a patient only.
"""

from __future__ import annotations

from pathlib import Path

from melanoma_edge.data.metadata import DX_TYPE, IMAGE_TYPE, metadata_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.pictures import Entry, Sheet, pictures
from melanoma_edge.data.sources.table import Record, one_table, read_table, tables
from melanoma_edge.errors import named

COLUMNS = ("patient_id", "lesion_id", "img_id", "diagnostic")
_CLINICAL = "clinical"


class PadUfes20Source:
    """Read a table with ``img_id`` and ``diagnostic``, and the images it names."""

    name = "pad-ufes-20"
    looks_for = f"a CSV file with the columns {', '.join(COLUMNS)} beside the images"

    def recognise(self, path: Path) -> str | None:
        """Name the metadata table, or return None where there is none."""
        return named(table.name for table in _tables(path)) or None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images that the table names; raises as ``pictures``, and for no table or more than one."""
        table = one_table(_tables(path), path, self.looks_for)
        entries = tuple(_entry(record) for record in read_table(table, COLUMNS))
        sheet = Sheet(table, self.name, entries, "img_id", "diagnostic", "lesion_id")
        rows, notes = pictures([sheet], path, reading)
        return Listing("PAD-UFES-20", rows, ("CC BY 4.0",), (_CLINICAL,), notes=notes)


def _tables(path: Path) -> list[Path]:
    return [table for table, names in tables(path) if {"img_id", "diagnostic"} <= set(names)]


def _entry(record: Record) -> Entry:
    cells = record.cells
    extra = metadata_of(cells) | {IMAGE_TYPE: _CLINICAL}
    if cells.get("biopsed", "").lower() == "true":
        extra[DX_TYPE] = "histopathology"
    lesion = f"{cells['patient_id']}_{cells['lesion_id']}"
    return Entry(record.row, cells["img_id"], cells["diagnostic"], lesion, cells["patient_id"], extra)
