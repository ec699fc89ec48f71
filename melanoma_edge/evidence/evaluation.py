"""From a model and labelled images to the evaluation document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.metadata import FITZPATRICK
from melanoma_edge.errors import TrustError
from melanoma_edge.evaluation.binary import Binary, binary
from melanoma_edge.evaluation.calibration import class_weights, fit_temperature, shift_prior
from melanoma_edge.evaluation.lesions import Lesions, lesions
from melanoma_edge.evaluation.metrics import Cases, cases_of, measured, proportion
from melanoma_edge.evaluation.multiclass import Versus, over_classes, versus
from melanoma_edge.evaluation.operating_point import choose_threshold, claim
from melanoma_edge.evaluation.reliability import LEAST
from melanoma_edge.evaluation.subgroups import UNKNOWN, subgroups
from melanoma_edge.evidence.attributes import ESTIMATED, attributes_of
from melanoma_edge.evidence.documents import SCHEMA, Claim, EvaluatedFile, Evaluation, Flow, Refitted, SubgroupNote
from melanoma_edge.evidence.material import Material, material_of_run
from melanoma_edge.evidence.models import Model
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.training.run import Run

RESAMPLES = 1000
RunnerOf = Callable[[Path], Runner]
_BATCH = 32


@dataclass(frozen=True, eq=False)
class Answered:
    """Hold what models said of images.

    Attributes:
        probabilities: float64 ``[n, classes]``.
        thresholds: of the model that answered, for each image, ``[n]``.
        runtime: what ran the model.
    """

    probabilities: NDArray[np.float64]
    thresholds: NDArray[np.float64]
    runtime: str


def evaluate_model(
    model: Model,
    material: Material,
    seed: int = 0,
    resamples: int = RESAMPLES,
    *,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> Evaluation:
    """Measure one model on labelled images.

    Args:
        model: a run's float model or an exported file.
        material: the images.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        runner_of: opens a model; by default in a process of its own.
        progress: told of images done.

    Raises:
        TrustError: when the model gives no probabilities of its classes.
        DataError: when images of the validation split are gone, which the re-fitted values need.
    """
    contract, run, record = model.contract, model.run, model.record
    answers = answers_on(model, material, runner_of, progress)
    own = run if run and not material.data else None
    found = describe(contract, material, answers, mixture_of([own], contract) if own else None, seed, resamples)
    return replace(
        found,
        run=str(run.path) if run else None,
        artifact=EvaluatedFile(
            str(model.path), record.sha256, record.bytes, record.format, record.precision, answers.runtime
        )
        if record
        else None,
        weights_sha256=contract.provenance.weights_sha256,
        catalog_sha256=contract.provenance.catalog_sha256,
        threshold=contract.threshold,
        refitted=_refitted(model, own, material, answers, runner_of, progress) if own else None,
    )


def answers_on(model: Model, material: Material, runner_of: RunnerOf, progress: Progress) -> Answered:
    """Run a model over images, some at a time, so that memory does not grow with their number.

    Raises:
        TrustError: when what it gives are no probabilities of its classes.
    """
    parts, total, runner = [], len(material.rows), runner_of(model.path)
    with runner:
        for start in range(0, total, _BATCH):
            batch = np.ascontiguousarray(material.pixels[start : start + _BATCH])
            parts.append(np.asarray(runner.infer(batch), np.float64))
            progress(f"{model.name} on {material.split}", min(start + _BATCH, total), total)
    found = np.concatenate(parts)
    if found.shape != (total, len(model.contract.classes)) or not np.isfinite(found).all():
        what = "the model gives no probabilities of its classes"
        raise TrustError(what, where=str(model.path), fix="export the run again, or train it again")
    return Answered(found, np.full(total, model.contract.threshold), runner.name)


def describe(
    contract: ModelContract,
    material: Material,
    answers: Answered,
    mixture: dict[str, float] | None,
    seed: int,
    resamples: int,
) -> Evaluation:
    """Return the evaluation of answers, with nothing yet said of which model gave them.

    Args:
        contract: classes, target and operating point.
        material: the images; of their pixels only the measures are used, where it has them.
        answers: to those images.
        mixture: shares of the classes to which scores are shifted for calibration and net benefit.
        seed: of the bootstrap.
        resamples: of the bootstrap.
    """
    unit = lesions(material.groups, material.labels)
    cases = _cases(contract, unit, answers.probabilities, answers.thresholds)
    metrics = measured(cases, len(material.rows), contract.classes, seed, resamples)
    attributes = attributes_of(material.rows, unit, material.photos)
    provenance, point, names = contract.provenance, contract.operating_point, contract.classes
    return Evaluation(
        schema=SCHEMA,
        run=None,
        artifact=None,
        folds=None,
        data=material.data,
        split=material.split,
        images=metrics.images,
        groups=metrics.groups,
        targets=metrics.targets,
        target=contract.target,
        classes=names,
        synthetic=provenance.synthetic or material.synthetic,
        leaky=provenance.leaky,
        weights_sha256=None,
        catalog_sha256=None,
        threshold=None,
        operating_point=Claim(
            target_sensitivity=point.target_sensitivity,
            positives=point.positives,
            misses=point.misses,
            certified=point.certified,
            sentence=claim(point, contract.target, leaky=provenance.leaky),
        ),
        flow=_flow(material, cases),
        notes=_notes(contract, material, attributes),
        metrics={**metrics.headline(), **over_classes(cases, resamples, seed)},
        binary=_questions(contract, cases, mixture, seed, resamples),
        melanoma_vs_nevus=_versus(contract, cases),
        per_class=metrics.per_class,
        confusion={
            name: dict(zip(names, row, strict=True)) for name, row in zip(names, metrics.confusion, strict=True)
        },
        mixture=mixture,
        subgroups=tuple(
            SubgroupNote(**vars(one), estimated=one.attribute in ESTIMATED) for one in subgroups(cases, attributes)
        ),
        refitted=None,
        seed=seed,
        resamples=resamples,
    )


def mixture_of(runs: Sequence[Run], contract: ModelContract) -> dict[str, float]:
    """Return the shares of the classes among validation lesions; those of test must not tell what a score means."""
    rows = {(row.group, row.label) for run in runs for row in run.catalog.part("validation")}
    counts = Counter(label for _, label in rows)
    return {name: counts[name] / len(rows) for name in contract.classes}


def _cases(
    contract: ModelContract, unit: Lesions, probabilities: NDArray[np.float64], thresholds: NDArray[np.float64]
) -> Cases:
    return cases_of(probabilities, unit, contract.target_columns, unit.mean(thresholds))


def _questions(
    contract: ModelContract, cases: Cases, mixture: dict[str, float] | None, seed: int, resamples: int
) -> dict[str, Binary | None]:
    """Answer melanoma or not, and malignant or not; the decision is the same, its truth is another."""
    known = {"melanoma": contract.melanoma_classes, "malignant": contract.malignant_classes}
    wanted = [max(mixture[name], LEAST) for name in contract.classes] if mixture else None
    shifted = shift_prior(cases.probabilities, contract.class_prior, wanted) if wanted else None

    def answer(names: tuple[str, ...]) -> Binary | None:
        if not names or len(names) == len(contract.classes):
            return None
        columns = [contract.classes.index(name) for name in names]
        return binary(
            cases.probabilities[:, columns].sum(axis=1).clip(0, 1),
            np.isin(cases.labels, columns),
            cases.referred,
            cases.labels,
            None if shifted is None else shifted[:, columns].sum(axis=1).clip(0, 1),
            resamples,
            seed,
        )

    return {question: answer(names) for question, names in known.items()}


def _versus(contract: ModelContract, cases: Cases) -> Versus | None:
    names = contract.classes
    return versus(cases, names.index("MEL"), names.index("NV")) if {"MEL", "NV"} <= set(names) else None


def _flow(material: Material, cases: Cases) -> Flow:
    referred = int(cases.referred.sum())
    images, count = len(material.rows), len(cases.labels)
    return Flow(material.received, material.left_out, images, count, referred, count - referred)


def _notes(contract: ModelContract, material: Material, attributes: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """Say what these images cannot tell."""
    notes = [*material.notes]
    if set(attributes[FITZPATRICK]) == {UNKNOWN}:
        notes.append("No skin type is given for these images, so nothing is known of how it does on dark skin.")
    if not contract.melanoma_classes:
        notes.append("The classes know no melanoma: all numbers are of malignancy.")
    if contract.provenance.synthetic or material.synthetic:
        notes.append("Synthetic images: these numbers say nothing about people.")
    if contract.provenance.leaky:
        notes.append("LEAKY split: lesions stood in training, too; these numbers mean nothing.")
    return tuple(notes)


def _refitted(
    model: Model, run: Run, material: Material, answers: Answered, runner_of: RunnerOf, progress: Progress
) -> Refitted:
    """Choose temperature and threshold as training does, but of what this very model answers on validation."""
    contract, same = model.contract, material.split == "validation"
    validation = material if same else material_of_run(run, "validation")
    seen = answers if same else answers_on(model, validation, runner_of, progress)
    alike = [1 / len(contract.classes)] * len(contract.classes)
    levelled = shift_prior(seen.probabilities, contract.class_prior, alike)
    chosen = lesions(validation.groups, validation.labels)
    cases = _cases(contract, chosen, seen.probabilities, seen.thresholds)
    point = choose_threshold(cases.scores, cases.is_target, contract.operating_point.target_sensitivity)
    unit = lesions(material.groups, material.labels)
    judged = _cases(contract, unit, answers.probabilities, np.full(len(material.rows), point.threshold))
    right, targets = judged.referred == judged.is_target, judged.is_target
    return Refitted(
        temperature=fit_temperature(
            np.log(np.clip(levelled, LEAST, 1.0)), validation.labels, class_weights(validation.labels)
        ),
        threshold=point.threshold,
        sensitivity=proportion(int(right[targets].sum()), int(targets.sum())),
        specificity=proportion(int(right[~targets].sum()), int((~targets).sum())),
    )
