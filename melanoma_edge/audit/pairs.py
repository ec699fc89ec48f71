"""Copies, contradictions and leaks: what stands twice, under which labels, and in which folders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from melanoma_edge.audit.material import Material, gathered
from melanoma_edge.data.likeness.search import WHOLE_SHARE
from melanoma_edge.data.metadata import ORIGINAL_LABEL


class Kind(StrEnum):
    """Say how two files are alike, the surest first."""

    BYTES = "equal bytes"
    PIXELS = "equal pixels"
    NAME = "one ISIC number"
    NEAR = "near-duplicate"
    CROP = "cutting"


@dataclass(frozen=True)
class Pair:
    """Hold two files that show one image, or one lesion; ``contradicts`` says that they stand under different labels.

    ``correlation`` is that of fine detail; ``share`` how much of the side of ``first`` is seen in ``second``.
    """

    kind: Kind
    first: str
    second: str
    labels: tuple[str, str]
    parts: tuple[str, str]
    contradicts: bool
    correlation: float
    share: float


@dataclass(frozen=True)
class Conflict:
    """Count the images that stand under two labels; ``files`` counts all files of each of the labels."""

    labels: tuple[str, str]
    images: int
    files: tuple[int, int]


@dataclass(frozen=True)
class Leak:
    """Count what two folders of an existing split share.

    Attributes:
        parts: the folder judged by, then the one learned from.
        images: images of the first that the second holds too.
        other_label: those of them that carry another label there.
        alike: further images of the first of which the second holds a near-duplicate or a cutting.
        group: further images of the first whose lesion or patient the second shows too, as far as is written.
    """

    parts: tuple[str, str]
    images: int
    other_label: int
    alike: int
    group: int


@dataclass(frozen=True)
class Copies:
    """Hold what stands more than once.

    Attributes:
        images: different images among the files.
        by_kind: pairs of each kind; of several equal files each counts once, with the first.
        pairs: all of them, those that contradict each other first.
        conflicts: images under two labels, by pair of labels, the most frequent first.
        conflicting_images: images under more than one label.
        alike_conflicts: pairs of different but alike pictures under two labels.
        leaks: between existing folders.
    """

    images: int
    by_kind: dict[str, int]
    pairs: tuple[Pair, ...]
    conflicts: tuple[Conflict, ...]
    conflicting_images: int
    alike_conflicts: int
    leaks: tuple[Leak, ...]


def find_pairs(material: Material) -> Copies:
    """Say what stands more than once, what contradicts itself and what leaks."""
    equal = [_equal(material, rows[0], other) for rows in gathered(material.image).values() for other in rows[1:]]
    near = [
        _pair(material, _nature(copy.share), copy.first, copy.second, copy.correlation, copy.share)
        for copy in material.near
        if material.image[copy.first] != material.image[copy.second]
    ]
    pairs = sorted([*equal, *near], key=lambda pair: (not pair.contradicts, list(Kind).index(pair.kind), pair.first))
    kinds = Counter(pair.kind.value for pair in pairs)
    return Copies(
        images=len(set(material.image)),
        by_kind={kind.value: kinds[kind.value] for kind in Kind},
        pairs=tuple(pairs),
        conflicts=_conflicts(material),
        conflicting_images=len(conflicting(material)),
        alike_conflicts=sum(pair.contradicts for pair in near),
        leaks=tuple(_leaks(material)),
    )


def conflicting(material: Material) -> set[int]:
    """Return the numbers of the images that stand under more than one label."""
    images = gathered(material.image).items()
    return {image for image, rows in images if len({material.rows[row].label for row in rows}) > 1}


def remaining(material: Material) -> list[int]:
    """Return one decodable row for each image that stands under one label: what the steps leave."""
    torn = conflicting(material)
    images = (rows for image, rows in gathered(material.image).items() if image not in torn)
    decodable = ([row for row in rows if not material.looks[row].problem] for rows in images)
    return sorted(rows[0] for rows in decodable if rows)


def label_of(material: Material, row: int) -> str:
    """Return a row's label as its data set calls it."""
    return material.rows[row].extra.get(ORIGINAL_LABEL, "") or material.rows[row].label


def _nature(share: float) -> Kind:
    return Kind.NEAR if share >= WHOLE_SHARE else Kind.CROP


def _equal(material: Material, first: int, second: int) -> Pair:
    one, other = material.looks[first], material.looks[second]
    if one.sha256 and one.sha256 == other.sha256:
        return _pair(material, Kind.BYTES, first, second, 1.0, 1.0)
    if one.pixels and one.pixels == other.pixels:
        return _pair(material, Kind.PIXELS, first, second, 1.0, 1.0)
    return _pair(material, Kind.NAME, first, second, 0.0, 1.0)


def _pair(material: Material, kind: Kind, first: int, second: int, correlation: float, share: float) -> Pair:
    labels = label_of(material, first), label_of(material, second)
    paths = material.rows[first].path, material.rows[second].path
    parts = material.part(first), material.part(second)
    contradicts = material.rows[first].label != material.rows[second].label
    return Pair(kind, *paths, labels, parts, contradicts, round(correlation, 4), round(share, 4))


def _conflicts(material: Material) -> tuple[Conflict, ...]:
    files = Counter(label_of(material, row) for row in range(len(material.rows)))
    counts: Counter[tuple[str, str]] = Counter()
    images = gathered(material.image)
    for image in conflicting(material):
        labels = sorted({label_of(material, row) for row in images[image]})
        counts.update((one, other) for place, one in enumerate(labels) for other in labels[place + 1 :])
    return tuple(Conflict(pair, count, (files[pair[0]], files[pair[1]])) for pair, count in counts.most_common())


def _leaks(material: Material) -> Iterable[Leak]:
    names = sorted({material.part(row) for row in range(len(material.rows))} - {""})
    learned = [name for name in names if name.lower().startswith("train")]
    for train in learned:
        for judged in (name for name in names if name not in learned):
            yield _leak(material, judged, train)


def _leak(material: Material, judged: str, train: str) -> Leak:
    rows = {name: [row for row in range(len(material.rows)) if material.part(row) == name] for name in (judged, train)}
    labels: dict[int, set[str]] = {}
    for row in rows[train]:
        labels.setdefault(material.image[row], set()).add(material.rows[row].label)
    same = {material.image[row]: material.rows[row].label for row in rows[judged] if material.image[row] in labels}
    groups = {material.rows[row].group for row in rows[train]} - {""}
    rest = [row for row in rows[judged] if material.image[row] not in same]
    alike = _touched(material, train) & {material.image[row] for row in rest}
    group = {material.image[row] for row in rest if material.rows[row].group in groups} - alike
    other = sum(labels[image] != {label} for image, label in same.items())
    return Leak((judged, train), len(same), other, len(alike), len(group))


def _touched(material: Material, train: str) -> set[int]:
    """Return the images that are nearly the same as one of the folder that is learned from."""
    inside = {material.image[row] for row in range(len(material.rows)) if material.part(row) == train}
    ends = [(material.image[copy.first], material.image[copy.second]) for copy in material.near]
    return {one for one, other in ends if other in inside} | {other for one, other in ends if one in inside}
