"""Golden vectors: photos with the bytes, numbers and decisions that every implementation must come to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from melanoma_edge.bundle.container import Files
from melanoma_edge.bundle.documents import REMAKE
from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import State, decide, outlier_score
from melanoma_edge.errors import TrustError
from melanoma_edge.pixels import decode_bytes, quietly, square
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quality import QualityMeasures, findings, measure
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.runtime.base import EMBEDDING, OUTPUT, Answers, Runner
from melanoma_edge.runtime.litert import LiteRTRunner, PlainLiteRTRunner
from melanoma_edge.runtime.onnx import OnnxRunner
from melanoma_edge.safeguards import Safeguards

SCHEMA = "melanoma-edge/golden/1"
TOLERANCE = 0.001
"""How far a probability may be from the expected one, on any machine."""
MIXED_TOLERANCE = 0.01
"""The same where float layers feed int8 ones: two versions of a runtime differ there in the last bits of a float sum,
which now and then tips an int8 step further on. Decision and state must be the same in any case."""
RUNNERS: dict[str, tuple[type[LiteRTRunner] | type[OnnxRunner], ...]] = {
    "tflite": (LiteRTRunner, PlainLiteRTRunner),
    "onnx": (OnnxRunner,),
}
"""What executes the models of each format; every one of them has its own expected answers."""


@dataclass(frozen=True)
class Vector:
    """Hold one photo and what must come of it; ``width`` and ``height`` are of the upright picture.

    ``answers`` are probabilities by runtime, in the order of the contract's classes. ``decision`` compares the score
    with the threshold; ``state`` is what a user is told.
    """

    id: str
    photo: str
    format: str
    orientation: int
    width: int
    height: int
    pixels: str
    quality: QualityMeasures
    answers: dict[str, tuple[float, ...]]
    decision: str
    state: str


@dataclass(frozen=True)
class Golden:
    """Hold ``golden/golden.json``."""

    schema: str
    input_size: int
    tolerance: float
    vectors: tuple[Vector, ...]


def tolerance_of(records: Iterable[ArtifactRecord]) -> float:
    """Return how far probabilities of these models may be from the expected ones."""
    mixed = any(record.kept or record.precision == "int8-dynamic" for record in records)
    return MIXED_TOLERANCE if mixed else TOLERANCE


@dataclass(frozen=True, eq=False)
class Judge:
    """Turn what a model answers into decision and state."""

    contract: ModelContract
    safeguards: Safeguards

    @property
    def borders(self) -> tuple[float, ...]:
        """The scores at which what a user is told changes."""
        uncertain = self.safeguards.uncertain_from
        return (self.contract.threshold,) if uncertain is None else (self.contract.threshold, uncertain)

    def score(self, answers: Answers) -> float:
        """Return the target score of one image."""
        return float(self.contract.target_score(answers[OUTPUT][0]))

    def decision(self, answers: Answers) -> str:
        """Return ``refer`` when the target score reaches the threshold, else ``no-sign``."""
        return State.REFER if self.score(answers) >= self.contract.threshold else State.NO_SIGN

    def is_steady(self, quality: QualityMeasures, answers: Answers) -> bool:
        """Tell whether the photo's findings stay what they are when a measure is a tenth lower or higher.

        Decoders of JPEG differ a little, and so do the measures of what they decode; runtimes differ in embeddings.
        """
        outlier = self.safeguards.outlier
        if outlier and EMBEDDING in answers:
            distance = outlier_score(answers[EMBEDDING][0], outlier)
            if 0.9 * outlier.limit < distance < 1.1 * outlier.limit:
                return False
        limits = self.safeguards.quality
        found = findings(quality, limits)
        other = [
            replace(quality, **{name: round(getattr(quality, name) * factor)})
            for name in ("sharpness", "brightness", "clipped_permille", "colour")
            for factor in (0.9, 1.1)
        ]
        return all(findings(one, limits) == found for one in other)

    def state(self, answers: Answers, quality: QualityMeasures) -> str:
        """Return what a user is told."""
        found = findings(quality, self.safeguards.quality)
        embedding = answers[EMBEDDING][0] if EMBEDDING in answers else None
        return decide(self.contract, self.safeguards, found, answers[OUTPUT][0], embedding).state.value


@contextmanager
def runners(records: Mapping[str, ArtifactRecord], files: Files) -> Iterator[dict[str, Runner]]:
    """Open every model in every runtime that a bundle has answers of, by the runtime's name."""
    with ExitStack() as stack:
        made: dict[str, Runner] = {}
        for form, record in records.items():
            for kind in RUNNERS[form]:
                runner: Runner = kind(record, files[record.path.name], threads=1)
                made[runner.name] = stack.enter_context(runner)
        yield made


def upright(photo: bytes, name: str) -> Image.Image:
    """Return a photo's bytes as upright 8-bit sRGB RGB."""
    with quietly():
        return decode_bytes(photo, Path(name))


def rehearse(
    golden: Golden, files: Files, judge: Judge, opened: Mapping[str, Runner], where: str, progress: Progress = silent
) -> None:
    """Run every golden vector on this machine.

    Raises:
        TrustError: at the first that comes out otherwise.
    """
    for number, vector in enumerate(golden.vectors, 1):
        problem = _difference(vector, golden, files, judge, opened)
        if problem:
            what = f"golden vector {vector.id} comes out otherwise on this machine: {problem}"
            raise TrustError(what, where=where, fix=REMAKE)
        progress("golden vectors", number, len(golden.vectors))


def _difference(vector: Vector, golden: Golden, files: Files, judge: Judge, opened: Mapping[str, Runner]) -> str:
    photo = upright(files[vector.photo], vector.photo)
    pixels = square(photo, golden.input_size)
    if photo.size != (vector.width, vector.height):
        return f"the photo is {photo.width} x {photo.height} and not {vector.width} x {vector.height}"
    if pixels.tobytes() != files[vector.pixels]:
        return "the photo gives other bytes"
    quality = measure(photo)
    if quality != vector.quality:
        return f"the photo's quality is {quality}"
    for name, runner in opened.items():
        problem = _other_answer(vector, golden.tolerance, runner.infer_all(pixels[None]), quality, judge, name)
        if problem:
            return f"{name} {problem}"
    return ""


def _other_answer(
    vector: Vector, tolerance: float, answers: Answers, quality: QualityMeasures, judge: Judge, name: str
) -> str:
    far = float(np.abs(answers[OUTPUT][0].astype(np.float64) - vector.answers[name]).max())
    if not far <= tolerance:
        return f"differs by {far:.4g} in a probability; {tolerance:g} may be"
    found = judge.decision(answers), judge.state(answers, quality)
    return "" if found == (vector.decision, vector.state) else f"decides {' and '.join(found)}"
