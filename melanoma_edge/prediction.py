"""Decisions for photos: file in, probabilities and decision out, without TensorFlow for exported files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.bundle import is_bundle, open_bundle
from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import Decision, are_probabilities, decide, place_scores
from melanoma_edge.errors import DataError, MelanomaEdgeError, TrustError, UsageError
from melanoma_edge.pixels import decode, square
from melanoma_edge.predicted import GroupPrediction, Prediction, Unreadable, stamps, together
from melanoma_edge.quality import QualityMeasures, findings, in_words, measure
from melanoma_edge.runtime import Answers, Pixels, Runner, open_model
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.runtime.base import CAM, EMBEDDING, OUTPUT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from melanoma_edge.recalibration import Applied

Answer = TypeVar("Answer", Prediction, GroupPrediction)
Show = Callable[[Path, Pixels, NDArray[np.float64]], None]
"""Given a file, its square ``[N, N, 3]`` and the target scores of its places ``[h, w]``, do something with them."""
SUFFIXES = frozenset({".bmp", ".gif", ".heic", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"})
"""What counts as an image inside a folder; files named one by one are always tried."""


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
            yield opened.signed(together(group, answers, opened.contract))


@dataclass(frozen=True)
class _Opened:
    """Hold a running model; ``contract`` decides, at a site's threshold where a recalibration is ``applied``."""

    name: str
    runner: Runner
    contract: ModelContract
    show: Show | None
    applied: Applied | None

    def signed(self, answer: Answer) -> Answer:
        """Name the site's threshold with an answer, where it decided."""
        if self.applied is None:
            return answer
        made = self.applied.document
        return replace(
            answer,
            warnings=(self.applied.in_words(), *answer.warnings),
            recalibration=self.applied.sha256,
            recalibration_certified=made.certified,
            recalibration_raised=made.raised,
        )


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
        file: str | None = bundle.records["tflite"].sha256
    else:
        runner = open_model(model, threads)
        exported = runner.contract
        file = read_record(model).sha256 if applied and not model.is_dir() else None
    with runner:
        contract = applied.to(runner.contract, exported.sha256, file, str(model)) if applied else runner.contract
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
        model.show(file, pixels, place_scores(_map(answers, model.name)[0], contract))
    return model.signed(_answer(str(file), model.name, answers, contract, measure(photo)))


def _map(answers: Answers, where: str) -> NDArray[np.float32]:
    """Return the class activation maps; raises ``UsageError`` for a file that answers none."""
    if CAM not in answers:
        fix = "export the run again with --with-cam, or give the run itself"
        raise UsageError("the file answers no class activation map", where=where, fix=fix)
    return answers[CAM]


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


def _warnings(contract: ModelContract, decision: Decision) -> Iterator[str]:
    yield from stamps(contract)
    if decision.score is None:
        yield "not assessable: the file answers no embedding, by which strange photos are told"
    for finding in decision.findings:
        yield in_words(finding, contract.effective_safeguards.quality)
