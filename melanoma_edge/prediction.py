"""Decisions for photos: file in, probabilities and decision out, without TensorFlow for exported files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.bundle import is_bundle, open_bundle
from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import Decision, State, are_probabilities, counts, decide, decide_together, mean
from melanoma_edge.errors import DataError, MelanomaEdgeError, TrustError, UsageError, named
from melanoma_edge.pixels import decode, square
from melanoma_edge.quality import QualityMeasures, findings, in_words, measure
from melanoma_edge.runtime import Answers, Pixels, Runner, open_model
from melanoma_edge.runtime.base import CAM, EMBEDDING, OUTPUT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from melanoma_edge.recalibration import Applied

SCHEMA = "melanoma-edge/prediction/1"
GROUP_SCHEMA = "melanoma-edge/prediction-group/1"
Show = Callable[[Path, Pixels, NDArray[np.float64]], None]
"""Given a file, its square ``[N, N, 3]`` and the target scores of its places ``[h, w]``, do something with them."""
SUFFIXES = frozenset({".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""What counts as an image inside a folder; files named one by one are always tried."""


@dataclass(frozen=True)
class Prediction:
    """Answer one image.

    ``decision`` is one of ``decision.State``; what decided against a score stands in ``warnings`` in words.
    ``recalibration`` is the sha256 of the document whose threshold decided in place of the contract's.
    """

    image: str
    artifact: str
    probabilities: dict[str, float]
    target_score: float
    melanoma_score: float | None
    malignant_score: float | None
    threshold: float
    decision: str
    quality: dict[str, int]
    warnings: tuple[str, ...]
    group: str | None = None
    recalibration: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --json``."""
        return _document(SCHEMA, self)


@dataclass(frozen=True)
class Unreadable:
    """Answer an image that could not be decoded."""

    image: str
    artifact: str
    error: str
    group: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --json``."""
        return _document(SCHEMA, self)


@dataclass(frozen=True)
class GroupPrediction:
    """Answer one lesion seen on several images.

    Attributes:
        images: those that count; probabilities and scores are the means over them, None where there is none.
        left_out: the others, each with the reason: ``retake``, ``not-assessable`` or ``unreadable``.
        decision: on the mean target score; where no image counts, ``retake`` or ``not-assessable``.
    """

    group: str
    artifact: str
    images: tuple[str, ...]
    left_out: dict[str, str]
    probabilities: dict[str, float] | None
    target_score: float | None
    melanoma_score: float | None
    malignant_score: float | None
    threshold: float
    decision: str
    warnings: tuple[str, ...]
    recalibration: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --group-by --json``."""
        return _document(GROUP_SCHEMA, self)


def _document(schema: str, answer: Prediction | Unreadable | GroupPrediction) -> dict[str, Any]:
    """Return an answer as plain JSON; without a group or a recalibration there is no key for it."""
    rare = ("group", "recalibration")
    kept = {name: value for name, value in vars(answer).items() if name not in rare or value is not None}
    return {"schema": schema} | {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()}


def predict(
    model: Path,
    images: Sequence[Path],
    threads: int | None = None,
    show: Show | None = None,
    key: EllipticCurvePublicKey | None = None,
    recalibration: Applied | None = None,
) -> Iterator[Prediction | Unreadable]:
    """Decide on images one by one, in the order given; folders are walked in sorted order.

    Args:
        model: a run directory, an exported file or a bundle; only the first loads TensorFlow.
        images: files and folders.
        threads: CPU threads of the runtime.
        show: told of the places of every image that was answered.
        key: whose holder must have signed the bundle; without one a signature is not looked at.
        recalibration: of a site, whose threshold decides and is named with every answer.

    Raises:
        UsageError: for ``show`` with a file that has no class activation map.
        DataError: when a folder holds no image; a missing file is answered as one that cannot be read.
        TrustError: when the model is missing, not what it claims to be, or answers with what is no probabilities.
    """
    files = list(photos(images))
    with _opened(model, threads, show, key, recalibration) as opened:
        for file in files:
            yield _answer_to(file, opened)


def predict_groups(
    model: Path,
    groups: Mapping[Path, str],
    threads: int | None = None,
    show: Show | None = None,
    key: EllipticCurvePublicKey | None = None,
    recalibration: Applied | None = None,
) -> Iterator[Prediction | Unreadable | GroupPrediction]:
    """Decide on images one by one, then on each group of them as one lesion, by the mean over its images.

    The mean is parity's: every image counts alike. One to be retaken, one that cannot be assessed or read counts not.

    Args:
        model, threads, show, key, recalibration: as ``predict``.
        groups: the group of each image; groups are answered in the order of their first image.

    Raises:
        UsageError, TrustError: as ``predict``.
    """
    members: dict[str, list[Prediction | Unreadable]] = {group: [] for group in groups.values()}
    with _opened(model, threads, show, key, recalibration) as opened:
        for file, group in groups.items():
            answer = replace(_answer_to(file, opened), group=group)
            members[group].append(answer)
            yield answer
        for group, answers in members.items():
            yield _together(group, answers, opened)


@dataclass(frozen=True)
class _Opened:
    """Hold a running model; ``contract`` decides, at a site's threshold where a recalibration is ``applied``."""

    name: str
    runner: Runner
    contract: ModelContract
    show: Show | None
    applied: Applied | None

    @property
    def said_first(self) -> tuple[str, ...]:
        return (self.applied.in_words(self.runner.contract),) if self.applied else ()


