"""The labelled images that a model is evaluated on: a split of its run, or others that it has not seen."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.cache import cached_pixels
from melanoma_edge.data.catalog import Catalog, CatalogRow
from melanoma_edge.data.labels import MALIGNANT
from melanoma_edge.data.metadata import LESION, PATIENT
from melanoma_edge.data.reading import reading_from
from melanoma_edge.data.sources import read_listings
from melanoma_edge.data.sources.base import OWN_NAMES, layout_of
from melanoma_edge.errors import DataError, named
from melanoma_edge.evidence.documents import OTHER, DataNote, LeftOut
from melanoma_edge.evidence.photos import Photos, photos_of
from melanoma_edge.progress import Progress, silent
from melanoma_edge.squares import Squares
from melanoma_edge.training.config import TrainConfig
from melanoma_edge.training.material import read_data
from melanoma_edge.training.run import Run

BENIGN = ("NV", "BKL", "DF", "VASC", "SK")
"""What a class ``benign`` includes."""


@dataclass(frozen=True, eq=False)
class Material:
    """Hold labelled images in the classes of one contract, each sequence of length ``n``.

    Attributes:
        rows: the catalog's.
        labels: class index in the contract's order.
        pixels: uint8 ``[n, N, N, 3]``; read from disk as they are asked for.
        split: name of the split, or ``data``.
        received: images there were before any was left out.
        left_out: why, and how many.
        synthetic: whether they were drawn.
        photos: measures of the pixels, for subgroups.
        data: what they are, where they are no split of a run.
        notes: sentences on what could not be checked.
    """

    rows: tuple[CatalogRow, ...]
    labels: NDArray[np.int64]
    pixels: Squares
    split: str
    received: int
    left_out: tuple[LeftOut, ...]
    synthetic: bool
    photos: Photos | None = None
    data: DataNote | None = None
    notes: tuple[str, ...] = ()

    @property
    def ids(self) -> tuple[str, ...]:
        """Image ids."""
        return tuple(row.image_id for row in self.rows)

    @property
    def groups(self) -> tuple[str, ...]:
        """Group ids."""
        return tuple(row.group for row in self.rows)


def looked_at(material: Material, progress: Progress = silent) -> Material:
    """Return images with the measures of their pixels."""
    return replace(material, photos=photos_of(material.pixels, progress))


def material_of_run(run: Run, split: str) -> Material:
    """Return one split of a run; raises as ``Run.images``."""
    images = run.images(split)
    bad = len(run.record.images_left_out)
    left_out = (LeftOut("cannot be decoded (of all splits)", bad),) if bad else ()
    synthetic = run.contract.provenance.synthetic
    return Material(images.rows, images.labels, images.pixels, split, len(images.ids) + bad, left_out, synthetic)


def material_of_data(
    paths: Sequence[Path],
    contract: ModelContract,
    run: Run | None,
    layout: Mapping[str, Any],
    *,
    skip_bad: bool = False,
    progress: Progress = silent,
) -> Material:
    """Read other labelled images and leave out those that the model learned from or was tuned on.

    Args:
        paths: folders in a layout that a source knows.
        contract: whose classes the labels are mapped to.
        run: of the model, whose training and validation images must not be judged by; None where it is not known.
        layout: options on how to read, by their names on the command line.
        skip_bad: whether images that cannot be decoded are left out, counted.
        progress: told of images read.

    Raises:
        UsageError: for options that contradict each other.
        DataError: for folders, tables or images that cannot be used, labels that are no class of the contract, and
            where no image, no target or nothing but targets is left.
    """
    catalog = read_data(TrainConfig(data=tuple(map(str, paths)), **layout), progress)
    received = sum(len(listing.rows) for listing in read_listings(paths, reading_from(layout)))
    left: dict[str, int] = {"copies": received - len(catalog.rows)}
    rows, left["labels that are no class of the model"] = _in_classes(catalog, contract, layout)
    rows, left["learned from or tuned on"] = _unseen(rows, run)
    where = named(paths)
    _check_any(rows, contract, where)
    cached = cached_pixels(rows, contract.input_size, progress=progress, skip_bad=skip_bad)
    left["cannot be decoded"] = len(cached.bad)
    _check_any(cached.rows, contract, where)
    return Material(
        rows=cached.rows,
        labels=np.array([contract.classes.index(row.label) for row in cached.rows], np.int64),
        pixels=cached.pixels,
        split=OTHER,
        received=received,
        left_out=tuple(LeftOut(why, count) for why, count in left.items() if count),
        synthetic=catalog.synthetic,
        data=DataNote(tuple(map(str, paths)), catalog.sources, catalog.licences, catalog.sha256),
        notes=(_UNCHECKED if run else _NO_RUN, *_other_kind(catalog, contract)),
    )


_UNCHECKED = (
    "Files of equal bytes and lesions of equal name are known not to be of the model's training; pictures of the same "
    "lesion saved again under another name were not searched for."
)
_NO_RUN = "The model's run is not at hand, so nobody checked that it did not learn from these images."


def class_of(label: str, classes: Sequence[str]) -> str | None:
    """Return the class of a contract that a label of the vocabulary falls into, or None."""
    wider = [label]
    wider += ["BKL"] if label == "SK" else []
    wider += ["malignant"] if label in MALIGNANT else []
    wider += ["benign"] if label in BENIGN else []
    return next((name for name in wider if name in classes), None)


def _in_classes(
    catalog: Catalog, contract: ModelContract, layout: Mapping[str, Any]
) -> tuple[tuple[CatalogRow, ...], int]:
    """Return the rows with labels of the contract, and how many had none, where leaving those out was asked for."""
    found = {label: class_of(label, contract.classes) for label in catalog.classes}
    counts = catalog.counts()
    unknown = [f"{label} ({counts[label]:,} images)" for label, name in found.items() if name is None]
    if unknown and not layout.get("skip_unknown_labels"):
        what = f"labels that are no class of the model: {named(unknown)}; it knows {named(contract.classes)}"
        fix = "leave those images out with --skip-unknown-labels"
        raise DataError(what, where=named(catalog.sources), fix=fix)
    rows = tuple(replace(row, label=name) for row in catalog.rows if (name := found[row.label]) is not None)
    return rows, len(catalog.rows) - len(rows)


def _unseen(rows: tuple[CatalogRow, ...], run: Run | None) -> tuple[tuple[CatalogRow, ...], int]:
    """Return the rows that share neither bytes nor a lesion with the run's training and validation images."""
    learned = [row for row in run.catalog.rows if row.split != "test"] if run else []
    files, units = {row.sha256 for row in learned}, {name for row in learned for name in _units(row)}
    fresh = tuple(row for row in rows if row.sha256 not in files and not _units(row) & units)
    return fresh, len(rows) - len(fresh)


def _units(row: CatalogRow) -> set[str]:
    """Return the names of lesion and patient that mean the same in every data set."""
    given = {row.group, row.extra.get(LESION, ""), row.extra.get(PATIENT, "")}
    return set() if layout_of(row.source) in OWN_NAMES else given - {""}


def _check_any(rows: Sequence[CatalogRow], contract: ModelContract, where: str) -> None:
    counts = Counter(row.label for row in rows)
    targets = sum(counts[name] for name in contract.target_classes)
    if targets and targets < len(rows):
        return
    lacking = f"no {contract.target} image" if not targets else f"nothing but {contract.target} images"
    what = f"{lacking} left to evaluate on" if rows else "no image left to evaluate on"
    raise DataError(what, where=where, fix=f"give images of {named(contract.classes)} that the model has not seen")


def _other_kind(catalog: Catalog, contract: ModelContract) -> tuple[str, ...]:
    strange = sorted(set(catalog.image_types) - set(contract.image_types))
    made = named(contract.image_types)
    return (f"The images are {named(strange)}; the model is made for {made} ones.",) if strange else ()
