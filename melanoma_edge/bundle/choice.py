"""The search for golden vectors: photos on which both decisions occur, none of them by a hair."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from melanoma_edge.bundle.golden import SCHEMA, TOLERANCE, Golden, Judge, Vector, upright
from melanoma_edge.bundle.photos import SHOTS, Shot, Trial
from melanoma_edge.decision import State
from melanoma_edge.errors import ExportError
from melanoma_edge.pixels import square
from melanoma_edge.progress import Progress, silent
from melanoma_edge.quality import QualityMeasures, measure
from melanoma_edge.runtime.base import OUTPUT, Answers, Runner
from melanoma_edge.runtime.litert import PlainLiteRTRunner

_CLEAR, _LEAST, _BARE = 10, 2, 1
"""How far scores should lie from where decisions change, how far they must, and how far where none does that, in
tolerances of probabilities."""
_SPREAD = TOLERANCE / 10
"""How far runtimes that round alike may be apart on a photo that is preferred."""
_FULL, _BATCHES = 5, 4
"""How many photos of full size are made before the best of them is taken, and how many batches while there is none."""
_DIGITS = 6


@dataclass(frozen=True, eq=False)
class _Taken:
    """Hold a photo that was taken, and what came of it."""

    data: bytes
    pixels: bytes
    size: tuple[int, int]
    quality: QualityMeasures
    answers: dict[str, Answers]
    decision: str
    state: str
    margin: float
    steady: bool

    def as_wanted(self, shot: Shot) -> bool:
        """Whether the decision is the one looked for."""
        return (self.decision == State.REFER) == shot.refer

    def good(self, shot: Shot, room: _Room) -> bool:
        """Whether no better photo need be looked for."""
        return self.steady and self.as_wanted(shot) and self.margin > room.clear(self.decision == State.REFER)


@dataclass(frozen=True)
class _Room:
    """State how far from the threshold scores lie that count.

    Below a low threshold there is less room than the tolerance asks for, and above a high one. What comes of such a
    photo may be decided otherwise by a runtime whose probabilities are within the tolerance, which a phone refuses.
    """

    threshold: float
    tolerance: float

    def clear(self, refer: bool) -> float:
        """Return how far scores should lie from the threshold on one side of it."""
        return min(_CLEAR * self.tolerance, self._side(refer) * 2 / 3)

    def least(self, refer: bool, tolerances: int = _LEAST) -> float:
        """Return how far they must."""
        return min(tolerances * self.tolerance, self._side(refer) / 3)

    def _side(self, refer: bool) -> float:
        return 1 - self.threshold if refer else self.threshold


def choose(
    judge: Judge, opened: Mapping[str, Runner], progress: Progress = silent, tolerance: float = TOLERANCE
) -> tuple[Golden, dict[str, bytes]]:
    """Make golden vectors for opened models, whose probabilities may be ``tolerance`` from the expected ones.

    Returns:
        The document, and the photos and expected bytes by name.

    Raises:
        ExportError: when no photo is found on which all runtimes decide alike and not by a hair.
    """
    vectors: list[Vector] = []
    files: dict[str, bytes] = {}
    room = _Room(judge.contract.threshold, tolerance)
    for number, shot in enumerate(SHOTS, 1):
        taken = _best(shot, judge, opened, room)
        vector = _vector(shot, taken)
        vectors.append(vector)
        files |= {vector.photo: taken.data, vector.pixels: taken.pixels}
        progress("draw golden vectors", number, len(SHOTS))
    return Golden(SCHEMA, judge.contract.input_size, tolerance, tuple(vectors)), files


def _best(shot: Shot, judge: Judge, opened: Mapping[str, Runner], room: _Room) -> _Taken:
    """Take photos in order of promise until one is good; else return the best of the first, or the first that does."""
    found: list[_Taken] = []
    near: list[_Taken] = []
    differ = 0
    batches = (_promising(shot, batch, judge, next(iter(opened.values())), room) for batch in range(_BATCHES))
    for tried, trial in enumerate(chain.from_iterable(batches), 1):
        taken = _take(trial, judge, opened)
        if taken is None:
            differ += 1
        elif taken.margin <= room.least(taken.decision == State.REFER):
            near.append(taken)
        elif taken.good(shot, room):
            return taken
        else:
            found.append(taken)
        if found and tried >= _FULL:
            break
    bare = [taken for taken in near if taken.margin > room.least(taken.decision == State.REFER, _BARE)]
    best = max(found or bare, key=lambda taken: (taken.steady, taken.as_wanted(shot), taken.margin), default=None)
    if best is None:
        raise _none(shot, differ, len(near), judge.contract.threshold)
    return best


def _none(shot: Shot, differ: int, near: int, threshold: float) -> ExportError:
    """Return why no photo will do."""
    what = (
        f"no photo for golden vector {shot.id} among {differ + near} drawn: on {differ} runtimes decide differently, "
        f"on {near} by a hair, their scores too near the threshold {threshold:.4g} or the limit of doubt"
    )
    files = "bundle other files, which round otherwise, with --precision or --artifact"
    return ExportError(what, fix=files if differ > near else f"train for longer or with another --seed, or {files}")


def _promising(shot: Shot, batch: int, judge: Judge, runner: Runner, room: _Room) -> Sequence[Trial]:
    """Return trials by what a small version of each scores: clear of the threshold, and as looked for, first.

    Of those the nearest come first: a score near the threshold shows more than one near 0 or 1.
    """

    def order(trial: Trial) -> tuple[bool, bool, float]:
        pixels = square(trial.glance(), judge.contract.input_size)
        answers = {OUTPUT: runner.infer(pixels[None])}
        margin = abs(judge.score(answers) - judge.contract.threshold)
        refer = judge.decision(answers) == State.REFER
        near = margin < 2 * room.clear(refer)
        return near, refer != shot.refer, -margin if near else margin

    return sorted(shot.trials(batch), key=order)


def _take(trial: Trial, judge: Judge, opened: Mapping[str, Runner]) -> _Taken | None:
    """Return what comes of a photo, or None where runtimes differ in what they make of it."""
    data = trial.file()
    photo = upright(data, "golden vector")
    pixels, quality = square(photo, judge.contract.input_size), measure(photo)
    answers = {name: runner.infer_all(pixels[None]) for name, runner in opened.items()}
    found = {(judge.decision(one), judge.state(one, quality)) for one in answers.values()}
    if len(found) > 1:
        return None
    ((decision, state),) = found
    margin = min(abs(judge.score(one) - border) for one in answers.values() for border in judge.borders)
    steady = all(judge.is_steady(quality, one) for one in answers.values()) and _spread(answers) <= _SPREAD
    return _Taken(data, pixels.tobytes(), photo.size, quality, answers, decision, state, margin, steady)


def _spread(answers: Mapping[str, Answers]) -> float:
    """Return how far probabilities of runtimes lie apart that round alike: further where a sum lies on a border.

    Another version of a runtime, or another processor, may then come to the other side of it.
    """
    alike = [answer[OUTPUT] for name, answer in answers.items() if name != PlainLiteRTRunner.name]
    return float(np.ptp(np.stack(alike), axis=0).max())


def _vector(shot: Shot, taken: _Taken) -> Vector:
    answers = {
        name: tuple(round(float(p), _DIGITS) for p in answer[OUTPUT][0]) for name, answer in taken.answers.items()
    }
    width, height = taken.size
    return Vector(
        id=shot.id,
        photo=shot.path,
        format=shot.format,
        orientation=shot.orientation,
        width=width,
        height=height,
        pixels=f"golden/{shot.id}.rgb",
        quality=taken.quality,
        answers=answers,
        decision=taken.decision,
        state=taken.state,
    )
