"""A run: the directory that training leaves, frozen when training ends."""

from __future__ import annotations

import hashlib
import json
import os
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract, check_schema, read_contract
from melanoma_edge.data.cache import cache_folder, cached_pixels
from melanoma_edge.data.catalog import SPLITS, Catalog, CatalogRow, load_catalog
from melanoma_edge.errors import DataError, TrustError, UsageError
from melanoma_edge.evaluation.lowest import LowTarget
from melanoma_edge.evaluation.metrics import Metrics
from melanoma_edge.files import sha256_of
from melanoma_edge.model.spec import NetworkSpec
from melanoma_edge.model.weights import Weights, load_weights, weights_sha256
from melanoma_edge.progress import Progress, silent
from melanoma_edge.squares import Squares
from melanoma_edge.strictjson import OPTIONAL, from_plain
from melanoma_edge.training.config import TrainConfig

SCHEMA = "melanoma-edge/run/1"
RECORD, CONTRACT, WEIGHTS = "run.json", "contract.json", "weights/model.npz"
STARTED = "config.json"
"""Written when training starts; a directory with it and without ``run.json`` is an unfinished run."""


@dataclass(frozen=True)
class Parent:
    """Name the run that a run was made from. ``path`` is relative to the child."""

    path: str
    weights_sha256: str


@dataclass(frozen=True)
class RunRecord:
    """Hold ``run.json``: how the run was made and what it reached.

    ``files`` are sha256 by relative path, checked whenever the run is opened; ``plots`` those of the pictures.
    ``pixels`` are sha256 of the decoded squares by split, checked whenever a split is used.
    ``metrics`` are by split; ``compression`` says what pruning or another compression did, layer by layer.
    ``lowest_targets`` are those of validation, where a run chose its own threshold.
    """

    schema: str
    name: str
    method: str
    parent: Parent | None
    configuration: TrainConfig
    network: NetworkSpec
    environment: dict[str, Any]
    training: dict[str, Any]
    calibration: dict[str, float]
    compression: dict[str, Any] | None
    images_left_out: tuple[str, ...]
    files: dict[str, str]
    plots: dict[str, str]
    pixels: dict[str, str]
    weights_sha256: str
    metrics: dict[str, Any]
    lowest_targets: tuple[LowTarget, ...] = field(default=(), metadata=OPTIONAL)


@dataclass(frozen=True, eq=False)
class SplitImages:
    """Hold one split: ``pixels`` stand for uint8 ``[n, N, N, 3]``, ``labels`` are the class index of each image."""

    ids: tuple[str, ...]
    groups: tuple[str, ...]
    labels: NDArray[np.int64]
    pixels: Squares
    rows: tuple[CatalogRow, ...] = field(repr=False)


