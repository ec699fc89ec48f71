"""Reading data sets: a registry of sources, and the way from folders to one catalog."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from melanoma_edge.data.catalog import SPLITS, Catalog, CatalogRow
from melanoma_edge.data.duplicates import settle
from melanoma_edge.data.labels import order, target_of
from melanoma_edge.data.sources.base import Listing, Source
from melanoma_edge.data.sources.folder import FolderSource
from melanoma_edge.data.sources.ham10000 import Ham10000Source
from melanoma_edge.data.sources.synthetic import SyntheticSource
from melanoma_edge.errors import DataError, UsageError, named
from melanoma_edge.files import sha256_of
from melanoma_edge.progress import Progress, silent

__all__ = ["CONFLICT_POLICIES", "SOURCES", "Listing", "Source", "read_catalog"]

_KNOWN: tuple[Source, ...] = (SyntheticSource(), Ham10000Source(), FolderSource())
SOURCES: dict[str, Source] = {source.name: source for source in _KNOWN}
"""Every source by name, in the order in which ``auto`` asks them."""

CONFLICT_POLICIES = ("error", "drop")
_BLOCK = 256


def read_catalog(
    paths: Sequence[Path], source: str = "auto", on_conflict: str = "error", progress: Progress = silent
) -> Catalog:
    """Read folders of images into one catalog, not split yet.

    The same folders give the same catalog, whatever order they are named in. Every file is hashed; copies are left
    out and noted.

    Args:
        paths: folders, each in a layout that a source knows.
        source: a name in ``SOURCES``, or ``auto`` to recognise each folder.
        on_conflict: what to do when an image stands under two labels: ``error``, or ``drop`` to leave out every
            copy of it, and then classes with fewer images left than there are splits.
        progress: called while files are hashed.

    Raises:
        UsageError: for an unknown source or policy, and when no folder is given.
        DataError: for missing folders, unknown layouts, unknown labels, contradictory labels, unreadable files, and
            for fewer than two classes or none that is malignant.
    """
    _check_request(paths, source, on_conflict)
    listings = [_listing(path, source) for path in sorted(Path(os.path.abspath(path)) for path in paths)]
    rows = [row for listing in listings for row in listing.rows]
    if not rows:
        raise DataError("no images found", where=named(paths), fix="give a folder with images")
    _check_names(rows)
    target_of({row.label for row in rows})
    settled, notes = settle(_hashed(rows, progress), on_conflict)
    if on_conflict == "drop":
        settled, dropped = _without_small_classes(settled)
        notes = (*notes, *dropped)
    target_of({row.label for row in settled})
    return _catalog(settled, listings, notes)


def _check_request(paths: Sequence[Path], source: str, on_conflict: str) -> None:
    if source != "auto" and source not in SOURCES:
        raise UsageError(f"unknown source {source!r}", fix=f"choose auto, {', '.join(SOURCES)}")
    if on_conflict not in CONFLICT_POLICIES:
        raise UsageError(
            f"unknown policy {on_conflict!r} for conflicts", fix=f"choose {' or '.join(CONFLICT_POLICIES)}"
        )
    if not paths:
        raise UsageError("no folder given", fix="name a folder that holds images")
    missing = [path for path in paths if not Path(path).is_dir()]
    if missing:
        what = "not a folder" if any(Path(path).exists() for path in missing) else "no such folder"
        raise DataError(what, where=named(missing), fix="give the folder that holds the images")


def _listing(path: Path, name: str) -> Listing:
    found, seen = (SOURCES[name], "") if name != "auto" else _recognise(path)
    listing = found.read(path)
    lesions = len({row.group for row in listing.rows} - {""})
    counts = [f"{len(listing.rows):,} images", f"{lesions:,} lesions" if lesions else ""]
    counts.append(f"{len({row.label for row in listing.rows})} classes in {path}{seen}")
    return replace(listing, notes=(f"{listing.title}: {', '.join(filter(None, counts))}", *listing.notes))


def _recognise(path: Path) -> tuple[Source, str]:
    for source in SOURCES.values():
        seen = source.recognise(path)
        if seen:
            return source, f", recognised by {seen}"
    wanted = "; ".join(f"{source.name} looks for {source.looks_for}" for source in SOURCES.values())
    raise DataError("no source recognises this folder", where=str(path), fix=f"arrange it as one of these: {wanted}")


def _check_names(rows: Sequence[CatalogRow]) -> None:
    strange = [ascii(row.path) for row in rows if not _is_text(row.path)]
    if strange:
        raise DataError(f"file names that are not UTF-8: {named(strange)}", fix="rename those files")


def _is_text(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _hashed(rows: Sequence[CatalogRow], progress: Progress) -> list[CatalogRow]:
    """Fill in ``sha256``, on all cores (hashing and reading release the interpreter's lock)."""
    digests: list[str] = []
    with ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for block in _blocks([row.path for row in rows]):
            digests += pool.map(_digest, block)
            progress("hashing images", len(digests), len(rows))
    unreadable = [row.path for row, digest in zip(rows, digests, strict=True) if not digest]
    if unreadable:
        what = f"{len(unreadable):,} images cannot be read: {named(unreadable)}"
        raise DataError(what, fix="restore them, change their permissions, or remove them")
    return [replace(row, sha256=digest) for row, digest in zip(rows, digests, strict=True)]


def _blocks(paths: Sequence[str]) -> Iterator[list[str]]:
    rest = iter(paths)
    while block := list(islice(rest, _BLOCK)):
        yield block


def _digest(path: str) -> str:
    try:
        return sha256_of(Path(path))
    except OSError:
        return ""


def _without_small_classes(rows: Sequence[CatalogRow]) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    groups = Counter(label for label, _ in {(row.label, row.group) for row in rows})
    small = order(label for label, count in groups.items() if count < len(SPLITS))
    notes = tuple(f"class {label} left out: only {groups[label]} groups remain without conflicts" for label in small)
    return tuple(row for row in rows if row.label not in small), notes


def _catalog(rows: Sequence[CatalogRow], listings: Sequence[Listing], notes: tuple[str, ...]) -> Catalog:
    return Catalog(
        rows=tuple(rows),
        classes=order(row.label for row in rows),
        sources=tuple(sorted({listing.source for listing in listings})),
        licences=tuple(sorted({listing.licence for listing in listings})),
        image_types=tuple(sorted({kind for listing in listings for kind in listing.image_types})),
        synthetic=any(listing.synthetic for listing in listings),
        notes=(*(note for listing in listings for note in listing.notes), *notes),
    )
