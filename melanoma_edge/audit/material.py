"""What an audit looks at: the files as their folders list them, what was seen of each, and what belongs together."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.duplicates import components
from melanoma_edge.data.likeness import Copy, Look, copies_among, distinct, scanned
from melanoma_edge.data.metadata import FOLDER_SPLIT
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_listings
from melanoma_edge.progress import Progress, silent

_NUMBER = re.compile(r"ISIC_\d{7}(?!\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Material:
    """Hold every file listed, row by row.

    Attributes:
        rows: as the sources list them, hashed, sorted by path; nothing is left out.
        looks: what was seen of each.
        image: of each row the number of its image: files of equal bytes, equal pixels or one ISIC number are one.
        unit: of each row the number of what must not be torn apart: images joined by lesion, patient or likeness.
        near: near-duplicates and cuttings, by row number, of files whose pixels differ.
        notes: what the sources said.
    """

    rows: tuple[CatalogRow, ...]
    looks: tuple[Look, ...]
    image: tuple[int, ...]
    unit: tuple[int, ...]
    near: tuple[Copy, ...]
    notes: tuple[str, ...]

    def part(self, number: int) -> str:
        """Return the name of the Train or Test folder that a file lies in, or nothing."""
        return self.rows[number].extra.get(FOLDER_SPLIT, "")


def gather(
    paths: Sequence[Path],
    reading: Reading,
    folder: Path | None = None,
    progress: Progress = silent,
    workers: int | None = None,
) -> Material:
    """List, look at and compare the images of some folders.

    Args:
        paths: folders, each in a layout that a source knows.
        reading: which source and which columns.
        folder: where the index of images lies; in the cache folder when not given.
        progress: told of images looked at and looked up.
        workers: processes; as many as there are cores when not given.

    Raises:
        UsageError: for what ``reading`` cannot mean.
        DataError: for missing folders, unknown layouts and unknown labels.
        MachineError: when the disk is full.
    """
    listings = read_listings(paths, reading)
    rows = _once(row for listing in listings for row in listing.rows)
    notes = tuple(note for listing in listings for note in listing.notes)
    files = sorted({row.path for row in rows})
    with scanned([Path(file) for file in files], folder, progress, workers) as index:
        looks = {file: index.look(file) for file in files}
        firsts = distinct(index, files)
        copies = copies_among(index, firsts, progress, workers)
    return _joined(rows, looks, firsts, copies, notes)


def _once(rows: Iterable[CatalogRow]) -> list[CatalogRow]:
    """Sort rows by path and leave out what was listed twice: the same file under the same label."""
    found = {(row.path, row.label): row for row in rows}
    return [found[key] for key in sorted(found)]


def _joined(
    rows: Sequence[CatalogRow],
    looks: Mapping[str, Look],
    firsts: Sequence[str],
    copies: Sequence[Copy],
    notes: tuple[str, ...],
) -> Material:
    seen = tuple(looks[row.path] for row in rows)
    images = [_identities(row, look) for row, look in zip(rows, seen, strict=True)]
    number = {row.path: place for place, row in reversed(list(enumerate(rows)))}
    near = tuple(replace(copy, first=number[firsts[copy.first]], second=number[firsts[copy.second]]) for copy in copies)
    keys = [[*keys, *([f"group {row.group}"] if row.group else [])] for keys, row in zip(images, rows, strict=True)]
    for place, copy in enumerate(near):
        keys[copy.first].append(f"near {place}")
        keys[copy.second].append(f"near {place}")
    hashed = tuple(replace(row, sha256=look.sha256) for row, look in zip(rows, seen, strict=True))
    return Material(hashed, seen, tuple(components(images)), tuple(components(keys)), near, notes)


def _identities(row: CatalogRow, look: Look) -> list[str]:
    number = _NUMBER.search(row.image_id)
    found = [f"path {row.path}"]
    found += [f"bytes {look.sha256}"] if look.sha256 and look.bytes else []
    found += [f"pixels {look.pixels}"] if look.pixels else []
    return found + ([f"number {number.group().upper()}"] if number else [])


def gathered(numbers: Sequence[int]) -> dict[int, list[int]]:
    """Return the rows that share a number, by that number."""
    found: dict[int, list[int]] = defaultdict(list)
    for row, number in enumerate(numbers):
        found[number].append(row)
    return dict(found)