@contextmanager
def _opened(
    model: Path,
    threads: int | None,
    show: Show | None,
    key: EllipticCurvePublicKey | None,
    applied: Applied | None,
) -> Iterator[_Opened]:
    if key or is_bundle(model):
        bundle = open_bundle(model, key)
        runner, exported = bundle.runner(threads), bundle.contract
    else:
        runner = open_model(model, threads)
        exported = runner.contract
    with runner:
        contract = applied.to(runner.contract, exported.sha256, str(model)) if applied else runner.contract
        yield _Opened(str(model), runner, contract, show, applied)


def _answer_to(file: Path, model: _Opened) -> Prediction | Unreadable:
    contract, runner = model.contract, model.runner
    try:
        photo = decode(file)
        pixels = square(photo, contract.input_size)
    except MelanomaEdgeError as error:
        return Unreadable(str(file), model.name, str(error))
    wants_all = model.show or contract.effective_safeguards.outlier
    answers = runner.infer_all(pixels[None]) if wants_all else {OUTPUT: runner.infer(pixels[None])}
    _check_answer(answers[OUTPUT][0], model.name)
    if model.show:
        model.show(file, pixels, place_scores(answers, contract, model.name))
    answer = _answer(str(file), model.name, answers, contract, measure(photo))
    if model.applied is None:
        return answer
    warnings = (*model.said_first, *answer.warnings)
    return replace(answer, warnings=warnings, recalibration=model.applied.sha256)


def _together(group: str, answers: Sequence[Prediction | Unreadable], model: _Opened) -> GroupPrediction:
    contract = model.contract
    read = [answer for answer in answers if isinstance(answer, Prediction)]
    kept = [answer for answer in read if counts(State(answer.decision))]
    # What cannot be read another photo may cure, as one that is blurred.
    states = [State(answer.decision) if isinstance(answer, Prediction) else State.RETAKE for answer in answers]
    scores = [answer.target_score for answer in kept]
    state = decide_together(states, scores, contract.threshold, contract.effective_safeguards.uncertain_from)
    out = {a.image: a.decision if isinstance(a, Prediction) else "unreadable" for a in answers if a not in kept}
    means = {name: mean([answer.probabilities[name] for answer in kept]) for name in contract.classes if kept}
    return GroupPrediction(
        group=group,
        artifact=model.name,
        images=tuple(answer.image for answer in kept),
        left_out=out,
        probabilities=means or None,
        target_score=_mean_of(scores),
        melanoma_score=_mean_of([answer.melanoma_score for answer in kept]),
        malignant_score=_mean_of([answer.malignant_score for answer in kept]),
        threshold=contract.threshold,
        decision=str(state),
        warnings=(*model.said_first, *_group_warnings(contract, state, scores, out)),
        recalibration=model.applied.sha256 if model.applied else None,
    )


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _group_warnings(
    contract: ModelContract, state: State, scores: Sequence[float], out: Mapping[str, str]
) -> Iterator[str]:
    yield from _stamps(contract)
    if out:
        what = named(f"{image} ({why})" for image, why in out.items())
        yield f"{len(out)} of {len(out) + len(scores)} images left out: {what}"
    alone = sum(score >= contract.threshold for score in scores)
    if alone and state != State.REFER:
        yield f"{alone} of {len(scores)} images alone would be referred; their mean is below the threshold"


