"""The ISIC archive, as its own client downloads it: images and ``metadata.csv``.

Tables of the first generation have a ``diagnosis``; those of the second have levels, ``diagnosis_1`` (benign or
malignant) to ``diagnosis_5`` (the finest). The finest level that the vocabulary knows is the label. Benign or malignant
alone is a label only where no image of the table has a better one.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from melanoma_edge.data.labels import find
from melanoma_edge.data.metadata import COLUMNS as METADATA
from melanoma_edge.data.metadata import IMAGE_TYPE, LICENCE, metadata_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.pictures import Entry, Sheet, pictures
from melanoma_edge.data.sources.table import Record, one_table, read_table, tables
from melanoma_edge.errors import DataError, named

IMAGE = "isic_id"
LEVELS = ("diagnosis_5", "diagnosis_4", "diagnosis_3", "diagnosis_2", "diagnosis_1")
OLD = ("diagnosis", "benign_malignant")
_KEPT = frozenset(
    {IMAGE, *LEVELS, *OLD, "lesion_id", "patient_id", *(name for names in METADATA.values() for name in names)}
)
_BINARY = ("benign", "malignant")
_UNSTATED = "unknown"


class IsicArchiveSource:
    """Read the metadata table of the ISIC archive's client and the images it names."""

    name = "isic-archive"
    looks_for = f"metadata.csv with the columns {IMAGE} and diagnosis or diagnosis_1 beside the images"

    def recognise(self, path: Path) -> str | None:
        """Name the metadata table, or return None where there is none."""
        return named(table.name for table in _tables(path)) or None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images that the table names.

        Raises:
            DataError: where there is no table or more than one, and as ``pictures``.
        """
        table = one_table(_tables(path), path, self.looks_for)
        rows, notes = pictures([_sheet(table)], path, reading)
        licences = {row.extra.get(LICENCE, "unknown (the table does not state it)") for row in rows}
        kinds = {row.extra.get(IMAGE_TYPE, _UNSTATED) for row in rows}
        return Listing("ISIC archive", rows, tuple(sorted(licences)), tuple(sorted(kinds - {_UNSTATED})), notes=notes)


def _tables(path: Path) -> list[Path]:
    wanted = {*LEVELS, *OLD}
    return [table for table, names in tables(path) if IMAGE in names and wanted & set(names)]


def _sheet(table: Path) -> Sheet:
    records = read_table(table, (IMAGE,), only=_KEPT)
    columns = [column for column in (*LEVELS, *OLD) if column in records[0].cells] if records else []
    if records and not columns:
        fix = f"keep {IsicArchiveSource.looks_for}"
        raise DataError("table has no column of diagnoses", where=str(table), fix=fix)
    source = IsicArchiveSource.name
    return Sheet(table, source, _entries(records, columns), IMAGE, ", ".join(columns), "lesion_id")


def _entries(records: Sequence[Record], columns: Sequence[str]) -> tuple[Entry, ...]:
    given = [[record.cells[column] for column in columns if record.cells[column]] for record in records]
    best = [next((text for text in texts if find(text) not in (None, *_BINARY)), None) for texts in given]
    diagnosed = any(best)
    labels = [
        text or next((text for text in texts if not diagnosed and find(text)), texts[0] if texts else "")
        for text, texts in zip(best, given, strict=True)
    ]
    return tuple(
        Entry(record.row, record.cells[IMAGE], _undiagnosed(label, diagnosed), *_units(record), _extra(record))
        for record, label in zip(records, labels, strict=True)
    )


def _undiagnosed(label: str, diagnosed: bool) -> str:
    """Mark a label that says benign or malignant alone among others that say more, so that it is not taken for one."""
    return f"{label} without a diagnosis" if diagnosed and find(label) in _BINARY else label


def _units(record: Record) -> tuple[str, str]:
    return record.cells.get("lesion_id", ""), record.cells.get("patient_id", "")


def _extra(record: Record) -> dict[str, str]:
    found = metadata_of(record.cells)
    if IMAGE_TYPE in found:
        found[IMAGE_TYPE] = found[IMAGE_TYPE].partition(":")[0]
    return found
