"""Decisions for photos: file in, probabilities and decision out, without TensorFlow for exported files."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.bundle import is_bundle, open_bundle
from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import Decision, are_probabilities, decide
from melanoma_edge.errors import DataError, MelanomaEdgeError, TrustError, UsageError
from melanoma_edge.pixels import decode, square
from melanoma_edge.quality import QualityMeasures, findings, in_words, measure
from melanoma_edge.runtime import Answers, Pixels, Runner, open_model
from melanoma_edge.runtime.base import CAM, EMBEDDING, OUTPUT

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

    from melanoma_edge.recalibration import Applied

SCHEMA = "melanoma-edge/prediction/1"
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
    recalibration: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --json``; ``recalibration`` stands in it only where there was one."""
        document = {"schema": SCHEMA, **vars(self), "warnings": list(self.warnings)}
        return document if self.recalibration else {k: v for k, v in document.items() if k != "recalibration"}


@dataclass(frozen=True)
class Unreadable:
    """Answer an image that could not be decoded."""

    image: str
    artifact: str
    error: str

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --json``."""
        return {"schema": SCHEMA, **vars(self)}


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
    files = list(_files(images))
    opened, contract_sha256 = _opened(model, threads, key)
    with opened as runner:
        contract = recalibration.to(runner.contract, contract_sha256, str(model)) if recalibration else runner.contract
        for file in files:
            try:
                photo = decode(file)
                pixels = square(photo, runner.contract.input_size)
            except MelanomaEdgeError as error:
                yield Unreadable(str(file), str(model), str(error))
                continue
            wants_all = show or contract.effective_safeguards.outlier
            answers = runner.infer_all(pixels[None]) if wants_all else {OUTPUT: runner.infer(pixels[None])}
            _check_answer(answers[OUTPUT][0], str(model))
            if show:
                show(file, pixels, place_scores(answers, contract, str(model)))
            answer = _answer(str(file), str(model), answers, contract, measure(photo))
            yield _recalibrated(answer, recalibration, runner.contract) if recalibration else answer


def _recalibrated(answer: Prediction, applied: Applied, contract: ModelContract) -> Prediction:
    warnings = (applied.in_words(contract), *answer.warnings)
    return replace(answer, warnings=warnings, recalibration=applied.sha256)


def _opened(model: Path, threads: int | None, key: EllipticCurvePublicKey | None) -> tuple[Runner, str]:
    """Return what runs a model, and the sha256 of its contract as it was exported."""
    if key or is_bundle(model):
        bundle = open_bundle(model, key)
        return bundle.runner(threads), bundle.contract.sha256
    runner = open_model(model, threads)
    return runner, runner.contract.sha256


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


def _files(paths: Sequence[Path]) -> Iterator[Path]:
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
    if contract.provenance.leaky:
        yield "LEAKY: the model was tested on lesions that it was trained on: its numbers and threshold mean nothing"
    if contract.provenance.synthetic:
        yield "the model was trained on synthetic images: its answers mean nothing for people"
    if decision.score is None:
        yield "not assessable: the file answers no embedding, by which strange photos are told"
    for finding in decision.findings:
        yield in_words(finding, contract.effective_safeguards.quality)
