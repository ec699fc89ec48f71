"""Copies of one image: found by content and by ISIC number, refused where they contradict each other.

Two files are the same image when their bytes are equal or their names carry the same ISIC number (a copy that was
resized, augmented or saved again keeps it). Empty files are nobody's copy; decoding names them.
"""

from __future__ import annotations

import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.labels import order
from melanoma_edge.errors import DataError, named

_EMPTY = hashlib.sha256(b"").hexdigest()
_ISIC = re.compile(r"ISIC_\d{7}(?!\d)", re.IGNORECASE)

Rows = Sequence[CatalogRow]


def settle(rows: Rows, on_conflict: str) -> tuple[tuple[CatalogRow, ...], tuple[str, ...]]:
    """Leave one row per different file, with unique ids and with groups that no copy crosses.

    Args:
        rows: hashed rows in any order; what comes out does not depend on it.
        on_conflict: ``error``, or ``drop`` to leave out every copy of an image that stands under two labels.

    Returns:
        The rows sorted by image id, and notes on what was left out or joined.

    Raises:
        DataError: when an image stands under two labels and ``on_conflict`` is ``error``.
    """
    ordered = sorted(rows, key=lambda row: (row.image_id, row.label, row.path))
    agreed, conflict_notes = _without_conflicts(ordered, on_conflict)
    unique = _first_copies(agreed)
    copies = len(agreed) - len(unique)
    copy_notes = (f"{copies:,} byte-identical copies left out, the first of each kept",) if copies else ()
    grouped, group_notes = _joined_groups(agreed, _unique_ids(unique))
    final = tuple(sorted(grouped, key=lambda row: row.image_id))
    return final, (*conflict_notes, *copy_notes, *group_notes)


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


def _without_conflicts(rows: Rows, on_conflict: str) -> tuple[Rows, tuple[str, ...]]:
    images: dict[int, list[CatalogRow]] = defaultdict(list)
    for image, row in zip(components(map(_identities, rows)), rows, strict=True):
        images[image].append(row)
    conflicts = [copies for copies in images.values() if len({row.label for row in copies}) > 1]
    if not conflicts:
        return rows, ()
    counts = Counter(" and ".join(order(row.label for row in copies)) for copies in conflicts)
    summary = ", ".join(f"{labels} {count:,}" for labels, count in sorted(counts.items()))
    if on_conflict == "error":
        pairs = (f"{copies[0].image_id} {' and '.join(order(row.label for row in copies))}" for copies in conflicts)
        what = f"{len(conflicts):,} images stand under two labels ({summary}): {named(pairs)}"
        fix = "correct the labels, or leave out every copy of them with --on-conflict drop"
        raise DataError(what, where=f"for instance {_places(conflicts[0])}", fix=fix)
    lost = {row.path for copies in conflicts for row in copies}
    note = f"{len(conflicts):,} images under two labels left out with all {len(lost):,} files: {summary}"
    return [row for row in rows if row.path not in lost], (note,)


def _places(copies: Rows) -> str:
    return " and ".join({row.label: row.path for row in copies}.values())


def _first_copies(rows: Rows) -> Rows:
    seen: set[str] = set()
    kept = []
    for row in rows:
        if row.sha256 == _EMPTY or row.sha256 not in seen:
            kept.append(row)
        seen.add(row.sha256)
    return kept


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


def _joined_groups(every: Rows, kept: Rows) -> tuple[Rows, tuple[str, ...]]:
    """Give each kept row the smallest group name of all that it hangs together with; ``every`` has the copies too."""
    found = components([*_identities(row), *_own_group(row), f"path {row.path}"] for row in every)
    number_of = dict(zip((row.path for row in every), found, strict=True))
    names: dict[int, set[str]] = defaultdict(set)
    for row, number in zip(every, found, strict=True):
        names[number] |= {row.group} - {""}
    for row in kept:
        names[number_of[row.path]] = names[number_of[row.path]] or {row.image_id}
    groups = {number: min(found) for number, found in names.items() if found}
    grouped = [replace(row, group=groups[number_of[row.path]]) for row in kept]
    joined = sum(len(found) - 1 for found in names.values() if found)
    return grouped, (f"{joined:,} groups joined others that show a copy of one of their images",) if joined else ()


def _own_group(row: CatalogRow) -> list[str]:
    return [f"group {row.group}"] if row.group else []
