"""One run's float model and exported files of it, asked about the same pictures."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evidence.models import Model
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.base import EMBEDDING, OUTPUT, Answers, Runner
from melanoma_edge.training.run import Run, SplitImages

RunnerOf = Callable[[Path], Runner]
_BATCH = 32


@dataclass(frozen=True)
class FileNote:
    """Name an exported file."""

    path: str
    sha256: str
    bytes: int
    format: str
    precision: str


@dataclass(frozen=True)
class Header:
    """Begin a document about models of one run: of which images it tells, and where decisions were made."""

    schema: str
    run: str
    split: str
    images: int
    lesions: int
    targets: int
    target: str
    synthetic: bool
    leaky: bool
    weights_sha256: str
    catalog_sha256: str
    threshold: float
    seed: int


@dataclass(frozen=True, eq=False)
class SideBySide:
    """Hold a run and the models to ask: first the float model that its exported files are judged against."""

    run: Run
    models: tuple[Model, ...]


def side_by_side(models: Sequence[Model]) -> SideBySide:
    """Put the float model of the run first, also where only exported files of it are given.

    Raises:
        UsageError: for models of several runs, or files whose run is not at hand.
        TrustError: when the run that a quantized one was made from is gone.
    """
    runs = {model.run.record.weights_sha256: model.run for model in models if model.run}
    if len(runs) != 1 or any(model.run is None for model in models):
        what = "models of several runs, or a file without its run"
        where = ", ".join(str(model.path) for model in models)
        raise UsageError(what, where=where, fix="give one run, and files from its folder artifacts/")
    (run,) = runs.values()
    files, reference = tuple(model for model in models if model.record), run.reference()
    return SideBySide(run, (Model(reference.path, reference, None, reference.contract), *files))


def header(subject: SideBySide, schema: str, test: SplitImages, targets: int, seed: int) -> Header:
    """Return how a document begins.

    Args:
        subject: the models.
        schema: of the document.
        test: the images of the test split that were asked about.
        targets: how many of them, or of their lesions, are of the contract's target.
        seed: of chance.
    """
    contract = subject.run.contract
    told = contract.provenance
    return Header(
        schema=schema,
        run=str(subject.run.path),
        split="test",
        images=len(test.ids),
        lesions=len(lesions(test.groups, test.labels)),
        targets=targets,
        target=contract.target,
        synthetic=told.synthetic,
        leaky=told.leaky,
        weights_sha256=told.weights_sha256,
        catalog_sha256=told.catalog_sha256,
        threshold=contract.threshold,
        seed=seed,
    )


def note_of(model: Model) -> FileNote | None:
    """Return what a document says of an exported file; None of a float model."""
    one = model.record
    return FileNote(str(one.path), one.sha256, one.bytes, one.format, one.precision) if one else None


def embeds(model: Model) -> bool:
    """Tell whether a model answers the embedding."""
    return model.record is None or EMBEDDING in model.record.extras


def asked(
    runner: Runner, pixels: Any, outputs: Sequence[str] = (OUTPUT,), what: str = "", progress: Progress = silent
) -> Answers:
    """Return some outputs of a model for pictures, a few at a time.

    Args:
        runner: entered.
        pixels: uint8 ``[n, N, N, 3]``, n at least 1, given by slices.
        outputs: their names; those that the model lacks are left out.
        what: names the pictures to ``progress``.
        progress: told of pictures done.
    """
    parts: dict[str, list[Any]] = {name: [] for name in outputs}
    for start in range(0, len(pixels), _BATCH):
        batch = np.ascontiguousarray(pixels[start : start + _BATCH])
        answers = {OUTPUT: runner.infer(batch)} if tuple(outputs) == (OUTPUT,) else runner.infer_all(batch)
        for name in parts.keys() & answers.keys():
            parts[name].append(answers[name])
        progress(f"{runner.name} on {what}", min(start + _BATCH, len(pixels)), len(pixels))
    return {name: np.concatenate(found) for name, found in parts.items() if found}


def sample_of(images: SplitImages, limit: int | None, seed: int, targets: Sequence[int] = ()) -> SplitImages:
    """Return at most so many images of a split, in their order.

    Args:
        images: of the split.
        limit: how many; all when None.
        seed: of the draw.
        targets: class indices that up to half of the images are drawn from: of few targets much would stay unknown.
    """
    if limit is None or limit >= len(images.ids):
        return images
    order = np.random.default_rng(seed).permutation(len(images.ids))
    first = order[np.isin(images.labels[order], targets)][: limit // 2]
    rest = order[~np.isin(images.labels[order], targets)][: limit - len(first)]
    chosen = [*first.tolist(), *rest.tolist()]
    places = sorted(chosen)
    rows = [images.rows[place] for place in places]
    return SplitImages(
        tuple(row.image_id for row in rows),
        tuple(row.group for row in rows),
        images.labels[places],
        images.pixels[places],
        tuple(rows),
    )