def place_scores(answers: Answers, contract: ModelContract, where: str) -> NDArray[np.float64]:
    """Return the target score ``[h, w]`` that a model would give the first image if it looked as here everywhere.

    Raises:
        UsageError: when the answers hold no class activation map.
    """
    if CAM not in answers:
        fix = "export the run again with --with-cam, or give the run itself"
        raise UsageError("the file answers no class activation map", where=where, fix=fix)
    logits = answers[CAM][0].astype(np.float64)
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(contract.target_score(powers / powers.sum(axis=-1, keepdims=True)))


def photos(paths: Sequence[Path]) -> Iterator[Path]:
    """Yield the files named, and those of the folders named in sorted order; raises as ``predict``."""
    for path in paths:
        if not os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises for a name that is too long
            yield path
            continue
        found = sorted(file for file in path.rglob("*") if _is_photo(file.relative_to(path)) and file.is_file())
        if not found:
            raise DataError(
                "folder holds no image", where=str(path), fix=f"give files ending in {' '.join(sorted(SUFFIXES))}"
            )
        yield from found


def _is_photo(inside: Path) -> bool:
    """Tell by its name; what a system hides (``._photo.jpg``, ``.thumbnails``) is no photo of the user's."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in inside.parts)
    return inside.suffix.lower() in SUFFIXES and not hidden


def _check_answer(probabilities: NDArray[np.float32], where: str) -> None:
    """Raise ``TrustError`` for what is no probability: a NaN is below every threshold, and would look like no sign."""
    if not are_probabilities(probabilities):
        found = ", ".join(f"{value:g}" for value in probabilities)
        raise TrustError(f"the model's answer is no probabilities: {found}", where=where, fix="export the run again")


def _answer(image: str, model: str, answers: Answers, contract: ModelContract, quality: QualityMeasures) -> Prediction:
    probabilities = answers[OUTPUT][0]
    embedding = answers[EMBEDDING][0] if EMBEDDING in answers else None
    safeguards = contract.effective_safeguards
    decision = decide(contract, safeguards, findings(quality, safeguards.quality), probabilities, embedding)
    melanoma, malignant = contract.melanoma_score(probabilities), contract.malignant_score(probabilities)
    return Prediction(
        image=image,
        artifact=model,
        probabilities={name: float(p) for name, p in zip(contract.classes, probabilities, strict=True)},
        target_score=float(contract.target_score(probabilities)),
        melanoma_score=None if melanoma is None else float(melanoma),
        malignant_score=None if malignant is None else float(malignant),
        threshold=contract.threshold,
        decision=str(decision.state),
        quality=dict(vars(quality)),
        warnings=tuple(_warnings(contract, decision)),
    )


def _stamps(contract: ModelContract) -> Iterator[str]:
    if contract.provenance.leaky:
        yield "LEAKY: the model was tested on lesions that it was trained on: its numbers and threshold mean nothing"
    if contract.provenance.synthetic:
        yield "the model was trained on synthetic images: its answers mean nothing for people"


def _warnings(contract: ModelContract, decision: Decision) -> Iterator[str]:
    yield from _stamps(contract)
    if decision.score is None:
        yield "not assessable: the file answers no embedding, by which strange photos are told"
    for finding in decision.findings:
        yield in_words(finding, contract.effective_safeguards.quality)
