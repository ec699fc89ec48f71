"""HAM10000: a metadata table with one row per image, and the images anywhere below it.

Source: Tschandl, Rosendahl, Kittler, "The HAM10000 dataset", Scientific Data 5, 180161 (2018). It shows many lesions
more than once, so the lesion is the group.
"""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.labels import RENAME, find, unknown
from melanoma_edge.data.sources.base import Listing, entries, ignored_note, is_image, walk
from melanoma_edge.data.sources.table import Record, header, read_table
from melanoma_edge.errors import DataError, named
from melanoma_edge.files import sha256_of

COLUMNS = ("lesion_id", "image_id", "dx")
EXTRAS = ("age", "sex", "localization", "dx_type")


class Ham10000Source:
    """Read a table with ``lesion_id``, ``image_id`` and ``dx``, and the images it names."""

    name = "ham10000"
    looks_for = f"a CSV file with the columns {', '.join(COLUMNS)} beside the images"

    def recognise(self, path: Path) -> str | None:
        """Name the metadata table, which has at least two of the three columns, or return None."""
        tables = _tables(path)
        return named(table.name for table in tables) or None

    def read(self, path: Path) -> Listing:
        """List the images that the table names; raises as ``read_lesion_table``."""
        tables = _tables(path)
        if len(tables) != 1:
            what = f"one metadata table expected, {len(tables)} found{': ' if tables else ''}"
            what += named(table.name for table in tables)
            raise DataError(what, where=str(path), fix=f"keep {self.looks_for}, and no second one")
        rows, notes = read_lesion_table(tables[0], self.name)
        return Listing("HAM10000", rows, self.name, "CC BY-NC 4.0", notes=notes)


def read_lesion_table(table: Path, source: str) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    """Read a table with HAM10000's columns and find its images, by file name without suffix, below its folder.

    Returns:
        The rows, grouped by lesion, and notes.

    Raises:
        DataError: for a broken table, unknown labels, an image named twice, a lesion with two labels, and images
            that are not on disk or there in two versions.
    """
    records = read_table(table, COLUMNS)
    _check_labels(table, records)
    _check_once(table, records)
    _check_lesions(table, records)
    files = _images(table.parent)
    missing = [_place(record) for record in records if record.cells["image_id"] not in files]
    if missing:
        fix = "put the missing images below the folder of the table, or remove their rows"
        what = f"{len(missing):,} images of the table are not on disk: {named(missing)}"
        raise DataError(what, where=str(table), fix=fix)
    chosen = {record.cells["image_id"]: record for record in records}
    copies = _check_versions({name: found for name, found in files.items() if name in chosen})
    other = [file for name, found in files.items() if name not in chosen for file in found]
    rows = tuple(_row(record, files[name][0], source) for name, record in chosen.items())
    return rows, (*copies, *ignored_note(other, "images that the table does not name"))


def _tables(path: Path) -> list[Path]:
    found = [Path(entry.path) for entry in entries(path) if entry.is_file()]
    candidates = [file for file in found if file.suffix.lower() == ".csv" or file.name == "HAM10000_metadata"]
    return [file for file in candidates if len(set(COLUMNS) & set(header(file))) >= 2]


def _images(folder: Path) -> dict[str, list[Path]]:
    files: dict[str, list[Path]] = defaultdict(list)
    for file in walk(folder):
        if is_image(file):
            files[file.stem].append(file)
    return dict(files)


def _row(record: Record, file: Path, source: str) -> CatalogRow:
    cells = record.cells
    extra = {name: cells[name] for name in EXTRAS if cells.get(name)} | {"original_label": cells["dx"]}
    label = find(cells["dx"]) or ""
    return CatalogRow(cells["image_id"], str(file), label, cells["lesion_id"], source, "", extra=extra)


def _place(record: Record) -> str:
    return f"{record.cells['image_id']} (row {record.row})"


def _check_labels(table: Path, records: list[Record]) -> None:
    strange: dict[str, list[int]] = defaultdict(list)
    for record in records:
        if find(record.cells["dx"]) is None:
            strange[record.cells["dx"]].append(record.row)
    if strange:
        places = "; ".join(f"{label!r} in row {named(rows, 3)}" for label, rows in list(strange.items())[:10])
        raise DataError(unknown(strange), where=f"{table}, column dx: {places}", fix=RENAME)


def _check_once(table: Path, records: list[Record]) -> None:
    rows: dict[str, list[int]] = defaultdict(list)
    for record in records:
        rows[record.cells["image_id"]].append(record.row)
    twice = [f"{name} in rows {named(found)}" for name, found in rows.items() if len(found) > 1]
    if twice:
        what = f"{len(twice):,} images stand in more than one row: {named(twice)}"
        raise DataError(what, where=f"{table}, column image_id", fix="keep one row per image")


def _check_lesions(table: Path, records: list[Record]) -> None:
    labels: dict[str, dict[str, int]] = defaultdict(dict)
    for record in records:
        labels[record.cells["lesion_id"]].setdefault(find(record.cells["dx"]) or "", record.row)
    torn = [
        f"{lesion}: " + " and ".join(f"{label} (row {row})" for label, row in found.items())
        for lesion, found in labels.items()
        if len(found) > 1
    ]
    if torn:
        what = f"{len(torn):,} lesions carry two labels: {named(torn)}"
        raise DataError(what, where=f"{table}, columns lesion_id and dx", fix="give each lesion one label")


def _check_versions(files: dict[str, list[Path]]) -> tuple[str, ...]:
    copies = {name: found for name, found in files.items() if len(found) > 1}
    different = [name for name, found in copies.items() if len(set(map(sha256_of, found))) > 1]
    if different:
        places = [", ".join(map(str, copies[name])) for name in different]
        what = f"{len(different):,} images are on disk in two versions: {named(different)}"
        raise DataError(what, where=places[0], fix="keep one file per image")
    return (f"{len(copies):,} images are on disk more than once; the first copy is used",) if copies else ()
