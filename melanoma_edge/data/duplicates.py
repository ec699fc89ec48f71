"""Copies of one image: found by content and by ISIC number, refused where they contradict each other.

Two files are the same image when their bytes are equal or their names carry the same ISIC number (a copy that was
resized, augmented or saved again keeps it). Empty files are nobody's copy; decoding names them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.labels import order
from melanoma_edge.data.metadata import FOLDER_SPLIT, PATIENT, TRUE_GROUP, part_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.errors import DataError, named

_EMPTY = hashlib.sha256(b"").hexdigest()
_ISIC = re.compile(r"ISIC_\d{7}(?!\d)", re.IGNORECASE)

Rows = Sequence[CatalogRow]
_Settled = tuple[tuple[CatalogRow, ...], tuple[str, ...]]
Clusters = Callable[[Rows], Mapping[str, str]]
"""Finds which hashed images are nearly the same: a name for each cluster, by sha256."""


def _none(rows: Rows) -> Mapping[str, str]:
    return {}


def settle(rows: Rows, reading: Reading, clusters: Clusters = _none) -> _Settled:
    """Leave one row per different file, with unique ids and with groups that no copy crosses.

    Args:
        rows: hashed rows in any order; what comes out does not depend on it.
        reading: what becomes of contradictions and copies. Of copies in kept Train and Test folders the Test folder's
            stays.
        clusters: finds near-duplicates; asked only when nothing is contradictory, as looking at images takes long.

    Returns:
        The rows sorted by image id, and notes on what was left out or joined.

    Raises:
        DataError: when an image stands under two labels, or has copies, and ``reading`` says that this is an error.
    """
    kept_first = {"test": 0, "validation": 1}
    ranked = reading.test_folder == "keep"

    def place(row: CatalogRow) -> tuple[int, str, str, str]:
        part = part_of(row.extra.get(FOLDER_SPLIT, "")) if ranked else ""
        return kept_first.get(part, 2), row.image_id, row.label, row.path

    agreed, conflict_notes = _without_conflicts(_files(sorted(rows, key=place)), reading)
    unique, copy_notes = _first_copies(agreed, reading.on_duplicate)
    alike = clusters(unique)
    grouped, group_notes = _joined_groups(agreed, _unique_ids(unique), alike)
    final = tuple(sorted(grouped, key=lambda row: row.image_id))
    return final, (*conflict_notes, *copy_notes, *_version_notes(final), *_alike_notes(final, alike), *group_notes)


def torn(rows: Rows, clusters: Clusters = _none) -> _Settled:
    """Take every file as it lies, each its own group, as the field's tutorials do; what belongs together is only noted.

    Returns:
        The rows sorted by image id, each with the group that it should have had, and a note.
    """
    ordered = _unique_ids(_files(sorted(rows, key=lambda row: (row.image_id, row.label, row.path))))
    joined, _ = _joined_groups(ordered, ordered, clusters(ordered))
    own = (
        replace(row, group=row.image_id, extra={**row.extra, TRUE_GROUP: true.group})
        for row, true in zip(ordered, joined, strict=True)
    )
    note = "LEAKY: every file is its own group; copies, contradictions and lesions in several images are kept"
    return tuple(sorted(own, key=lambda row: row.image_id)), (note,)


def _files(rows: Rows) -> Rows:
    """Leave out what was listed twice: the same file under the same label."""
    return list({(row.path, row.label): row for row in reversed(rows)}.values())[::-1]


def components(keys: Iterable[Sequence[str]]) -> list[int]:
    """Return for each item the number of the first item that it hangs together with through shared keys.

    Union-find with path halving: near-linear in the number of keys.
    """
    parent: list[int] = []
    first: dict[str, int] = {}
    for number, item in enumerate(keys):
        parent.append(number)
        for key in item:
            one, other = _root(parent, first.setdefault(key, number)), _root(parent, number)
            parent[max(one, other)] = min(one, other)
    return [_root(parent, number) for number in range(len(parent))]


def _root(parent: list[int], item: int) -> int:
    while parent[item] != item:
        parent[item] = parent[parent[item]]
        item = parent[item]
    return item


def _identities(row: CatalogRow) -> list[str]:
    number = _ISIC.search(row.image_id)
    content = [] if row.sha256 == _EMPTY else [f"sha256 {row.sha256}"]
    return content + ([f"isic {number.group().upper()}"] if number else [])


def _without_conflicts(rows: Rows, reading: Reading) -> tuple[Rows, tuple[str, ...]]:
    images: dict[int, list[CatalogRow]] = defaultdict(list)
    for image, row in zip(components(map(_identities, rows)), rows, strict=True):
        images[image].append(row)
    conflicts = [copies for copies in images.values() if len({row.label for row in copies}) > 1]
    if not conflicts:
        return rows, ()
    counts = Counter(" and ".join(order(row.label for row in copies)) for copies in conflicts)
    summary = ", ".join(f"{labels} {count:,}" for labels, count in sorted(counts.items()))
    if reading.on_conflict != "drop":
        pairs = (f"{copies[0].image_id} {' and '.join(order(row.label for row in copies))}" for copies in conflicts)
        what = f"{len(conflicts):,} images stand under two labels ({summary}): {named(pairs)}"
        fix = f"{_FIXES[bool(reading.preferred)]}, or leave out every copy of them with --on-conflict drop"
        raise DataError(what, where=f"for instance {_places(conflicts[0])}", fix=fix)
    lost = {row.path for copies in conflicts for row in copies}
    note = f"{len(conflicts):,} images under two labels left out with all {len(lost):,} files: {summary}"
    return [row for row in rows if row.path not in lost], (note,)


_FIXES = {
    False: "correct the labels, give a table of the right ones with --on-conflict prefer FILE",
    True: "name those images too in the table of preferred labels",
}


def _places(copies: Rows) -> str:
    return " and ".join({row.label: row.path for row in copies}.values())


def _first_copies(rows: Rows, on_duplicate: str) -> tuple[Rows, tuple[str, ...]]:
    """Keep the first of equal files; what only the others say of the patient is kept with it."""
    places: dict[str, int] = {}
    kept: list[CatalogRow] = []
    copies = []
    for row in rows:
        first = places.setdefault(row.sha256, len(kept)) if row.sha256 != _EMPTY else len(kept)
        if first == len(kept):
            kept.append(row)
        else:
            copies.append(f"{row.path} of {kept[first].path}")
            kept[first] = replace(kept[first], extra={**row.extra, **kept[first].extra})
    if copies and on_duplicate == "error":
        fix = "remove the copies, or keep the first of each with --on-duplicate keep-first"
        raise DataError(f"{len(copies):,} files are byte-identical copies: {named(copies)}", fix=fix)
    return kept, (f"{len(copies):,} byte-identical copies left out, the first of each kept",) if copies else ()


def _version_notes(rows: Rows) -> tuple[str, ...]:
    numbers = (_ISIC.search(row.image_id) for row in rows)
    counts = Counter(number.group().upper() for number in numbers if number)
    more = sum(count - 1 for count in counts.values())
    return (f"{more:,} files are other versions (the same ISIC number) of images that are there too",) if more else ()


def _alike_notes(rows: Rows, clusters: Mapping[str, str]) -> tuple[str, ...]:
    counts = Counter(clusters[row.sha256] for row in rows if row.sha256 in clusters)
    sizes = [count for count in counts.values() if count > 1]
    return (f"{sum(sizes):,} images in {len(sizes):,} clusters of near-duplicates are kept together",) if sizes else ()


def _unique_ids(rows: Rows) -> Rows:
    """Keep ids that are unique; of the others make label/id, then label/id-content, then label/id-content-number."""
    labelled = [f"{row.label}/{row.image_id}" for row in rows]
    content = [f"{name}-{row.sha256[:12]}" for name, row in zip(labelled, rows, strict=True)]
    numbered = [f"{name}-{number}" for number, name in enumerate(content)]
    names = [row.image_id for row in rows]
    for longer in (labelled, content, numbered):
        counts = Counter(names)
        names = [new if counts[old] > 1 else old for old, new in zip(names, longer, strict=True)]
    return [replace(row, image_id=name) for row, name in zip(rows, names, strict=True)]


def _joined_groups(every: Rows, kept: Rows, clusters: Mapping[str, str]) -> tuple[Rows, tuple[str, ...]]:
    """Give each kept row the smallest group name of all that it hangs together with; ``every`` has the copies too."""
    found = components([*_identities(row), *_belongings(row, clusters), f"path {row.path}"] for row in every)
    number_of = dict(zip((row.path for row in every), found, strict=True))
    names: dict[int, set[str]] = defaultdict(set)
    for row, number in zip(every, found, strict=True):
        names[number] |= {row.group} - {""}
    for row in kept:
        names[number_of[row.path]] = names[number_of[row.path]] or {row.image_id}
    groups = {number: min(found) for number, found in names.items() if found}
    grouped = [replace(row, group=groups[number_of[row.path]]) for row in kept]
    joined = sum(len(found) - 1 for found in names.values() if found)
    what = "groups joined others through a patient, a copy or a near-duplicate of one of their images"
    return grouped, (f"{joined:,} {what}",) if joined else ()


def _belongings(row: CatalogRow, clusters: Mapping[str, str]) -> list[str]:
    """Name all that a row must not be torn from: its lesion, its patient, images nearly the same."""
    found = {"group": row.group, "patient": row.extra.get(PATIENT, ""), "cluster": clusters.get(row.sha256, "")}
    return [f"{kind} {name}" for kind, name in found.items() if name]
