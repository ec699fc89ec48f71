"""What is known of a lesion beside its picture's diagnosis, in values that subgroups are made of."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.metadata import AGE, ATTRIBUTION, DX_TYPE, FITZPATRICK, SEX, SITE, metadata_of
from melanoma_edge.evaluation.lesions import Lesions
from melanoma_edge.evaluation.subgroups import UNKNOWN
from melanoma_edge.evidence.photos import FLAGS, Photos

SOURCE, COLLECTION, LUMINANCE = "source", "collection", "luminance"
ESTIMATED = (*FLAGS, LUMINANCE)
"""Attributes measured on the pixels; how often that is right is known for drawn pictures only."""
AGES = ((30, "0-29"), (50, "30-49"), (70, "50-69"), (200, "70+"))
"""Upper ends, excluded, and names of the age bands in years."""
THIRDS = ("1 darkest", "2", "3 brightest")


def attributes_of(
    rows: Sequence[CatalogRow], unit: Lesions, photos: Photos | None = None
) -> dict[str, tuple[str, ...]]:
    """Return the value of each lesion, ``[u]``, by name of the attribute; ``unknown`` where nothing is known.

    A lesion of several images has the first known value, and a flag where one of its images has it. ``luminance``
    parts the lesions at hand into thirds.

    Args:
        rows: of the images, ``[n]``.
        unit: their lesions.
        photos: measures of their pixels, ``[n]``; without them what is estimated is left out.
    """
    given = [_given(row) for row in rows]
    found = {name: _first_known([one[name] for one in given], unit) for name in given[0]}
    if photos is None:
        return found
    flags = {name: _any(getattr(photos, name), unit) for name in FLAGS}
    return {**found, **flags, LUMINANCE: _thirds(unit.mean(photos.luminance))}


def _given(row: CatalogRow) -> dict[str, str]:
    known = metadata_of({name.lower(): value for name, value in row.extra.items()})
    return {
        SOURCE: row.source,
        COLLECTION: known.get(ATTRIBUTION, UNKNOWN),
        AGE: _band(known.get(AGE, "")),
        SEX: known.get(SEX, UNKNOWN),
        SITE: known.get(SITE, UNKNOWN),
        DX_TYPE: known.get(DX_TYPE, UNKNOWN),
        FITZPATRICK: known.get(FITZPATRICK, UNKNOWN),
    }


def _band(age: str) -> str:
    try:
        years = float(age)
    except ValueError:
        return UNKNOWN
    return next((name for end, name in AGES if 0 <= years < end), UNKNOWN)


def _first_known(values: Sequence[str], unit: Lesions) -> tuple[str, ...]:
    found = [UNKNOWN] * len(unit)
    for lesion, value in zip(unit.of_image.tolist(), values, strict=True):
        if found[lesion] == UNKNOWN:
            found[lesion] = value
    return tuple(found)


def _any(flags: NDArray[np.bool_], unit: Lesions) -> tuple[str, ...]:
    return tuple("yes" if share else "no" for share in unit.mean(flags.astype(np.float64)))


def _thirds(values: NDArray[np.float64]) -> tuple[str, ...]:
    places = np.searchsorted(np.quantile(values, [1 / 3, 2 / 3]), values, side="left")
    return tuple(THIRDS[place] for place in places)
