"""Reading data sets: a registry of sources, and the way from folders to one catalog."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import islice
from pathlib import Path

from melanoma_edge.data.catalog import SPLITS, Catalog, CatalogRow
from melanoma_edge.data.duplicates import Clusters, settle, torn
from melanoma_edge.data.labels import find, order, target_of
from melanoma_edge.data.metadata import FOLDER_SPLIT, LESION, PATIENT, part_of
from melanoma_edge.data.reading import IMAGE_TYPES, Reading
from melanoma_edge.data.sources.base import OWN_NAMES, Listing, Source, entries, subfolders
from melanoma_edge.data.sources.folder import FolderSource
from melanoma_edge.data.sources.ham10000 import Ham10000Source
from melanoma_edge.data.sources.isic_archive import IsicArchiveSource
from melanoma_edge.data.sources.isic_challenge import IsicChallengeSource
from melanoma_edge.data.sources.named_columns import NamedColumnsSource
from melanoma_edge.data.sources.pad_ufes_20 import PadUfes20Source
from melanoma_edge.data.sources.resolved import prefer, read_resolved
from melanoma_edge.data.sources.synthetic import SyntheticSource
from melanoma_edge.data.sources.table import tables
from melanoma_edge.errors import DataError, UsageError, named
from melanoma_edge.files import sha256_of
from melanoma_edge.progress import Progress, silent

__all__ = ["SOURCES", "Clusters", "Listing", "Source", "read_catalog", "read_listings"]

_KNOWN: tuple[Source, ...] = (
    SyntheticSource(),
    NamedColumnsSource(),
    IsicArchiveSource(),
    PadUfes20Source(),
    IsicChallengeSource(),
    Ham10000Source(),
    FolderSource(),
)
SOURCES: dict[str, Source] = {source.name: source for source in _KNOWN}
"""Every source by name, in the order in which ``auto`` asks them."""

_BLOCK = 256


def read_catalog(
    paths: Sequence[Path],
    reading: Reading | None = None,
    progress: Progress = silent,
    clusters: Clusters = lambda rows: {},
) -> Catalog:
    """Read folders of images into one catalog, not split yet.

    The same folders give the same catalog, whatever order they are named in. Every file is hashed; copies are left
    out and noted. Images of one lesion, of one patient, or of one cluster of near-duplicates are one group.

    Args:
        paths: folders, each in a layout that a source knows.
        reading: what to do where the data leave a choice.
        progress: called while files are hashed.
        clusters: finds near-duplicates among hashed rows.

    Raises:
        UsageError: for an unknown source, for choices that the layouts leave no room for, and when no folder is given.
        DataError: for missing folders, unknown layouts, unknown labels, contradictory labels, unreadable files, and
            for fewer than two classes or none that is malignant.
    """
    reading = reading or Reading()
    listings = read_listings(paths, reading)
    rows = [row for listing in listings for row in listing.rows]
    kinds, notes = _image_types(listings, reading)
    target_of({row.label for row in rows})
    settled, more, policies = _settled(_hashed(rows, progress), reading, clusters)
    target_of({row.label for row in settled})
    return Catalog(
        rows=settled,
        classes=order(row.label for row in settled),
        sources=tuple(sorted({row.source for row in settled})),
        licences=tuple(sorted({licence for listing in listings for licence in listing.licences})),
        image_types=kinds,
        synthetic=any(listing.synthetic for listing in listings),
        notes=(*(note for listing in listings for note in listing.notes), *notes, *more),
        leaky=reading.leaky,
        policies=policies,
    )


def read_listings(paths: Sequence[Path], reading: Reading) -> list[Listing]:
    """List what folders hold, by sorted path: every file as it lies, not hashed, no copy or contradiction settled.

    Where several folders of one layout name no data set, each is a source of its own: ``folder``, ``folder-2``.

    Raises:
        UsageError: for an unknown source, and when no folder is given.
        DataError: for missing folders, unknown layouts, unknown labels, and when there is no image.
    """
    _check_request(paths, reading)
    listings = [_listing(path, reading) for path in sorted(Path(os.path.abspath(path)) for path in paths)]
    rows = [row for listing in listings for row in listing.rows]
    if not rows:
        raise DataError("no images found", where=named(paths), fix="give a folder with images")
    _check_names(rows)
    return _told_apart(listings)


def _told_apart(listings: Sequence[Listing]) -> list[Listing]:
    """Number sources of one name that names no data set, by what they hold and not by where.

    A folder of one class is taken for a part of a set and not for a set: among its own images is nothing to learn.
    """
    found = list(listings)
    for name in OWN_NAMES:
        alike = [place for place, listing in enumerate(listings) if {row.source for row in listing.rows} == {name}]
        if any(len({row.label for row in listings[place].rows}) < 2 for place in alike):
            continue
        alike.sort(key=lambda place: sorted((row.image_id, row.label) for row in listings[place].rows))
        for number, place in enumerate(alike[1:], 2):
            found[place] = _renamed(listings[place], f"{name}-{number}")
    return found


def _renamed(listing: Listing, source: str) -> Listing:
    rows = tuple(replace(row, source=source) for row in listing.rows)
    return replace(listing, rows=rows, notes=(*listing.notes, f"these images are source {source}"))


def _settled(
    rows: Sequence[CatalogRow], reading: Reading, clusters: Clusters
) -> tuple[tuple[CatalogRow, ...], tuple[str, ...], dict[str, str]]:
    """Apply the policies; return what is left, notes, and the policies with the hash of all that decided."""
    notes, policies = _pooled_note(rows, reading), reading.policies()
    if reading.preferred:
        resolved = read_resolved(reading.preferred)
        rows, more = prefer(rows, resolved)
        notes, policies = (*notes, *more), policies | {"preferred_sha256": resolved.sha256}
    settled, more = torn(rows, clusters) if reading.leaky else settle(rows, reading, clusters)
    notes = (*notes, *more)
    if reading.on_conflict != "error":
        settled, more = _without_small_classes(settled)
        notes = (*notes, *more)
    return settled, notes, policies


def _check_request(paths: Sequence[Path], reading: Reading) -> None:
    if reading.source != "auto" and reading.source not in SOURCES:
        raise UsageError(f"unknown source {reading.source!r}", fix=f"choose auto, {', '.join(SOURCES)}")
    if reading.columns and reading.source not in ("auto", NamedColumnsSource.name):
        what = f"columns are named, but source {reading.source} knows its own"
        raise UsageError(what, fix="use --source csv, or leave out --path-column, --label-column and --group-column")
    if not paths:
        raise UsageError("no folder given", fix="name a folder that holds images")
    missing = [path for path in paths if not Path(path).is_dir()]
    if missing:
        what = "not a folder" if any(Path(path).exists() for path in missing) else "no such folder"
        raise DataError(what, where=named(missing), fix="give the folder that holds the images")


def _listing(path: Path, reading: Reading) -> Listing:
    known = SOURCES | {NamedColumnsSource.name: NamedColumnsSource(reading.columns)}
    path = _unwrapped(path)
    found, seen = (known[reading.source], "") if reading.source != "auto" else _recognise(path, known)
    listing = found.read(path, reading)
    counts = [f"{len(listing.rows):,} images"]
    for name in (LESION, PATIENT):
        different = len({row.extra.get(name, "") for row in listing.rows} - {""})
        counts += [f"{different:,} {name}s"] if different else []
    counts.append(f"{len({row.label for row in listing.rows})} classes in {path}{seen}")
    return replace(listing, notes=(f"{listing.title}: {', '.join(counts)}", *listing.notes))


def _unwrapped(path: Path) -> Path:
    """Return the one folder inside, where a download holds nothing but that, and so on inwards."""
    inner = subfolders(path)
    alone = len(inner) == 1 == len(entries(path)) and not find(inner[0].name) and not part_of(inner[0].name)
    return _unwrapped(inner[0]) if alone and (len(subfolders(inner[0])) > 1 or tables(inner[0])) else path


def _recognise(path: Path, known: Mapping[str, Source]) -> tuple[Source, str]:
    for source in known.values():
        seen = source.recognise(path)
        if seen:
            return source, f", recognised by {seen}"
    wanted = "; ".join(f"{source.name} looks for {source.looks_for}" for source in known.values())
    raise DataError("no source recognises this folder", where=str(path), fix=f"arrange it as one of these: {wanted}")


def _image_types(listings: Sequence[Listing], reading: Reading) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return what kinds of images there are, and a note where that is assumed."""
    silent_ones = [listing.title for listing in listings if not listing.image_types]
    if reading.image_type and not silent_ones:
        what = f"{named(listing.title for listing in listings)} says itself what kind of images it holds"
        raise UsageError(what, fix="leave out --image-type")
    assumed = reading.image_type or IMAGE_TYPES[0]
    kinds = {kind for listing in listings for kind in listing.image_types or (assumed,)}
    if reading.image_type or not silent_ones:
        return tuple(sorted(kinds)), ()
    return tuple(sorted(kinds)), (f"{named(silent_ones)}: images taken to be {assumed}; --image-type says otherwise",)


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


def _pooled_note(rows: Sequence[CatalogRow], reading: Reading) -> tuple[str, ...]:
    names = sorted({row.extra.get(FOLDER_SPLIT, "") for row in rows} - {""})
    if reading.test_folder == "keep" or len(names) < 2:
        return ()
    return (f"images of {named(names)} are pooled and split anew{'' if reading.leaky else ' by group'}",)


def _without_small_classes(rows: Sequence[CatalogRow]) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    groups = Counter(label for label, _ in {(row.label, row.group) for row in rows})
    small = order(label for label, count in groups.items() if count < len(SPLITS))
    notes = tuple(f"class {label} left out: only {groups[label]} groups remain without conflicts" for label in small)
    return tuple(row for row in rows if row.label not in small), notes
