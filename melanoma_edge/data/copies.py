"""Augmented copies among the images of a split that leaks, as the field's tutorials make them.

Notebooks on the nine-class set balance its classes with Augmentor, by ``Pipeline.rotate(probability=0.7,
max_left_rotation=10, max_right_rotation=10)`` and ``sample(500)`` on each class folder, and split originals and copies
at random. A copy here is a row of the catalog that names the file it is made from and the angle; its pixels are
made where those of the file are decoded.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from PIL import Image

from melanoma_edge.data.catalog import Catalog, CatalogRow
from melanoma_edge.data.metadata import FOLDER_SPLIT, TURNED, part_of

_PROBABILITY, _DEGREES = 0.7, 10
_NEVER_COPIED = ("validation", "test")


def with_copies(catalog: Catalog, count: int, seed: int, keep_test: bool) -> Catalog:
    """Return the catalog with augmented copies of each class: rows of their own, in groups of their own.

    Args:
        catalog: with the group that each row should have had, as ``duplicates.torn`` leaves it.
        count: copies of each class; their originals are drawn with replacement, as Augmentor's ``sample`` draws them.
        seed: of originals and angles.
        keep_test: leave images of Test and Validation folders uncopied, as these are split off before.
    """
    if not count:
        return catalog
    originals = [row for row in catalog.rows if not (keep_test and _part(row) in _NEVER_COPIED)]
    made: list[CatalogRow] = []
    for number, label in enumerate(catalog.classes):
        own = [row for row in originals if row.label == label]
        made += _copies(own, count, np.random.default_rng([seed, number])) if own else []
    note = (
        f"LEAKY: {len(made):,} augmented copies, {count:,} of each class, {100 * _PROBABILITY:.0f} % turned by up to "
        f"{_DEGREES} degrees, stand among {len(catalog.rows):,} images as if they were others"
    )
    rows = tuple(sorted((*catalog.rows, *made), key=lambda row: row.image_id))
    return replace(catalog, rows=rows, notes=(*catalog.notes, note))


def _part(row: CatalogRow) -> str:
    return part_of(row.extra.get(FOLDER_SPLIT, ""))


def _copies(rows: list[CatalogRow], count: int, random: np.random.Generator) -> list[CatalogRow]:
    made = []
    for number in range(count):
        original = rows[random.integers(len(rows))]
        angle = int(random.integers(1, _DEGREES + 1) * random.choice((-1, 1))) if random.random() < _PROBABILITY else 0
        name = f"{original.image_id}+copy-{number}"
        made.append(replace(original, image_id=name, group=name, extra={**original.extra, TURNED: str(angle)}))
    return made


def drawn(image: Image.Image, extra: Mapping[str, str]) -> Image.Image:
    """Return the picture that a row stands for: the decoded file, or, for a copy, the file turned.

    Of the turned picture the largest upright part of its own proportions is kept, as Augmentor keeps it, so that no
    corner is empty.
    """
    degrees = int(extra.get(TURNED, "0"))
    if not degrees:
        return image
    cos, sin = math.cos(math.radians(degrees)), math.sin(math.radians(abs(degrees)))
    wide, high = image.size
    share = min(wide / (wide * cos + high * sin), high / (wide * sin + high * cos))
    left, top = math.ceil(wide * (1 - share) / 2), math.ceil(high * (1 - share) / 2)
    return image.rotate(degrees, Image.Resampling.BICUBIC).crop((left, top, wide - left, high - top))
