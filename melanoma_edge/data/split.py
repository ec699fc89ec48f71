"""Splits that nothing leaks through: whole groups, the same mixture of classes in each part, by seed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from melanoma_edge.data.catalog import SPLITS, Catalog, CatalogRow, check_groups
from melanoma_edge.data.metadata import FOLDER_SPLIT, TRUE_GROUP, part_of
from melanoma_edge.errors import DataError, UsageError, named

FRACTIONS = (0.70, 0.15, 0.15)
_TRAIN, _VALIDATION, _TEST = SPLITS


@dataclass(frozen=True)
class Fold:
    """Say which of how many parts is tested on; ``number`` counts from 1."""

    number: int
    count: int

    def __post_init__(self) -> None:
        if not 2 <= self.count <= 100 or not 1 <= self.number <= self.count:
            what = f"fold {self.number} of {self.count} does not exist"
            raise UsageError(what, fix="give --folds of 2 to 100 and a --fold from 1 to that")


def split_catalog(
    catalog: Catalog, seed: int, fractions: Sequence[float] = FRACTIONS, fold: Fold | None = None
) -> Catalog:
    """Put every group into train, validation or test.

    Within each class (and source, where there are several) groups are taken in an order drawn from the seed, and
    each goes where most images are still lacking; so the counts come within about one group of the fractions. The
    result depends on groups, labels and seed alone, not on paths or the order of rows.

    Args:
        catalog: rows with groups; a split they already have is replaced.
        seed: any integer.
        fractions: shares of train, validation and test, positive and summing to 1.
        fold: the test part is this one of equal parts, which are the same for every fold of a seed; the rest is
            shared between train and validation in their proportion.

    Raises:
        UsageError: for fractions that are not three positive shares.
        DataError: when a class has fewer groups than there are splits or folds.
    """
    if len(fractions) != len(SPLITS) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise UsageError(f"fractions {tuple(fractions)} are not three positive shares of 1", fix="give 0.7 0.15 0.15")
    shares = dict(zip(SPLITS, fractions, strict=True))
    if fold is None:
        return _finished(catalog, _shared_out(catalog, seed, shares))
    parts = [str(number) for number in range(1, fold.count + 1)]
    folds = _shared_out(catalog, seed, dict.fromkeys(parts, 1 / fold.count))
    chosen = {group: _TEST for group, part in folds.items() if part == str(fold.number)}
    rest = tuple(row for row in catalog.rows if row.group not in chosen)
    chosen |= _shared_out(replace(catalog, rows=rest), seed, _without_test(shares))
    return _finished(catalog, chosen)


def keep_test_folder(catalog: Catalog, seed: int, fractions: Sequence[float] = FRACTIONS) -> Catalog:
    """Take the images of existing Test folders as the test split, and those of Validation folders as validation.

    Images that share a group with the test split are left out of training and validation, and those that share one
    with validation out of training, with a note. Without a Validation folder validation is drawn from the rest.

    Raises:
        DataError: when there is no Test folder, or too little is left of a class.
    """
    part = {row.image_id: part_of(row.extra.get(FOLDER_SPLIT, "")) or _TRAIN for row in catalog.rows}
    if _TEST not in part.values():
        where = named(catalog.sources)
        raise DataError("there is no Test folder to keep", where=where, fix="use --test-folder pool")
    home: dict[str, str] = {}
    for row in catalog.rows:
        home[row.group] = max(home.get(row.group, _TRAIN), part[row.image_id], key=SPLITS.index)
    crossing = {row.image_id for row in catalog.rows if part[row.image_id] != home[row.group]}
    note = f"Test folder kept; {len(crossing):,} images that share a group with a later split left out"
    kept = catalog.without(crossing, note if crossing else "Test folder kept")
    if _VALIDATION not in home.values():
        rest = tuple(row for row in kept.rows if home[row.group] == _TRAIN)
        shares = _without_test(dict(zip(SPLITS, fractions, strict=True)))
        home |= _shared_out(replace(kept, rows=rest), seed, shares)
    return _finished(kept, home)


def _without_test(shares: Mapping[str, float]) -> dict[str, float]:
    whole = shares[_TRAIN] + shares[_VALIDATION]
    return {name: shares[name] / whole for name in (_TRAIN, _VALIDATION)}


def _finished(catalog: Catalog, chosen: Mapping[str, str]) -> Catalog:
    result = replace(catalog, rows=tuple(replace(row, split=chosen[row.group]) for row in catalog.rows))
    check_groups(result)
    return replace(result, notes=(*result.notes, *_leak_note(result)))


def _leak_note(catalog: Catalog) -> tuple[str, ...]:
    """Count, in a leaky catalog, the images judged by that show what training shows too."""
    if not catalog.leaky:
        return ()
    learned = {row.extra.get(TRUE_GROUP, "") for row in catalog.part(_TRAIN)} - {""}
    parts = []
    for split in (_VALIDATION, _TEST):
        rows: tuple[CatalogRow, ...] = catalog.part(split)
        leaked = sum(row.extra.get(TRUE_GROUP, "") in learned for row in rows)
        parts.append(f"{leaked:,} of {len(rows):,} {split} images")
    return (f"LEAKY split: at least {' and '.join(parts)} show an image or a lesion that training shows too",)


def _shared_out(catalog: Catalog, seed: int, shares: Mapping[str, float]) -> dict[str, str]:
    """Give every group a part, so that each class and source comes near the shares and no part lacks a class."""
    sizes = Counter(row.group for row in catalog.rows)
    by_class = _groups_by_class(catalog)
    _check_enough(catalog, len(shares))
    source = {row.group: row.source for row in sorted(catalog.rows, key=lambda row: row.source)}
    chosen: dict[str, str] = {}
    lacking = dict.fromkeys(shares, 0.0)
    for groups in by_class.values():
        part: dict[str, str] = {}
        for stratum in _strata(sorted(groups, key=lambda group: _draw(seed, group)), source):
            part |= _fill(stratum, sizes, shares, lacking)
        chosen |= _none_empty(part, sizes, tuple(shares))
    return chosen


def _groups_by_class(catalog: Catalog) -> dict[str, list[str]]:
    """Name each class's groups; a group with several labels counts for the rarest."""
    counts = catalog.counts()
    label: dict[str, str] = {}
    for row in sorted(catalog.rows, key=lambda row: (-counts[row.label], row.label)):
        label[row.group] = row.label
    groups: dict[str, list[str]] = {name: [] for name in catalog.classes}
    for group, name in label.items():
        groups[name].append(group)
    return groups


