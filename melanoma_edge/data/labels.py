"""One written vocabulary of lesion labels, and what of it is melanoma or malignant.

The names that data sets use stand in ``labels.csv`` beside this module; a name that is not there is an error,
never a guess. Actinic keratosis is a precursor and not counted as malignant; seborrheic keratosis (SK) is kept
apart from the benign keratoses (BKL) where a data set keeps it apart.
"""

from __future__ import annotations

import csv
import difflib
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files

from melanoma_edge.errors import DataError, named

VOCABULARY = ("MEL", "NV", "BCC", "AK", "SCC", "BKL", "DF", "VASC", "SK", "malignant", "benign")
"""Every label there is, in the order of a model's outputs."""

MELANOMA = ("MEL",)
MALIGNANT = ("MEL", "BCC", "SCC", "malignant")
_OVERLAPPING = {"malignant": {"MEL", "BCC", "SCC"}, "benign": {"NV", "BKL", "DF", "VASC", "SK"}}


@dataclass(frozen=True)
class Target:
    """Say what a model is to find: ``target`` is ``melanoma`` or ``malignant``, scored by ``target_classes``."""

    target: str
    target_classes: tuple[str, ...]
    melanoma_classes: tuple[str, ...]
    malignant_classes: tuple[str, ...]


@lru_cache(maxsize=4096)
def find(label: str) -> str | None:
    """Return the vocabulary's word for a data set's label, or None; case, spaces and punctuation do not matter."""
    return _table().get(_key(label))


def canonical(label: str) -> str:
    """Return the vocabulary's word for a data set's label.

    Raises:
        DataError: for a label that is not in ``labels.csv``, naming the nearest known ones.
    """
    found = find(label)
    if found is None:
        raise DataError(unknown([label]), fix=RENAME)
    return found


RENAME = f"rename it to a known label ({', '.join(VOCABULARY)}), or leave those images out"


def unknown(labels: Iterable[str]) -> str:
    """Return a sentence that names unknown labels, each with the nearest known names."""
    return f"unknown label {named(map(_suggestion, labels))}"


def order(labels: Iterable[str]) -> tuple[str, ...]:
    """Return the different labels, which must be words of the vocabulary, in its order."""
    return tuple(sorted(set(labels), key=VOCABULARY.index))


def target_of(classes: Iterable[str]) -> Target:
    """Say what a model of these classes is to find: melanoma where they know it, else malignancy.

    Raises:
        DataError: for a single class, for classes that include one another, and where nothing is malignant
            or nothing is not.
    """
    ordered = order(classes)
    melanoma = tuple(name for name in ordered if name in MELANOMA)
    malignant = tuple(name for name in ordered if name in MALIGNANT)
    _check_classes(ordered, malignant)
    return Target("melanoma" if melanoma else "malignant", melanoma or malignant, melanoma, malignant)


def _check_classes(classes: tuple[str, ...], malignant: tuple[str, ...]) -> None:
    if len(classes) < 2:
        what = f"the images show one class only: {named(classes) or 'none'}"
        raise DataError(what, fix="give images of at least two classes")
    for name, parts in _OVERLAPPING.items():
        inside = [part for part in classes if part in parts]
        if name in classes and inside:
            what = f"class {name!r} includes {named(inside)}, so an image would have two right answers"
            raise DataError(what, fix="give either the diagnoses or malignant and benign, not both")
    if not malignant:
        what = f"nothing malignant to learn: none of the classes {named(classes)} is malignant"
        raise DataError(what, fix=f"give images of at least one of {named(MALIGNANT)}")
    if malignant == classes and not set(classes) & set(MELANOMA):
        raise DataError(f"all classes are malignant: {named(classes)}", fix="give images of harmless lesions too")


def _suggestion(label: str) -> str:
    names = {_key(name): name for name, _ in _records()}
    nearest = difflib.get_close_matches(_key(label), names, n=3, cutoff=0.5)
    return f"{label!r} (nearest: {', '.join(names[key] for key in nearest) or 'none'})"


def _key(label: str) -> str:
    folded = unicodedata.normalize("NFKC", label).casefold()
    return "".join(character for character in folded if character.isalnum())


@cache
def _table() -> dict[str, str]:
    return {_key(name): label for name, label in _records()}


@cache
def _records() -> tuple[tuple[str, str], ...]:
    text = files("melanoma_edge.data").joinpath("labels.csv").read_text("utf-8")
    return tuple((record["name"], record["label"]) for record in csv.DictReader(text.splitlines()))
