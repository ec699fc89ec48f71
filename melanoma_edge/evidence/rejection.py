"""What is not answered: the gate on photo quality, strange pictures, doubt; and where the melanomas go meanwhile."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.decision import State, decide
from melanoma_edge.evaluation.conformal import ConformalSets, conformal_sets
from melanoma_edge.evaluation.intervals import wilson
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.separation import RiskCoverage, risk_coverage, separation
from melanoma_edge.evidence.models import Model
from melanoma_edge.evidence.photo_quality import faults, refused
from melanoma_edge.evidence.rejection_document import (
    SCHEMA,
    Accepted,
    Count,
    LimitsNote,
    ModelRejection,
    OtherPhotos,
    OutlierFound,
    OutlierNote,
    QualityFound,
    Rejection,
    Strange,
    Told,
)
from melanoma_edge.evidence.side_by_side import RunnerOf, SideBySide, asked, embeds, header, note_of, sample_of
from melanoma_edge.evidence.strange import Pictures, folder_pictures, junk
from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.pixels import quietly, square
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quality import Finding, QualityMeasures, findings, measure
from melanoma_edge.runtime.base import EMBEDDING, OUTPUT, Answers
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.safeguards import OutlierLimits, QualityLimits, Safeguards
from melanoma_edge.training.limits import (
    EMBEDDED_IMAGES,
    QUALITY_IMAGES,
    distances,
    measured,
    outlier_limits,
    sample,
)
from melanoma_edge.training.run import Run, SplitImages

CONTRACT, DERIVED = "contract", "derived now"
ALPHA = 0.1
SPOILED_IMAGES = 400
"""Photos of test that faults are added to, at most."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True, eq=False)
class _Seen:
    """Hold decoded pictures: name, how many could not be read, measures, and squares ``[n, N, N, 3]``."""

    name: str
    unreadable: int
    measures: list[QualityMeasures]
    pixels: Any


@dataclass(frozen=True, eq=False)
class _Material:
    """Hold what all models are asked about, and the limits that they keep."""

    run: Run
    validation: SplitImages
    test: SplitImages
    test_measures: list[QualityMeasures]
    others: list[_Seen]
    safeguards: Safeguards

    @property
    def is_target(self) -> Bools:
        return np.isin(self.test.labels, self.run.contract.target_columns)


