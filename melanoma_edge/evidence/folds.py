"""Out-of-fold evaluation: every lesion judged once, by the one run of a cross-validation that did not learn from it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.split import Fold
from melanoma_edge.errors import UsageError, named
from melanoma_edge.evidence.documents import OUT_OF_FOLD, Claim, Evaluation, FoldNote, LeftOut
from melanoma_edge.evidence.evaluation import (
    RESAMPLES,
    Answered,
    RunnerOf,
    answers_on,
    describe,
    mixture_of,
)
from melanoma_edge.evidence.material import Material, looked_at, material_of_run
from melanoma_edge.evidence.models import Model
from melanoma_edge.evidence.photos import joined
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.config import TrainConfig, fold_of
from melanoma_edge.training.run import Run

_ALIKE = ("classes", "target", "target_classes", "melanoma_classes", "malignant_classes", "class_prior")


def check_folds(models: Sequence[Model]) -> list[tuple[Run, Fold]]:
    """Return the runs of one whole cross-validation by number of the fold.

    Raises:
        UsageError: when they are not all folds, each once, of the same images in the same parts; all faults are named.
    """
    runs = [model.run for model in models if model.run]
    found = [(run, fold) for run in runs if (fold := fold_of(run.record.configuration))]
    whole = [str(run.path) for run in runs if not fold_of(run.record.configuration)]
    problems = [f"{named(whole)} is no fold: trained without --folds"] if whole else []
    counts = sorted({fold.count for _, fold in found})
    if len(counts) > 1:
        problems.append(f"folds of {named(counts)} parts are mixed")
    elif found:
        problems += _missing([fold.number for _, fold in found], counts[0])
    if found:
        problems += [text for run, _ in found[1:] for text in _differences(found[0][0], run)]
    if problems:
        fix = "give all runs of `train --folds K --fold 1` to `--fold K`, trained alike; or one run alone"
        raise UsageError(f"not one cross-validation: {'; '.join(problems)}", fix=fix)
    return sorted(found, key=lambda pair: pair[1].number)


def evaluate_folds(
    models: Sequence[Model],
    seed: int = 0,
    resamples: int = RESAMPLES,
    *,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> Evaluation:
    """Gather what each fold's float model says of its own test part, decided at its own threshold, into one evaluation.

    Args:
        models: the runs of one cross-validation, in any order.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        runner_of: opens a run; by default in a process of its own.
        progress: told of images done.

    Raises:
        UsageError: as ``check_folds``.
        TrustError: when a model gives no probabilities of its classes.
        DataError: when images are missing or changed since training.
    """
    pairs = check_folds(models)
    materials, answers = [], []
    for run, _ in pairs:
        part = looked_at(material_of_run(run, "test"), progress)
        answers.append(answers_on(Model(run.path, run, None, run.contract), part, runner_of, progress))
        materials.append(part)
    runs = [run for run, _ in pairs]
    contract = runs[0].contract
    found = describe(contract, _gathered(materials), _joined(answers), mixture_of(runs, contract), seed, resamples)
    return replace(found, folds=tuple(_note(run, fold) for run, fold in pairs), operating_point=_claim(runs))


def _missing(numbers: Sequence[int], count: int) -> list[str]:
    twice = sorted({number for number in numbers if numbers.count(number) > 1})
    absent = sorted(set(range(1, count + 1)) - set(numbers))
    return [
        *([f"fold {named(twice)} of {count} is given twice"] if twice else []),
        *([f"fold {named(absent)} of {count} is missing"] if absent else []),
    ]


def _differences(first: Run, other: Run) -> list[str]:
    """Say how a run is not of the same cross-validation as the first."""
    texts = [name for name in _ALIKE if getattr(first.contract, name) != getattr(other.contract, name)]
    ours, theirs = (_settings(run.record.configuration) for run in (first, other))
    texts += [name for name in ours if ours[name] != theirs[name]]
    if first.record.method != other.record.method:
        texts.append("method")
    if _images(first) != _images(other):
        texts.append("images, labels or groups")
    return [f"{other.path} differs from {first.path} in {named(texts)}"] if texts else []


def _settings(config: TrainConfig) -> Mapping[str, object]:
    """Return what decides a training, but not where it ran, where the data lay, and which fold it was."""
    left = {"fold", "data", "device"}
    plain: dict[str, object] = to_plain(config)
    return {name: value for name, value in plain.items() if name not in left}


def _images(run: Run) -> list[tuple[str, str, str, str]]:
    def key(row: CatalogRow) -> tuple[str, str, str, str]:
        return row.image_id, row.label, row.group, row.sha256

    return sorted(key(row) for row in run.catalog.rows)


def _gathered(materials: Sequence[Material]) -> Material:
    first = materials[0]
    left: dict[str, int] = {}
    for one in materials:  # every fold left out the same images
        left |= {item.why: item.images for item in one.left_out}
    rows = tuple(row for one in materials for row in one.rows)
    looks = [one.photos for one in materials if one.photos]
    return replace(
        first,
        rows=rows,
        labels=np.concatenate([one.labels for one in materials]),
        split=OUT_OF_FOLD,
        photos=joined(looks),
        received=len(rows) + sum(left.values()),
        left_out=tuple(LeftOut(why, count) for why, count in left.items()),
        notes=(
            "Each lesion is judged by the run that did not learn from it, at that run's own threshold; scores of "
            "several models stand side by side, which blurs AUC and calibration a little.",
        ),
    )


def _joined(answers: Sequence[Answered]) -> Answered:
    return Answered(
        np.concatenate([one.probabilities for one in answers]),
        np.concatenate([one.thresholds for one in answers]),
        answers[0].runtime,
    )


def _note(run: Run, fold: Fold) -> FoldNote:
    proof = run.contract.provenance
    return FoldNote(
        str(run.path), fold.number, fold.count, run.contract.threshold, proof.weights_sha256, proof.catalog_sha256
    )


def _claim(runs: Sequence[Run]) -> Claim:
    points = [run.contract.operating_point for run in runs]
    certified = [point.certified for point in points]
    wanted = f"{points[0].target_sensitivity:.0%} {runs[0].contract.target} sensitivity"
    return Claim(
        target_sensitivity=points[0].target_sensitivity,
        positives=sum(point.positives for point in points),
        misses=sum(point.misses for point in points),
        certified=all(certified),
        sentence=f"Each fold decides at its own threshold; {sum(certified)} of {len(points)} are certified for "
        f"{wanted} by their validation lesions, which overlap between folds.",
    )
