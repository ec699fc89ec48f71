"""The ISIC challenges of 2016 to 2020: ground truth tables, metadata tables beside them, images anywhere below.

Each year has its own form of ground truth: two columns without a header (2016), two flags (2017), one column per class
(2018, 2019), a target with patients (2020). In 2017 what is neither melanoma nor seborrheic keratosis is a nevus; in
2020 most benign lesions have no diagnosis, so its classes are melanoma and benign, and the diagnosis is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.data.metadata import COLUMNS as METADATA
from melanoma_edge.data.metadata import FOLDER_SPLIT, metadata_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import Listing
from melanoma_edge.data.sources.pictures import Entry, Sheet, pictures
from melanoma_edge.data.sources.table import Record, read_table, tables
from melanoma_edge.errors import DataError, named

_CODES = frozenset({"mel", "nv", "bcc", "ak", "akiec", "bkl", "df", "vasc", "scc", "unk"})
_IMAGE = ("image", "image_id", "image_name", "isic_id")
_JOINED = frozenset({"lesion_id", "patient_id", *(column for columns in METADATA.values() for column in columns)})
_ISIC = re.compile(r"isic_\d{7}", re.IGNORECASE)
_PART = re.compile(r"training|validation|test", re.IGNORECASE)
_FLAGS = {"0": False, "0.0": False, "1": True, "1.0": True}
_BINARY = {"benign": "benign", "malignant": "malignant", "0": "benign", "0.0": "benign"}
_BINARY |= {"1": "malignant", "1.0": "malignant"}


@dataclass(frozen=True)
class Year:
    """Describe one year's ground truth: its columns, which are those of a header unless ``bare``, and its licence.

    ``label`` gives a row's label as the vocabulary knows it, or None where the row contradicts itself.
    """

    year: int
    image: str
    columns: tuple[str, ...]
    label: Callable[[Record], str | None]
    licence: str
    bare: bool = False

    @property
    def source(self) -> str:
        """The name of the data set."""
        return f"isic-{self.year}"


class IsicChallengeSource:
    """Read ground truth tables of the ISIC challenges, with the metadata tables that lie beside them."""

    name = "isic-challenge"
    looks_for = "a ground truth table of an ISIC challenge, 2016 to 2020, beside the images"

    def recognise(self, path: Path) -> str | None:
        """Name the ground truth tables, or return None where there is none."""
        return named(table.name for table, _ in _truths(path)) or None

    def read(self, path: Path, reading: Reading) -> Listing:
        """List the images of all ground truth tables.

        Raises:
            DataError: where there is no ground truth, for rows that say no label or two, and as ``pictures``.
        """
        truths = _truths(path)
        if not truths:
            raise DataError("no ground truth table found", where=str(path), fix=f"keep {self.looks_for}")
        beside = _beside(path, {table for table, _ in truths})
        sheets = [_sheet(table, year, beside) for table, year in truths]
        rows, notes = pictures(sheets, path, reading)
        years = sorted({year.year for _, year in truths})
        licences = tuple(sorted({year.licence for _, year in truths}))
        return Listing(f"ISIC challenge {named(years)}", rows, licences, notes=notes)


def _flags(record: Record, columns: Sequence[str]) -> list[str] | None:
    """Name the columns that are set, or return None where a cell is no flag."""
    flags = [_FLAGS.get(record.cells[column]) for column in columns]
    return None if None in flags else [column for column, flag in zip(columns, flags, strict=True) if flag]


def _one_hot(record: Record) -> str | None:
    found = _flags(record, [column for column in record.cells if column in _CODES])
    return found[0].upper() if found and len(found) == 1 else None


def _two_flags(record: Record) -> str | None:
    found = _flags(record, ("melanoma", "seborrheic_keratosis"))
    if found is None or len(found) > 1:
        return None
    return found[0].replace("_", " ") if found else "nevus"


def _binary(record: Record) -> str | None:
    return _BINARY.get(record.cells["target"].lower())


def _with_diagnosis(record: Record) -> str | None:
    label = _binary(record)
    if label is None or record.cells["benign_malignant"].lower() != label:
        return None
    melanoma = record.cells["diagnosis"].lower() == "melanoma"
    if melanoma and label == "benign":
        return None
    return "melanoma" if melanoma else label


_YEARS = {
    2016: Year(2016, "image", ("image", "target"), _binary, "CC0 1.0", bare=True),
    2017: Year(2017, "image_id", ("melanoma", "seborrheic_keratosis"), _two_flags, "CC0 1.0"),
    2018: Year(2018, "image", ("mel", "nv"), _one_hot, "CC BY-NC 4.0"),
    2019: Year(2019, "image", ("mel", "nv", "scc"), _one_hot, "CC BY-NC 4.0"),
    2020: Year(2020, "image_name", ("target", "benign_malignant", "diagnosis"), _with_diagnosis, "CC BY-NC 4.0"),
}


def _truths(path: Path) -> list[tuple[Path, Year]]:
    found = ((table, _year(names)) for table, names in tables(path, inside=True))
    return [(table, year) for table, year in found if year]


def _year(names: Sequence[str]) -> Year | None:
    if len(names) == 2 and _ISIC.fullmatch(names[0]) and names[1] in _BINARY:
        return _YEARS[2016]
    for year in (_YEARS[2020], _YEARS[2019], _YEARS[2018], _YEARS[2017]):
        if {year.image, *year.columns} <= set(names):
            return year
    return None


def _beside(path: Path, truths: set[Path]) -> dict[str, dict[str, str]]:
    """Return by image what tables that are no ground truth say of it: lesion, patient, age and the like."""
    told: dict[str, dict[str, str]] = {}
    for table, names in tables(path, inside=True):
        image = next((name for name in _IMAGE if name in names), None)
        if table not in truths and image and _JOINED & set(names):
            for record in read_table(table, (image,)):
                given = {name: cell for name, cell in record.cells.items() if name in _JOINED and cell}
                told.setdefault(record.cells[image], {}).update(given)
    return told


def _sheet(table: Path, year: Year, beside: Mapping[str, Mapping[str, str]]) -> Sheet:
    names = year.columns if year.bare else ()
    records = read_table(table, (year.image, *year.columns), names)
    labels = [year.label(record) for record in records]
    unsaid = [record for record, label in zip(records, labels, strict=True) if not label]
    wrong = [f"{record.cells[year.image]} (row {record.row})" for record in unsaid]
    if wrong:
        what = f"{len(wrong):,} rows do not say exactly one label: {named(wrong)}"
        raise DataError(what, where=str(table), fix="restore the table as published, or correct or remove those rows")
    part = _PART.search(table.name)
    split = {FOLDER_SPLIT: part.group().capitalize()} if part else {}
    entries = []
    for record, label in zip(records, labels, strict=True):
        cells = {**record.cells, **beside.get(record.cells[year.image], {})}
        extra = metadata_of(cells) | split
        if given := cells.get("diagnosis", ""):
            extra["diagnosis"] = given
        image, lesion, patient = record.cells[year.image], cells.get("lesion_id", ""), cells.get("patient_id", "")
        entries.append(Entry(record.row, image, label or "", lesion, patient, extra))
    return Sheet(table, year.source, tuple(entries), year.image, ", ".join(year.columns), "lesion_id")
