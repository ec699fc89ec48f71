"""What a training learns from: the catalog, its split, and decoded squares."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.cache import cache_folder, cached_pixels
from melanoma_edge.data.catalog import SPLITS, Catalog, CatalogRow, load_catalog, save_catalog
from melanoma_edge.data.copies import with_copies
from melanoma_edge.data.labels import order
from melanoma_edge.data.likeness import Lookalikes
from melanoma_edge.data.sources import read_catalog
from melanoma_edge.data.sources.synthetic import SyntheticSource
from melanoma_edge.data.split import keep_test_folder, split_catalog
from melanoma_edge.data.synthetic import SyntheticSpec, plan, write_synthetic
from melanoma_edge.errors import DataError, named
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights
from melanoma_edge.progress import Progress, silent
from melanoma_edge.squares import Squares
from melanoma_edge.training.config import TrainConfig, fold_of, reading_of
from melanoma_edge.training.losses import source_priors
from melanoma_edge.training.mixture import levelled
from melanoma_edge.training.run import Run, SplitImages, split_images

_MARGIN = 1.15
"""Side of the squares that augmentation crops from, relative to the network's input."""


@dataclass(frozen=True, eq=False)
class Start:
    """Hold what a training begins with in place of its origin's network: layout, weights, and how they were made."""

    network: NetworkSpec
    weights: Weights
    record: dict[str, Any]


@dataclass(frozen=True, eq=False)
class Origin:
    """Say which run a training continues, whose catalog it takes, and what that is called.

    Attributes:
        run: the parent.
        method: of the new run.
        start: the network to begin with; the parent's when left out.
        asked: what decides the start, as plain JSON; an interrupted training is resumed with no other.
    """

    run: Run
    method: str
    start: Start | None = None
    asked: dict[str, Any] = field(default_factory=dict)

    @property
    def network(self) -> NetworkSpec:
        """The layout to train."""
        return self.start.network if self.start else self.run.network

    def weights(self) -> Weights:
        """Return the weights to begin with, all classes alike; raises as ``Run.weights``."""
        return levelled(self.start.weights if self.start else self.run.weights(), self.run.contract)


@dataclass(frozen=True, eq=False)
class Images:
    """Stand for pixels for learning (``source``, larger than the network's input) and for evaluation (by split).

    ``left_out`` names images that could not be decoded, with the reason.
    """

    catalog: Catalog
    source: Squares
    splits: dict[str, SplitImages]
    left_out: tuple[str, ...]


def gather(config: TrainConfig, out: Path | None, origin: Origin | None, progress: Progress = silent) -> Images:
    """Bring the images of a training together: catalog, split and decoded squares.

    The catalog is written into the run, where there is one; on resume it must still be the one written.

    Raises:
        DataError: for images or tables that cannot be used, or that changed since the run began.
        UsageError: for an unknown source or policy.
    """
    size = config.image_size
    catalog = origin.run.catalog if origin else read_data(config, progress)
    cached = cached_pixels(catalog.rows, size, progress=progress, skip_bad=config.skip_bad_images)
    if cached.bad:
        kept = {row.image_id for row in cached.rows}
        copies = len(catalog.rows) - len(kept) - len(cached.bad)
        also = f", and {copies} augmented copies of them" if copies else ""
        note = f"{len(cached.bad)} unreadable images left out{also}: {named(bad.path for bad in cached.bad)}"
        catalog = catalog.without({row.image_id for row in catalog.rows} - kept, note)
    if origin:
        _check_complete(catalog)
    else:
        catalog = divided(catalog, config)
    if out:
        _keep_catalog(catalog, out)
    # A Test folder that is kept leaves rows out, so pixels are found by image and not by place.
    place = {row.image_id: number for number, row in enumerate(cached.rows)}
    parts = {split: list(catalog.part(split)) for split in SPLITS}
    squares = {split: cached.pixels.picked([place[row.image_id] for row in rows]) for split, rows in parts.items()}
    splits = {split: split_images(rows, catalog.classes, squares[split]) for split, rows in parts.items()}
    side = size if reading_of(config).copies else 8 * round(size * _MARGIN / 8)
    source = squares["train"] if side == size else cached_pixels(parts["train"], side, progress=progress).pixels
    return Images(catalog, source, splits, tuple(f"{bad.path}: {bad.reason}" for bad in cached.bad))


def priors(images: Images, config: TrainConfig) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return class shares to learn under, ``[k, classes]``, and which of them holds for each training image, ``[n]``.

    They are those of the image's source, or of all together when sources are not to be balanced.
    """
    train = images.splits["train"]
    sources = [row.source if config.source_balance else "" for row in train.rows]
    return source_priors(train.labels, sources, len(images.catalog.classes))


def read_data(config: TrainConfig, progress: Progress = silent) -> Catalog:
    """Return the catalog of the configured data, not yet split; the synthetic set when none is named.

    Near-duplicates are found by looking at every image, once, but those of a synthetic set, which knows its lesions.
    """
    paths = [Path(path) for path in config.data]
    if not paths:
        spec = SyntheticSpec()
        paths = [cache_folder() / "synthetic" / f"{spec.lesions}-lesions-seed-{spec.seed}"]
        write_synthetic(paths[0], spec, progress)

    def alike(rows: Sequence[CatalogRow]) -> Mapping[str, str]:
        photographed = [row for row in rows if row.source != SyntheticSource.name]
        return Lookalikes(progress)(photographed) if photographed else {}

    reading = reading_of(config)
    catalog = read_catalog(paths, reading, progress, alike)
    return with_copies(catalog, reading.copies, config.seed, keep_test=reading.test_folder == "keep")


def divided(catalog: Catalog, config: TrainConfig) -> Catalog:
    """Split a catalog as configured, and say how in its policies.

    Raises:
        DataError: when there are too few groups of a class, no Test folder to keep, or a split lacks a class.
    """
    fold = fold_of(config)
    chosen = {"fold": f"{fold.number} of {fold.count}"} if fold else {}
    noted = replace(catalog, policies=catalog.policies | chosen)
    kept = config.test_folder == "keep"
    split = keep_test_folder(noted, config.seed) if kept else split_catalog(noted, config.seed, fold=fold)
    _check_complete(split)
    return split


def planned_data(config: TrainConfig, progress: Progress = silent) -> Catalog:
    """Return what ``read_data`` would, mostly without drawing the synthetic set; its rows then name no file."""
    if config.data or reading_of(config).leaky:
        return read_data(config, progress)
    views = plan(SyntheticSpec())
    rows = tuple(CatalogRow(view.image_id, "", view.label, view.lesion_id, "synthetic", "") for view in views)
    note = "the synthetic set, drawn when training starts"
    return Catalog(rows, order(row.label for row in rows), ("synthetic",), (), synthetic=True, notes=(note,))


def _check_complete(catalog: Catalog) -> None:
    """Raise ``DataError`` when a split lacks a class: what is never shown cannot be learned, chosen or measured."""
    shown = {(row.split, row.label) for row in catalog.rows}
    lacking = [f"{name} in {split}" for split in SPLITS for name in catalog.classes if (split, name) not in shown]
    if lacking:
        fix = "add images of that class, or restore those that were left out"
        raise DataError(f"no image of {named(lacking)}", where=named(catalog.sources), fix=fix)


def _keep_catalog(catalog: Catalog, out: Path) -> None:
    """Write the catalog, or check on resume that the data are still those the run began with."""
    if (out / "catalog.json").exists() and load_catalog(out).sha256 != catalog.sha256:
        raise DataError("the data changed since this run began", where=str(out), fix="restore the data or start anew")
    save_catalog(catalog, out)
