"""What data sets say of patients, under names and spellings that are the same whatever the data set."""

from __future__ import annotations

import sys
from collections.abc import Mapping

AGE, SEX, SITE, FITZPATRICK, DX_TYPE = "age", "sex", "site", "fitzpatrick", "dx_type"
PATIENT, LESION, IMAGE_TYPE, LICENCE, ATTRIBUTION = "patient", "lesion", "image_type", "licence", "attribution"
ORIGINAL_LABEL, FOLDER_SPLIT, TRUE_GROUP = "original_label", "folder_split", "true_group"
TURNED = "turned"
"""Degrees by which an augmented copy is turned, against the clock; only copies have it."""

COLUMNS: dict[str, tuple[str, ...]] = {
    AGE: ("age", "age_approx", "age_approximate"),
    SEX: ("sex", "gender"),
    SITE: ("site", "localization", "anatom_site_general", "anatom_site_general_challenge", "anatom_site_1", "region"),
    FITZPATRICK: ("fitzpatrick", "fitspatrick", "fitzpatrick_skin_type"),
    DX_TYPE: ("dx_type", "diagnosis_confirm_type"),
    IMAGE_TYPE: ("image_type",),
    LICENCE: ("copyright_license",),
    ATTRIBUTION: ("attribution",),
}
"""The columns of known data sets, in lower case, for each name; the first that is filled counts."""

_NOTHING = frozenset({"", "na", "n/a", "nan", "none", "null", "unknown", "not reported"})
_SAME = {
    SEX: {"m": "male", "f": "female"},
    DX_TYPE: {"histo": "histopathology"},
    FITZPATRICK: {"i": "1", "ii": "2", "iii": "3", "iv": "4", "v": "5", "vi": "6"},
}
_AS_WRITTEN = frozenset({LICENCE, ATTRIBUTION})


_PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "val": "validation",
    "valid": "validation",
    "validation": "validation",
}


def part_of(folder: str) -> str:
    """Return the split that a folder or table is named after, or nothing."""
    return _PARTS.get(folder.lower(), "")


def metadata_of(cells: Mapping[str, str]) -> dict[str, str]:
    """Return what a row of a table says of patient and image, by fixed name; what is unknown is not there.

    Args:
        cells: the row by lower-case column name.
    """
    found = {}
    for name, columns in COLUMNS.items():
        given = next((cells[column] for column in columns if cells.get(column, "").lower() not in _NOTHING), "")
        if given:
            found[name] = _spelled(name, given)
    return found


def _spelled(name: str, given: str) -> str:
    if name in _AS_WRITTEN:
        return given
    text = given.lower()
    if name in (AGE, FITZPATRICK):
        text = text.removesuffix(".0")
    # One text for all rows that say the same: tables of the whole archive are large.
    return sys.intern(_SAME.get(name, {}).get(text, text))
