"""What is asked of ``evaluate``: checked as a whole before anything runs, then carried out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.errors import UsageError, named
from melanoma_edge.evidence.documents import OUT_OF_FOLD, Evaluation, artifact_path, split_path
from melanoma_edge.evidence.evaluation import RESAMPLES, RunnerOf, evaluate_model
from melanoma_edge.evidence.folds import check_folds, evaluate_folds
from melanoma_edge.evidence.material import Material, looked_at, material_of_data, material_of_run
from melanoma_edge.evidence.models import Model, open_models
from melanoma_edge.files import refuse_overwrite, to_json, write_text
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.worker import IsolatedRunner

TEST = "test"


@dataclass(frozen=True, eq=False)
class Job:
    """Hold a checked request.

    Attributes:
        models: what is evaluated, each for itself; all folds together where ``folds``.
        folds: whether the models are the folds of one cross-validation.
        split: of the run, where ``data`` is empty.
        data: folders of other images.
        layout: how they are read.
        skip_bad: whether those that cannot be decoded are left out.
        out: where the document goes; None for the usual places.
    """

    models: tuple[Model, ...]
    folds: bool
    split: str
    data: tuple[Path, ...]
    layout: Mapping[str, Any]
    skip_bad: bool
    out: Path | None

    @property
    def names(self) -> list[str]:
        """What people call each evaluation."""
        return [OUT_OF_FOLD] if self.folds else [model.name for model in self.models]

    @property
    def places(self) -> list[Path | None]:
        """Where each document goes; None where it is only shown."""
        if self.folds or self.out:
            return [self.out]
        return [None if self.data else self._place(model) for model in self.models]

    def _place(self, model: Model) -> Path | None:
        if model.record:
            return artifact_path(model.path) if self.split == TEST else None
        return split_path(model.path, self.split)

    def plan(self) -> dict[str, Any]:
        """Return what would be done."""
        return {
            "models": [str(model.path) for model in self.models],
            "images": [str(path) for path in self.data] or (OUT_OF_FOLD if self.folds else f"split {self.split}"),
            "one cross-validation": self.folds,
            "documents": [str(place) for place in self.places if place],
        }


def checked_job(
    models: Sequence[Path],
    *,
    split: str | None = None,
    data: Sequence[Path] = (),
    layout: Mapping[str, Any] | None = None,
    skip_bad: bool = False,
    out: Path | None = None,
    force: bool = False,
) -> Job:
    """Open the models and check that what is asked can be meant.

    Args:
        models: runs and exported files.
        split: of the run; test when not given.
        data: folders of other labelled images.
        layout: options on how those are read, by their names on the command line.
        skip_bad: whether to leave out those that cannot be decoded.
        out: where the document goes.
        force: whether what is there is replaced.

    Raises:
        UsageError: for options that contradict each other, runs that are not one cross-validation, an exported file
            that lies beside no run when no images are given, and a document that exists.
        TrustError: for what is missing or was changed.
    """
    opened, layout = tuple(open_models(models)), layout or {}
    runs = [model for model in opened if not model.record]
    problem = _problem(opened, runs, split, data, layout, skip_bad, out)
    if problem:
        raise UsageError(problem[0], fix=problem[1])
    if len(runs) > 1:
        check_folds(opened)
    refuse_overwrite([out] if out else [], force)
    return Job(opened, len(runs) > 1, split or TEST, tuple(data), layout, skip_bad, out)


def carry_out(
    job: Job,
    seed: int = 0,
    resamples: int = RESAMPLES,
    *,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> list[Evaluation]:
    """Evaluate, and write the documents; an older one in its usual place is replaced.

    Raises:
        DataError, TrustError: as ``evaluate_model`` and ``material_of_data``.
        MachineError: for a runtime that dies, or a disk that is full.
    """
    options: dict[str, Any] = {"runner_of": runner_of, "progress": progress}
    if job.folds:
        found = [evaluate_folds(job.models, seed, resamples, **options)]
    else:
        known: dict[tuple[str, ...], Material] = {}
        found = []
        for model in job.models:
            key = (str(model.run.path.resolve()) if model.run else "", model.contract.sha256)
            if key not in known:
                known[key] = looked_at(_material(job, model, progress), progress)
            found.append(evaluate_model(model, known[key], seed, resamples, **options))
    for place, evaluation in zip(job.places, found, strict=True):
        if place:
            write_text(place, to_json(evaluation.to_document()))
    return found


def asks_of_layout(layout: Mapping[str, Any]) -> bool:
    """Tell whether options on how images are read say anything but their defaults."""
    return any(value not in (None, False, "auto") for value in layout.values())


def _material(job: Job, model: Model, progress: Progress) -> Material:
    if not job.data:
        assert model.run, "a file without a run needs images, which was checked"
        return material_of_run(model.run, job.split)
    return material_of_data(job.data, model.contract, model.run, job.layout, skip_bad=job.skip_bad, progress=progress)


def _problem(
    models: Sequence[Model],
    runs: Sequence[Model],
    split: str | None,
    data: Sequence[Path],
    layout: Mapping[str, Any],
    skip_bad: bool,
    out: Path | None,
) -> tuple[str, str] | None:
    """Return what is wrong with a request and how to mend it."""
    several, alone = len(runs) > 1, [str(model.path) for model in models if not model.run]
    about_data = skip_bad or asks_of_layout(layout)
    if several and len(models) > len(runs):
        return "several runs are folds of one cross-validation, and exported files are none", "evaluate them apart"
    if several and (data or split):
        return "folds are judged on their own test parts", "leave out --data and --split"
    if data and split:
        return "--split is of a run's own images", "give either --data or --split"
    if about_data and not data:
        return "options on how images are read are for --data", "give --data, or leave them out"
    if alone and not data:
        return f"the run of {named(alone)} is not at hand", "give labelled images with --data"
    if out and len(models) > 1 and not several:
        return "one document for several models", "leave out --out, or evaluate one model at a time"
    return None
