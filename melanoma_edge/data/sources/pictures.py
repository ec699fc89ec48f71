"""The pictures that tables name: found anywhere below a folder, every contradiction of table and disk named."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.labels import RENAME, find, unknown
from melanoma_edge.data.metadata import LESION, ORIGINAL_LABEL, PATIENT
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources.base import IMAGE_SUFFIXES, ignored_note, is_image, unit, walk
from melanoma_edge.errors import DataError, named
from melanoma_edge.files import sha256_of


@dataclass(frozen=True, slots=True)
class Entry:
    """Hold what one row of a table says of an image: its name or path, and its label as written there."""

    row: int
    image: str
    label: str
    lesion: str = ""
    patient: str = ""
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Sheet:
    """Hold the entries of one table, the data set they belong to, and the columns they come from, for messages.

    ``lesion`` names the column of lesions where one lesion has one label.
    """

    path: Path
    source: str
    entries: tuple[Entry, ...]
    image: str
    label: str
    lesion: str = ""


_Files = dict[str, list[Path]]


def pictures(sheets: Sequence[Sheet], folder: Path, reading: Reading) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    """Find the images of tables, by path or by file name with or without suffix, below a folder.

    Returns:
        The rows, grouped by lesion, else by patient, and notes.

    Raises:
        DataError: for unknown labels, an image named twice, a lesion with two labels, and images that are not on disk
            or there in two versions of which the table names neither.
    """
    files = _images(folder)
    rows: list[CatalogRow] = []
    notes: list[str] = []
    used: set[str] = set()
    for sheet in sheets:
        used |= {_stem(entry.image) for entry in sheet.entries}
        _check_once(sheet)
        known = _known(sheet, reading.skip_unknown, notes)
        known = _agreeing(sheet, known, reading.on_conflict == "drop", notes)
        places = _places(sheet, known, files, folder, reading.skip_missing, notes)
        rows += [_row(sheet.source, entry, places[entry.image]) for entry in known if entry.image in places]
    other = [file for name, found in files.items() if name not in used for file in found]
    return tuple(rows), (*notes, *ignored_note(other, "images that the table does not name"))


def _images(folder: Path) -> _Files:
    files: _Files = defaultdict(list)
    for file in walk(folder):
        if is_image(file):
            files[file.stem].append(file)
    return dict(files)


def _stem(image: str) -> str:
    path = Path(image)
    return path.stem if path.suffix.lower() in IMAGE_SUFFIXES else path.name


def _row(source: str, entry: Entry, file: Path) -> CatalogRow:
    units = {LESION: unit(source, entry.lesion), PATIENT: unit(source, entry.patient)}
    extra = {**entry.extra, ORIGINAL_LABEL: entry.label, **{name: text for name, text in units.items() if text}}
    group = units[LESION] or units[PATIENT]
    return CatalogRow(_stem(entry.image), str(file), find(entry.label) or "", group, source, "", extra=extra)


def _known(sheet: Sheet, skip: bool, notes: list[str]) -> list[Entry]:
    """Return the entries whose label is in the vocabulary; others are an error, or left out and noted."""
    strange = [entry for entry in sheet.entries if find(entry.label) is None]
    if not strange:
        return list(sheet.entries)
    if skip:
        counts = Counter(entry.label or "(none)" for entry in strange)
        most = named(f"{label} {count:,}" for label, count in counts.most_common())
        notes.append(f"{len(strange):,} images whose labels are not in the vocabulary left out: {most}")
        return [entry for entry in sheet.entries if find(entry.label) is not None]
    rows: dict[str, list[int]] = defaultdict(list)
    for entry in strange:
        rows[entry.label].append(entry.row)
    places = "; ".join(f"{label!r} in row {named(found, 3)}" for label, found in list(rows.items())[:10])
    where = f"{sheet.path}, column {sheet.label}: {places}"
    raise DataError(unknown(rows), where=where, fix=f"{RENAME} with --skip-unknown-labels")


def _check_once(sheet: Sheet) -> None:
    rows: dict[str, list[int]] = defaultdict(list)
    for entry in sheet.entries:
        rows[entry.image].append(entry.row)
    twice = [f"{name} in rows {named(found)}" for name, found in rows.items() if len(found) > 1]
    if twice:
        what = f"{len(twice):,} images stand in more than one row: {named(twice)}"
        raise DataError(what, where=f"{sheet.path}, column {sheet.image}", fix="keep one row per image")


def _agreeing(sheet: Sheet, entries: list[Entry], drop: bool, notes: list[str]) -> list[Entry]:
    """Return the entries of lesions with one label; others are an error, or left out and noted."""
    labels: dict[str, dict[str, int]] = defaultdict(dict)
    for entry in entries if sheet.lesion else ():
        if entry.lesion:
            labels[entry.lesion].setdefault(find(entry.label) or "", entry.row)
    torn = {lesion: found for lesion, found in labels.items() if len(found) > 1}
    what = f"{len(torn):,} lesions carry two labels"
    if torn and not drop:
        places = (" and ".join(f"{label} (row {row})" for label, row in found.items()) for found in torn.values())
        which = named(f"{lesion}: {place}" for lesion, place in zip(torn, places, strict=True))
        where = f"{sheet.path}, columns {sheet.lesion} and {sheet.label}"
        fix = "give each lesion one label, or leave out all images of such lesions with --on-conflict drop"
        raise DataError(f"{what}: {which}", where=where, fix=fix)
    kept = [entry for entry in entries if entry.lesion not in torn]
    if torn:
        notes.append(f"{what} and are left out with all {len(entries) - len(kept):,} images: {named(torn)}")
    return kept


def _places(
    sheet: Sheet, entries: Sequence[Entry], files: _Files, folder: Path, skip: bool, notes: list[str]
) -> dict[str, Path]:
    """Return each image's file; of several the one of exactly the table's name, else the first of equal ones."""
    found = {entry.image: _candidates(entry.image, files, (sheet.path.parent, folder)) for entry in entries}
    missing = [entry for entry in entries if not found[entry.image]]
    what = f"{len(missing):,} images of the table are not on disk"
    if missing and not skip:
        names = named(f"{entry.image} (row {entry.row})" for entry in missing)
        fix = "put the missing images below the folder of the table, remove their rows, or add --skip-missing-images"
        raise DataError(f"{what}: {names}", where=str(sheet.path), fix=fix)
    if missing:
        notes.append(f"{what} and left out, of {len(entries):,} in {sheet.path.name}")
    _check_versions({image: places for image, places in found.items() if len(places) > 1}, notes)
    return {image: places[0] for image, places in found.items() if places}


def _candidates(image: str, files: _Files, folders: tuple[Path, ...]) -> list[Path]:
    if "/" in image:
        return [path for folder in folders if is_image(path := folder / image)][:1]
    same = files.get(_stem(image), [])
    return [file for file in same if file.name == image] or same


def _check_versions(copies: Mapping[str, list[Path]], notes: list[str]) -> None:
    different = [image for image, places in copies.items() if len(set(map(sha256_of, places))) > 1]
    if different:
        places = ", ".join(map(str, copies[different[0]]))
        what = f"{len(different):,} images are on disk in two versions: {named(different)}"
        raise DataError(what, where=places, fix="keep one file per image")
    if copies:
        notes.append(f"{len(copies):,} images are on disk more than once; the first copy is used")
