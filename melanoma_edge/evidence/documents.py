"""The evaluation document: everything measured of one model on one set of labelled images."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.contract import check_schema
from melanoma_edge.errors import TrustError
from melanoma_edge.evaluation.binary import Binary
from melanoma_edge.evaluation.intervals import Estimate
from melanoma_edge.evaluation.metrics import ClassMetrics
from melanoma_edge.evaluation.multiclass import Versus
from melanoma_edge.evaluation.subgroups import Subgroup
from melanoma_edge.strictjson import Mismatch, from_plain, to_plain

SCHEMA = "melanoma-edge/evaluation/1"
OUT_OF_FOLD, OTHER = "out-of-fold", "data"
"""What ``split`` says where the images are no split of one run."""


@dataclass(frozen=True)
class EvaluatedFile:
    """Name an exported file and what ran it; ``path`` is as given."""

    path: str
    sha256: str
    bytes: int
    format: str
    precision: str
    runtime: str


@dataclass(frozen=True)
class FoldNote:
    """Name one run of a cross-validation; ``fold`` counts from 1 to ``count``."""

    run: str
    fold: int
    count: int
    threshold: float
    weights_sha256: str
    catalog_sha256: str


@dataclass(frozen=True)
class DataNote:
    """Name labelled images that are no split of a run; ``sha256`` is of their catalog."""

    paths: tuple[str, ...]
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    sha256: str


@dataclass(frozen=True)
class Claim:
    """Hold what the operating point was chosen for, on how many lesions, and what that proves in a sentence."""

    target_sensitivity: float
    positives: int
    misses: int
    certified: bool
    sentence: str


@dataclass(frozen=True)
class LeftOut:
    """Count images left out for one reason."""

    why: str
    images: int


@dataclass(frozen=True)
class Flow:
    """Follow the images from what was there to what was decided, as STARD asks; the last three count lesions."""

    received: int
    left_out: tuple[LeftOut, ...]
    images: int
    lesions: int
    referred: int
    not_referred: int


@dataclass(frozen=True)
class SubgroupNote(Subgroup):
    """Hold one subgroup; ``estimated`` marks values measured on the pixels, which nobody validated."""

    estimated: bool


@dataclass(frozen=True)
class Refitted:
    """Hold what this very model would get if calibrated anew on validation: information, in force nowhere.

    ``temperature`` is what its outputs would have to be divided by once more; ``sensitivity`` and ``specificity`` are
    of the evaluated lesions at the new ``threshold``.
    """

    temperature: float
    threshold: float
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True)
class Evaluation:
    """Hold what was measured of one model, counted in lesions of ``groups`` unless it says images.

    Attributes:
        run: folder of the run; None for several folds, and for a file without one.
        artifact: the exported file; None for a float model.
        folds: the runs of a cross-validation, each of which answers for its own test part; else None.
        data: images that are no split of the run; else None.
        split: name of the split, ``out-of-fold`` or ``data``.
        targets: lesions of ``target``.
        weights_sha256, catalog_sha256, threshold: of the contract; None where each fold has its own.
        notes: sentences on what could not be measured.
        metrics: headline numbers by name; the decision's sensitivity and specificity are of ``target``.
        binary: answers to the questions melanoma and malignant; None where the classes do not know it.
        confusion: counts by true class, then by predicted class.
        mixture: shares of the classes in validation, to which ``calibration_shifted`` is shifted; else None.
    """

    schema: str
    run: str | None
    artifact: EvaluatedFile | None
    folds: tuple[FoldNote, ...] | None
    data: DataNote | None
    split: str
    images: int
    groups: int
    targets: int
    target: str
    classes: tuple[str, ...]
    synthetic: bool
    leaky: bool
    weights_sha256: str | None
    catalog_sha256: str | None
    threshold: float | None
    operating_point: Claim
    flow: Flow
    notes: tuple[str, ...]
    metrics: dict[str, Estimate | None]
    binary: dict[str, Binary | None]
    melanoma_vs_nevus: Versus | None
    per_class: dict[str, ClassMetrics]
    confusion: dict[str, dict[str, int]]
    mixture: dict[str, float] | None
    subgroups: tuple[SubgroupNote, ...]
    refitted: Refitted | None
    seed: int
    resamples: int

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document."""
        document: dict[str, Any] = to_plain(self)
        return document


def read_evaluation(path: Path) -> Evaluation:
    """Read an evaluation that was written to a file.

    Raises:
        TrustError: when it is missing, damaged or of another schema.
    """
    fix = "run `melanoma-edge evaluate` again"
    try:
        document = json.loads(path.read_text("utf-8"))
        check_schema(document, SCHEMA, str(path))
        return from_plain(Evaluation, document, "evaluation")
    except FileNotFoundError as error:
        raise TrustError("evaluation missing", where=str(path), fix=fix) from error
    except (Mismatch, ValueError, RecursionError) as error:
        raise TrustError(f"evaluation is damaged: {error}", where=str(path), fix=fix) from error


def split_path(run: Path, split: str) -> Path:
    """Return where the evaluation of a run's float model on a split stands."""
    return run / "report" / f"evaluation-{split}.json"


def artifact_path(artifact: Path) -> Path:
    """Return where the evaluation of an exported file on the test split stands."""
    return artifact.with_name(f"{artifact.name}.evaluation.json")