@dataclass(frozen=True, eq=False)
class Run:
    """Open a finished run; every file read is checked against ``run.json``."""

    path: Path
    record: RunRecord
    contract: ModelContract

    @classmethod
    def open(cls, path: Path) -> Run:
        """Open a run directory.

        Raises:
            TrustError: when it is missing, unfinished, or one of its files was changed.
        """
        record = _read_record(path)
        for name, digest in record.files.items():
            if not (path / name).is_file() or sha256_of(path / name) != digest:
                raise TrustError("a file of the run is missing or was changed", where=str(path / name), fix=_RESTORE)
        contract = read_contract(path / CONTRACT)
        if contract.provenance.weights_sha256 != record.weights_sha256:
            raise TrustError("run.json is not of the contract's weights", where=str(path / RECORD), fix=_RESTORE)
        return cls(path, record, contract)

    @property
    def network(self) -> NetworkSpec:
        """The layout of the network."""
        return self.record.network

    @property
    def artifacts(self) -> Path:
        """The folder of exported files."""
        return self.path / "artifacts"

    @cached_property
    def catalog(self) -> Catalog:
        """The images it was trained, validated and tested on.

        Raises:
            TrustError: when they are not those of the contract.
        """
        catalog = load_catalog(self.path)
        if catalog.sha256 != self.contract.provenance.catalog_sha256:
            raise TrustError("catalog is not the contract's", where=str(self.path / "catalog.csv"), fix=_RESTORE)
        return catalog

    def weights(self) -> Weights:
        """Return the float weights.

        Raises:
            TrustError: when they are damaged or not those of ``run.json``.
        """
        weights = load_weights(self.path / WEIGHTS)
        if weights_sha256(weights) != self.record.weights_sha256:
            raise TrustError("weights are not those of run.json", where=str(self.path / WEIGHTS), fix=_RESTORE)
        return weights

    def reference(self) -> Run:
        """Return the float model that artifacts are judged against: the nearest ancestor not made by quantizing."""
        run = self
        while run.record.method == "quantize":
            parent = run.record.parent
            if parent is None:
                raise TrustError("a quantized run without a parent", where=str(run.path), fix=_RESTORE)
            run = Run.open((run.path / parent.path).resolve())
            if run.record.weights_sha256 != parent.weights_sha256:
                raise TrustError("the parent run is not the one named", where=str(run.path), fix=_RESTORE)
        return run

    def images(self, split: str, progress: Progress = silent) -> SplitImages:
        """Return one split through the exact pixel recipe; its pixels are read from disk as they are asked for.

        Raises:
            UsageError: for an unknown split.
            DataError: when images are missing or changed since training.
            TrustError: when they are decoded to other pixels than in training.
        """
        if split not in SPLITS:
            raise UsageError(f"unknown split {split!r}", fix=f"use one of {', '.join(SPLITS)}")
        rows = self.catalog.rows
        places = [place for place, row in enumerate(rows) if row.split == split]
        if not places:
            raise DataError(f"the run has no images in split {split}", where=str(self.path), fix="choose another split")
        cached = cached_pixels(rows, self.contract.input_size, progress=progress)
        pixels = cached.pixels.picked(places)
        if pixels_sha256(pixels) != self.record.pixels.get(split):
            fix = f"delete {cache_folder()}; if that does not help, use the versions of run.json"
            raise TrustError(f"decoded pixels of {split} are not those of training", where=str(self.path), fix=fix)
        return split_images([rows[place] for place in places], self.catalog.classes, pixels)


def split_images(rows: list[CatalogRow], classes: tuple[str, ...], pixels: Squares) -> SplitImages:
    """Put rows and their pixels together."""
    labels = np.array([classes.index(row.label) for row in rows], np.int64)
    return SplitImages(
        tuple(row.image_id for row in rows), tuple(row.group for row in rows), labels, pixels, tuple(rows)
    )


def pixels_sha256(pixels: Squares) -> str:
    """Return the sha256 of images uint8 ``[n, N, N, 3]``, row by row."""
    digest = hashlib.sha256()
    for image in pixels:
        digest.update(np.ascontiguousarray(image).data)
    return digest.hexdigest()


def relative(path: Path, folder: Path) -> str:
    """Return ``path`` as seen from ``folder``, so that runs can be moved together."""
    return os.path.relpath(path.resolve(), folder.resolve())


_RESTORE = "restore the run from a backup or train it again; a changed run proves nothing"


def _read_record(path: Path) -> RunRecord:
    file = path / RECORD
    if not file.is_file():
        if (path / STARTED).is_file():
            raise TrustError("training of this run has not finished", where=str(path), fix="run `train --resume` first")
        raise TrustError("not a run: run.json is missing", where=str(path), fix="give a folder made by `train`")
    try:
        document = json.loads(file.read_text("utf-8"))
        check_schema(document, SCHEMA, str(file))
        record = from_plain(RunRecord, document, "run")
        from_plain(dict[str, Metrics], record.metrics, "run.metrics")
        return record
    except (UsageError, ValueError, RecursionError) as error:
        raise TrustError(f"run.json is damaged: {error}", where=str(file), fix=_RESTORE) from error
