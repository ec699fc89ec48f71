"""Splits that nothing leaks through: whole groups, the same mixture of classes in each part, by seed."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace

from melanoma_edge.data.catalog import SPLITS, Catalog, check_groups
from melanoma_edge.errors import DataError, UsageError, named

FRACTIONS = (0.70, 0.15, 0.15)


def split_catalog(catalog: Catalog, seed: int, fractions: Sequence[float] = FRACTIONS) -> Catalog:
    """Put every group into train, validation or test.

    Within each class (and source, where there are several) groups are taken in an order drawn from the seed, and
    each goes where most images are still lacking; so the counts come within about one group of the fractions. The
    result depends on groups, labels and seed alone, not on paths or the order of rows.

    Args:
        catalog: rows with groups; a split they already have is replaced.
        seed: any integer.
        fractions: shares of train, validation and test, positive and summing to 1.

    Raises:
        UsageError: for fractions that are not three positive shares.
        DataError: when a class has fewer groups than there are splits.
    """
    if len(fractions) != len(SPLITS) or min(fractions) <= 0 or abs(sum(fractions) - 1) > 1e-6:
        raise UsageError(f"fractions {tuple(fractions)} are not three positive shares of 1", fix="give 0.7 0.15 0.15")
    sizes = Counter(row.group for row in catalog.rows)
    by_class = _groups_by_class(catalog)
    _check_enough(catalog, by_class)
    source = {row.group: row.source for row in sorted(catalog.rows, key=lambda row: row.source)}
    chosen: dict[str, str] = {}
    lacking = dict.fromkeys(SPLITS, 0.0)
    for groups in by_class.values():
        part: dict[str, str] = {}
        for stratum in _strata(sorted(groups, key=lambda group: _draw(seed, group)), source):
            part |= _fill(stratum, sizes, fractions, lacking)
        chosen |= _none_empty(part, sizes)
    result = replace(catalog, rows=tuple(replace(row, split=chosen[row.group]) for row in catalog.rows))
    check_groups(result)
    return result


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


def _check_enough(catalog: Catalog, by_class: Mapping[str, list[str]]) -> None:
    few = [f"{name} has {len(groups)}" for name, groups in by_class.items() if len(groups) < len(SPLITS)]
    if few:
        what = f"every class needs at least {len(SPLITS)} groups (lesions), one per split, but {named(few)}"
        raise DataError(what, where=named(catalog.sources), fix="add images of that class, or leave the class out")


def _strata(groups: Sequence[str], source: Mapping[str, str]) -> list[list[str]]:
    strata: dict[str, list[str]] = defaultdict(list)
    for group in groups:
        strata[source[group]].append(group)
    return [strata[name] for name in sorted(strata)]


def _draw(seed: int, group: str) -> bytes:
    return hashlib.sha256(f"{seed}\0{group}".encode()).digest()


def _fill(
    groups: Sequence[str], sizes: Mapping[str, int], fractions: Sequence[float], overall: dict[str, float]
) -> dict[str, str]:
    """Choose a split for each group in turn; ``overall``, what each split lacks over all strata, decides ties."""
    total = sum(sizes[group] for group in groups)
    lacking = {name: share * total for name, share in zip(SPLITS, fractions, strict=True)}
    chosen = {}
    for group in groups:
        split = max(SPLITS, key=lambda name: (round(lacking[name], 6), overall[name], SPLITS.index(name)))
        chosen[group] = split
        lacking[split] -= sizes[group]
    for name in SPLITS:
        overall[name] = round(overall[name] + lacking[name], 6)
    return chosen


def _none_empty(chosen: Mapping[str, str], sizes: Mapping[str, int]) -> dict[str, str]:
    """Move the smallest group of the split that has most into each split that has none."""
    chosen = dict(chosen)
    for split in reversed(SPLITS):
        counts = Counter(chosen.values())
        if not counts[split]:
            donor = max(SPLITS, key=lambda name: counts[name])
            moved = min((group for group, name in chosen.items() if name == donor), key=lambda group: sizes[group])
            chosen[moved] = split
    return chosen