def reject(
    subject: SideBySide,
    others: Sequence[Path] = (),
    *,
    alpha: float = ALPHA,
    seed: int = 0,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> Rejection:
    """Measure what a run's model and its exported files leave unanswered.

    Where the contract has no limits of strangeness, those that training would derive today are measured.

    Args:
        subject: the models.
        others: folders of pictures that are no lesions, or not of the kind the model is for.
        alpha: share of each class that conformal sets may leave out.
        seed: of the choice of training images and of drawn junk.
        runner_of: opens a model; by default in a process of its own.
        progress: told of images done.

    Raises:
        DataError: for a folder without pictures, or images of the run that are gone.
        TrustError: for a model that cannot be run.
    """
    run, contract = subject.run, subject.run.contract
    pictures = [*map(folder_pictures, others), *junk(seed)]
    splits = {name: run.images(name) for name in ("train", "validation", "test")}
    gate, by_split = contract.effective_safeguards.quality, {}
    for name, images in splits.items():
        chosen = sample(len(images.ids), QUALITY_IMAGES if name == "train" else len(images.ids), seed)
        by_split[name] = measured([images.rows[place] for place in chosen], progress)
    seen = [_seen(one, contract.input_size, progress) for one in pictures]
    quality = QualityFound(
        splits=tuple(refused(name, measures, gate) for name, measures in by_split.items()),
        faults=faults(sample_of(splits["test"], SPOILED_IMAGES, seed).rows, gate, progress),
        others=tuple(_other(one, gate) for one in seen),
    )
    safeguards, source = _safeguards(run, splits, seed, runner_of, progress)
    material = _Material(run, splits["validation"], splits["test"], by_split["test"], seen, safeguards)
    limits = safeguards.outlier
    outlier = OutlierNote(len(limits.directions), len(limits.centre), limits.limit) if limits else None
    return Rejection(
        **vars(header(subject, SCHEMA, material.test, int(material.is_target.sum()), seed)),
        limits=LimitsNote(gate, source, outlier, safeguards.uncertain_from),
        quality=quality,
        models=tuple(_judged(model, material, alpha, runner_of, progress) for model in subject.models),
    )


def _seen(pictures: Pictures, size: int, progress: Progress) -> _Seen:
    measures, squares, unreadable = [], [], 0
    with quietly():
        for done, photo in enumerate(pictures.photos(), 1):
            if photo is None:
                unreadable += 1
            else:
                measures.append(measure(photo))
                squares.append(square(photo, size))
            progress(f"looking at {Path(pictures.name).name}", done, pictures.count)
    return _Seen(pictures.name, unreadable, measures, np.array(squares, np.uint8).reshape(-1, size, size, 3))


def _other(seen: _Seen, limits: QualityLimits) -> OtherPhotos:
    found = refused(seen.name, seen.measures, limits)
    return OtherPhotos(seen.name, found.images, seen.unreadable, found.refused, found.share)


def _safeguards(
    run: Run, splits: dict[str, SplitImages], seed: int, runner_of: RunnerOf, progress: Progress
) -> tuple[Safeguards, str | None]:
    """Return the contract's limits, with those of strangeness derived where it has none, and where these are from."""
    found = run.contract.effective_safeguards
    if found.outlier:
        return found, CONTRACT
    train, places = splits["train"], sample(len(splits["train"].ids), EMBEDDED_IMAGES, seed)
    with runner_of(run.path) as runner:
        known = asked(runner, train.pixels[places], (EMBEDDING,), "train", progress)[EMBEDDING]
        held_out = asked(runner, splits["validation"].pixels, (EMBEDDING,), "validation", progress)[EMBEDDING]
    derived = outlier_limits(known, held_out)
    return replace(found, outlier=derived), DERIVED if derived else None


def _judged(model: Model, material: _Material, alpha: float, runner_of: RunnerOf, progress: Progress) -> ModelRejection:
    outputs = (OUTPUT, EMBEDDING) if embeds(model) else (OUTPUT,)
    with runner_of(model.path) as runner:
        validation = asked(runner, material.validation.pixels, outputs, "validation", progress)
        test = asked(runner, material.test.pixels, outputs, "test", progress)
        others = [asked(runner, one.pixels, outputs, one.name, progress) for one in material.others if one.measures]
    readable = [one for one in material.others if one.measures]
    limits = material.safeguards.outlier if embeds(model) else None
    told = [_states(material, one.measures, found, limits) for one, found in zip(readable, others, strict=True)]
    states = _states(material, material.test_measures, test, limits)
    return ModelRejection(
        name=model.name,
        artifact=note_of(model),
        outlier=_outlier(model, material, limits, validation, test, readable, others) if limits else None,
        answers=tuple(_told(one.name, found) for one, found in zip(readable, told, strict=True)),
        flow=_flow(states, material.is_target),
        conformal=_conformal(material, validation, test, alpha),
        risk_coverage=_risk_coverage(material, test),
    )


def _outlier(
    model: Model,
    material: _Material,
    limits: OutlierLimits,
    validation: Answers,
    test: Answers,
    readable: Sequence[_Seen],
    others: Sequence[Answers],
) -> OutlierFound:
    known = distances(test[EMBEDDING], limits)
    held_out = distances(validation[EMBEDDING], limits)
    energies = _energy(model, test)
    labels, classes = material.test.labels, material.run.contract.classes
    found = []
    for seen, answers in zip(readable, others, strict=True):
        far = distances(answers[EMBEDDING], limits)
        share = wilson(int((far > limits.limit).sum()), len(far))
        energy = separation(energies, _energy(model, answers))
        found.append(Strange(seen.name, len(far), share, separation(known, far), energy))
    return OutlierFound(
        accepted=(_accepted("validation", held_out, limits), _accepted("test", known, limits)),
        per_class=tuple(_accepted(name, known[labels == k], limits) for k, name in enumerate(classes)),
        others=tuple(found),
    )


def _accepted(name: str, found: NDArray[np.float64], limits: OutlierLimits) -> Accepted:
    within = int((found <= limits.limit).sum())
    return Accepted(name, len(found), wilson(within, len(found)) if len(found) else None)


def _energy(model: Model, answers: Answers) -> NDArray[np.float64]:
    """Return the energy of pictures: from embeddings, for the head is linear and float in every file."""
    assert model.run is not None, "side_by_side lets no others through"
    weights = model.run.weights()
    kernel = weights[f"{HEAD}/kernel"].reshape(-1, len(model.contract.classes)).astype(np.float64)
    logits = answers[EMBEDDING].astype(np.float64) @ kernel + weights[f"{HEAD}/bias"]
    highest = logits.max(axis=1)
    return np.asarray(-highest - np.log(np.exp(logits - highest[:, None]).sum(axis=1)))


def _states(
    material: _Material, measures: Sequence[QualityMeasures], answers: Answers, limits: OutlierLimits | None
) -> list[State]:
    contract, safeguards = material.run.contract, material.safeguards
    strange = distances(answers[EMBEDDING], limits) > limits.limit if limits else np.zeros(len(measures), bool)
    rest = replace(safeguards, outlier=None)
    states = []
    for one, far, probabilities in zip(measures, strange, answers[OUTPUT], strict=True):
        found = (*findings(one, safeguards.quality), *([Finding.OUTLIER] if far else []))
        states.append(decide(contract, rest, found, probabilities).state)
    return states


def _told(name: str, states: Sequence[State]) -> Told:
    counts = {state.value.replace("-", "_"): states.count(state) for state in State}
    return Told(name=name, images=len(states), **counts)


def _flow(states: Sequence[State], is_target: Bools) -> dict[str, Count]:
    found = {"received": Count(len(states), int(is_target.sum()))}
    for state in (State.RETAKE, State.NOT_ASSESSABLE, State.REFER_UNCERTAIN, State.REFER, State.NO_SIGN):
        mine = np.array([one is state for one in states], bool)
        found[state.value.replace("-", "_")] = Count(int(mine.sum()), int((mine & is_target).sum()))
    return found


def _conformal(material: _Material, validation: Answers, test: Answers, alpha: float) -> ConformalSets:
    known = lesions(material.validation.groups, material.validation.labels)
    new = lesions(material.test.groups, material.test.labels)
    return conformal_sets(
        known.mean(validation[OUTPUT]),
        known.labels,
        new.mean(test[OUTPUT]),
        new.labels,
        material.run.contract.classes,
        alpha,
    )


def _risk_coverage(material: _Material, test: Answers) -> RiskCoverage:
    probabilities = test[OUTPUT]
    wrong = probabilities.argmax(axis=1) != material.test.labels
    return risk_coverage(probabilities.max(axis=1), wrong, material.is_target)
