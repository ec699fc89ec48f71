"""A table of resolved labels: what an image shows, settled by whoever could, and perhaps which lesion it belongs to."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.labels import RENAME, find, unknown
from melanoma_edge.data.metadata import LESION
from melanoma_edge.data.sources.base import unit
from melanoma_edge.data.sources.table import Record, header, read_table
from melanoma_edge.errors import DataError, named
from melanoma_edge.files import sha256_of

IMAGES = ("image_id", "id", "image", "isic_id", "image_name")
LABELS = ("label", "label8", "diagnosis", "dx")
GROUPS = ("lesion_id", "group", "lesion")
_SOURCE = "resolved"
_NUMBER = re.compile(r"ISIC_\d{7}(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Resolved:
    """Hold a table of resolved labels by image; an empty label means that nobody can tell. Groups may be missing."""

    path: Path
    labels: dict[str, str]
    groups: dict[str, str]
    sha256: str


def read_resolved(path: Path) -> Resolved:
    """Read a table with a column of images, a column of labels and perhaps one of lesions; the first known names count.

    Raises:
        DataError: when the table is missing, lacks a column, names an image twice or has unknown labels.
    """
    if not path.is_file():
        raise DataError("table of resolved labels not found", where=str(path), fix="give an existing CSV file")
    names = header(path)
    image, label = _column(path, names, IMAGES), _column(path, names, LABELS)
    group = next((name for name in GROUPS if name in names), None)
    records = read_table(path, (image,))
    _check(path, records, image, label)
    return Resolved(
        path,
        {one.cells[image]: find(one.cells[label]) or "" for one in records},
        {one.cells[image]: unit(_SOURCE, one.cells[group]) for one in records if group and one.cells[group]},
        sha256_of(path),
    )


def _column(path: Path, names: Sequence[str], wanted: Sequence[str]) -> str:
    found = next((name for name in wanted if name in names), None)
    if found is None:
        what = f"table of resolved labels has none of the columns {', '.join(wanted)}; it has {named(names, 20)}"
        raise DataError(what, where=str(path), fix=f"name a column {wanted[0]}")
    return found


def _check(path: Path, records: Sequence[Record], image: str, label: str) -> None:
    strange = {one.cells[label]: one.row for one in records if one.cells[label] and find(one.cells[label]) is None}
    if strange:
        places = named(f"{text!r} in row {row}" for text, row in strange.items())
        raise DataError(unknown(strange), where=f"{path}, column {label}: {places}", fix=RENAME)
    seen: dict[str, int] = {}
    twice = []
    for one in records:
        first = seen.setdefault(one.cells[image], one.row)
        twice += [f"{one.cells[image]} in rows {first}, {one.row}"] if first != one.row else []
    if twice:
        what = f"{len(twice):,} images stand in more than one row: {named(twice)}"
        raise DataError(what, where=f"{path}, column {image}", fix="keep one row per image")


def prefer(rows: Sequence[CatalogRow], resolved: Resolved) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    """Give images the labels and groups of a table, and leave out those of which it says that nobody can tell.

    Images are found by id, else by the ISIC number in their id; those that the table does not name stay as they are.

    Raises:
        DataError: when the table names none of the images.
    """
    kept, changed, left, found = [], 0, 0, 0
    for row in rows:
        name = _name(row.image_id, resolved)
        label = resolved.labels[name] if name else row.label
        found += bool(name)
        left += not label
        changed += bool(label) and label != row.label
        if label:
            kept.append(_as_resolved(row, label, resolved.groups.get(name, "")))
    if not found:
        what = f"the table names none of the {len(rows):,} images"
        raise DataError(what, where=str(resolved.path), fix="give the table that belongs to these images")
    note = f"labels of {resolved.path.name} preferred for {found:,} of {len(rows):,} files: {changed:,} changed"
    return tuple(kept), (f"{note}, {left:,} left out as nobody can tell",)


def _name(image_id: str, resolved: Resolved) -> str:
    if image_id in resolved.labels:
        return image_id
    number = _NUMBER.search(image_id)
    return number.group() if number and number.group() in resolved.labels else ""


def _as_resolved(row: CatalogRow, label: str, group: str) -> CatalogRow:
    if not group:
        return replace(row, label=label)
    return replace(row, label=label, extra={LESION: group, **row.extra}, group=row.group or group)
