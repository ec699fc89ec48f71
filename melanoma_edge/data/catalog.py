"""The catalog: a table of images that says for each what it shows and what it must not be torn from."""

from __future__ import annotations

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from melanoma_edge.contract import check_schema
from melanoma_edge.data.metadata import TURNED
from melanoma_edge.errors import DataError, TrustError, named
from melanoma_edge.files import sha256_of, to_json, write_text, written

SCHEMA = "melanoma-edge/catalog/1"
SPLITS = ("train", "validation", "test")
_COLUMNS = ("image_id", "path", "label", "group", "source", "sha256", "split")


@dataclass(frozen=True, slots=True)
class CatalogRow:
    """Describe one image. ``path`` is absolute; ``extra`` holds patient metadata as text by column name.

    A row with the column ``turned`` is no photograph but an augmented copy of that which ``path`` and ``sha256`` name.
    """

    image_id: str
    path: str
    label: str
    group: str
    source: str
    sha256: str
    split: str = ""
    extra: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Catalog:
    """Hold the rows, sorted by image id, and what the source said about them.

    ``classes`` is the order of the model's outputs. ``notes`` are sentences for people: what was recognised,
    what was left out and why. ``policies`` say by name what decided over images and splits; ``leaky`` that the split
    tears apart what belongs together.
    """

    rows: tuple[CatalogRow, ...]
    classes: tuple[str, ...]
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    image_types: tuple[str, ...] = ("dermoscopic",)
    synthetic: bool = False
    notes: tuple[str, ...] = ()
    leaky: bool = False
    policies: dict[str, str] = field(default_factory=dict)

    @property
    def sha256(self) -> str:
        """The hash of all that decides what is learned: ids, labels, groups, pixels and splits, but not paths."""
        digest = hashlib.sha256(json.dumps(self.classes).encode())
        for row in self.rows:
            key = [row.image_id, row.label, row.group, row.source, row.sha256, row.split]
            key += [row.extra[TURNED]] if TURNED in row.extra else []
            digest.update(json.dumps(key).encode())
        digest.update(b"leaky" if self.leaky else b"")
        return digest.hexdigest()

    def part(self, split: str) -> tuple[CatalogRow, ...]:
        """Return the rows of one split."""
        return tuple(row for row in self.rows if row.split == split)

    def counts(self) -> dict[str, int]:
        """Return images per class, in class order."""
        found = Counter(row.label for row in self.rows)
        return {name: found[name] for name in self.classes}

    def without(self, image_ids: set[str], note: str) -> Catalog:
        """Return the catalog with some images left out and a note saying so."""
        kept = tuple(row for row in self.rows if row.image_id not in image_ids)
        return replace(self, rows=kept, notes=(*self.notes, note))


def save_catalog(catalog: Catalog, folder: Path) -> dict[str, str]:
    """Write ``catalog.csv`` and its header ``catalog.json`` and return the sha256 of each by file name."""
    header = {
        "schema": SCHEMA,
        "sha256": catalog.sha256,
        "images": len(catalog.rows),
        "classes": list(catalog.classes),
        "counts": catalog.counts(),
        "sources": list(catalog.sources),
        "licences": list(catalog.licences),
        "image_types": list(catalog.image_types),
        "synthetic": catalog.synthetic,
        "notes": list(catalog.notes),
        "policies": dict(sorted(catalog.policies.items())),
        **({"leaky": True} if catalog.leaky else {}),
    }
    return {
        "catalog.csv": _write_table(catalog, folder / "catalog.csv"),
        "catalog.json": write_text(folder / "catalog.json", to_json(header)),
    }


def _write_table(catalog: Catalog, path: Path) -> str:
    """Write row by row, as a table of the whole archive is large; return the sha256."""
    extras = sorted({name for row in catalog.rows for name in row.extra})
    # The writer leaves a carriage return in a file name unquoted, which its reader takes for the end of the row.
    torn = any("\r" in cell for row in catalog.rows for cell in _cells(row, extras))
    with written(path) as temporary:
        with open(temporary, "w", encoding="utf-8", newline="") as stream:
            table = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL if torn else csv.QUOTE_MINIMAL)
            table.writerow([*_COLUMNS, *extras])
            table.writerows(_cells(row, extras) for row in catalog.rows)
        return sha256_of(temporary)


def _cells(row: CatalogRow, extras: Sequence[str]) -> list[str]:
    return [getattr(row, name) for name in _COLUMNS] + [row.extra.get(name, "") for name in extras]


def load_catalog(folder: Path) -> Catalog:
    """Read what ``save_catalog`` wrote.

    Raises:
        TrustError: when a file is missing, unreadable or does not hash to what its header says.
    """
    where = str(folder / "catalog.csv")
    try:
        header: dict[str, Any] = json.loads((folder / "catalog.json").read_text("utf-8"))
        check_schema(header, SCHEMA, str(folder / "catalog.json"))
        with open(folder / "catalog.csv", encoding="utf-8", newline="") as stream:
            rows = tuple(_row(record) for record in csv.DictReader(stream))
        lists = {name: tuple(header[name]) for name in ("classes", "sources", "licences", "image_types", "notes")}
        leaky, policies = bool(header.get("leaky", False)), dict(header.get("policies", {}))
        catalog = Catalog(rows=rows, synthetic=bool(header["synthetic"]), leaky=leaky, policies=policies, **lists)
        wanted = header["sha256"]
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise TrustError(f"catalog missing or damaged: {error}", where=where, fix="train the run again") from error
    if catalog.sha256 != wanted:
        raise TrustError("catalog was changed after training", where=where, fix="restore the file or train again")
    return catalog


def _row(record: dict[str, str]) -> CatalogRow:
    fixed = {name: record[name] for name in _COLUMNS}
    extra = {name: value for name, value in record.items() if name not in _COLUMNS and value}
    return CatalogRow(**fixed, extra=extra)


def check_groups(catalog: Catalog) -> None:
    """Raise ``DataError`` when a group stands in two splits or a split name is unknown."""
    seen: dict[str, set[str]] = {}
    for row in catalog.rows:
        seen.setdefault(row.group, set()).add(row.split)
    torn = sorted(group for group, splits in seen.items() if len(splits) > 1)
    if torn:
        raise DataError(
            f"{len(torn)} groups stand in two splits: {named(torn)}",
            where="catalog",
            fix="split by group; one lesion must not be learned from and tested on",
        )
    strange = sorted({row.split for row in catalog.rows} - set(SPLITS))
    if strange:
        raise DataError(f"unknown split names: {named(strange)}", where="catalog", fix=f"use {', '.join(SPLITS)}")