def _check_enough(catalog: Catalog, parts: int) -> None:
    counts = Counter(label for label, _ in {(row.label, row.group) for row in catalog.rows})
    few = [f"{name} has {counts[name]}" for name in catalog.classes if counts[name] < parts]
    if few:
        what = f"every class needs at least {parts} groups (lesions), one per part, but {named(few)}"
        raise DataError(what, where=named(catalog.sources), fix="add images of that class, or leave the class out")


def _strata(groups: Sequence[str], source: Mapping[str, str]) -> list[list[str]]:
    strata: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        strata[source[group]].append(group)
    return [strata[name] for name in sorted(strata)]


def _draw(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{group}".encode()).digest()


def _fill(
    groups: Sequence[str], sizes: Mapping[str, int], shares: Mapping[str, float], overall: dict[str, float]
) -> dict[str, str]:
    """Choose a part for each group in turn; ``overall``, what each part lacks over all strata, decides ties."""
    parts = list(shares)
    total = sum(sizes[group] for group in groups)
    lacking = {name: share * total for name, share in shares.items()}
    chosen = {}
    for group in groups:
        part = max(parts, key=lambda name: (round(lacking[name], 6), overall[name], parts.index(name)))
        chosen[group] = part
        lacking[part] -= sizes[group]
    for name in parts:
        overall[name] = round(overall[name] + lacking[name], 6)
    return chosen


def _none_empty(chosen: Mapping[str, str], sizes: Mapping[str, int], parts: Sequence[str]) -> dict[str, str]:
    """Move the smallest group of the part that has most into each part that has none, where it has more than one."""
    chosen = dict(chosen)
    for part in reversed(parts):
        counts = Counter(chosen.values())
        donor = max(parts, key=lambda name: counts[name])
        if not counts[part] and counts[donor] > 1:
            moved = min((group for group, name in chosen.items() if name == donor), key=lambda group: sizes[group])
            chosen[moved] = part
    return chosen
