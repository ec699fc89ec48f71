"""Which mistake makes a file answer as it does: of preparation, of the answer, or of the numbers in the file.

A mistake is tried on the float model: given pixels prepared wrongly, it answers as the file does given the right ones,
if that is the file's mistake. So no file needs to be believed, and mistakes can be tried that no byte can express.
A mistake is named only where it explains how answers change from image to image, and where the layers, if they are
known, begin to differ at its place: those of preparation at the first weights, those of the answer at the last.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.parity.comparison import JudgedRun
from melanoma_edge.parity.gate import Status
from melanoma_edge.parity.layers import LayerReport, spread
from melanoma_edge.parity.mistakes import (
    ANSWERS,
    FITTED,
    PREPARATIONS,
    Answer,
    Values,
    favoured,
    geometries,
    sources_of,
    tempered,
)
from melanoma_edge.parity.outputs import check_outputs
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.worker import IsolatedRunner, Worker
from melanoma_edge.strictjson import to_plain

IMAGES = 128
EXPLAINED = 0.7
"""The share of the difference that a mistake must explain to be named."""
_MOVED = 0.003
"""A mean change of the probabilities below which there is nothing to explain; good int8 moves them by less."""
_AS_MUCH, _NEARLY = 0.5, 0.9
_BLOCK = 32
_WEIGHED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "Conv")
"""Operators with weights."""


@dataclass(frozen=True)
class Hypothesis:
    """Name a mistake, and how much of the file's difference from the float model it explains, at most 1.

    ``explains`` is the share of the mean difference, or the correlation over images of what it answers with what the
    file does, whichever is less: a file whose answers hardly vary is near to much that it is not.
    """

    name: str
    sentence: str
    explains: float


@dataclass(frozen=True)
class Diagnosis:
    """Say what a file's difference from its float model looks like.

    ``change`` is the mean size of the change of a probability; ``float_change`` that of a float file of the same
    weights and format, where there is one: when it moves as much, rounding is not the reason. ``cause`` is the name of
    the mistake that explains most, None where none explains enough or the layers begin to differ elsewhere.
    """

    images: int
    change: float | None
    float_file: str | None
    float_change: float | None
    hypotheses: tuple[Hypothesis, ...]
    cause: str | None
    sentence: str

    def to_document(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        return dict(to_plain(self))


def diagnose(
    run: JudgedRun,
    artifact: Path,
    model: Worker,
    split: str = "test",
    *,
    float_file: Path | None = None,
    layers: LayerReport | None = None,
    images: int = IMAGES,
    progress: Progress = silent,
) -> Diagnosis:
    """Try known mistakes on the float model and say which one makes it answer as the file does.

    Args:
        run: whose contract the file has.
        artifact: an exported file.
        model: the ``float_model`` of the reference, entered.
        split: whose images are shown, evenly spread over it.
        float_file: a float32 file of the same run, to tell rounding from other reasons.
        layers: the file's, compared with the float model's.
        images: how many.
        progress: told of mistakes tried.
    """
    split_images = run.images(split)
    pixels = spread(split_images.pixels, images)
    ask = _Asking(model)
    expected = ask(pixels.astype(np.float32))
    try:
        found = _file_answers(artifact, pixels)
    except MelanomaEdgeError as error:
        return _silent(len(pixels), f"The file gives no answers: {error.what}")
    if unsound := _unsound(expected, found, run.contract.classes):
        return _silent(len(pixels), unsound)
    if float_file and float_file.resolve() == artifact.resolve():
        float_file = None
    float_change = _distance(expected, _file_answers(float_file, pixels)) if float_file else None
    change = _distance(expected, found)
    tried = [] if change < _MOVED else list(_tried(ask, expected, found, pixels, sources_of(split_images, images)))
    progress("trying mistakes", 1, 1)
    ranked = sorted((one for one in tried if one.explains > 0), key=lambda one: -one.explains)
    likely = [one for one in ranked if one.explains >= EXPLAINED and _begins_there(one.name, layers)]
    best = likely[0] if likely else None
    return Diagnosis(
        images=len(pixels),
        change=change,
        float_file=float_file.name if float_file else None,
        float_change=float_change,
        hypotheses=tuple(ranked),
        cause=best.name if best else None,
        sentence=_sentence(change, best, float_change, layers),
    )


def _unsound(expected: Answer, found: Answer, classes: Sequence[str]) -> str | None:
    """Say why answers need no further explanation, before any is tried; None of sound ones."""
    failed = [check.name for check in check_outputs(expected, found, classes) if check.status is Status.FAIL]
    if "shape_match" in failed:
        return f"The file gives answers of shape {list(found.shape)}, wanted {list(expected.shape)}"
    if not np.isfinite(found).all():
        return "The file gives values that are no numbers"
    if "finite_outputs" in failed:
        lost = _alike(expected, softmax(found)) >= _NEARLY
        return "The file's answers are no probabilities" + (": softmax is missing" if lost else "")
    return "The file answers every image alike" if "constant_output" in failed else None


def _begins_there(name: str, layers: LayerReport | None) -> bool:
    """Tell whether a mistake can be the reason, by the first layer that differs; where none does, it may be."""
    if layers is None or layers.first_large is None:
        return True
    place = [one.name for one in layers.layers].index(layers.first_large)
    weighed = [index for index, one in enumerate(layers.layers) if one.op in _WEIGHED] or [0]
    return place >= weighed[-1] if name in (*ANSWERS, *FITTED) else place <= weighed[0]


def _sentence(
    change: float, best: Hypothesis | None, float_change: float | None, layers: LayerReport | None = None
) -> str:
    """Say what was found, the conclusion first."""
    size = f"probabilities change by {change:.4f} in the mean"
    if change < _MOVED:
        return f"No fault found: {size}, so there is nothing to explain"
    moves = float_change is not None and float_change >= max(_MOVED, _AS_MUCH * change)
    if best is None and not moves and layers and all(one.noise < layers.large for one in layers.layers):
        return f"No fault found: {size}, and every layer is right to within {layers.large:.0%} of its signal: rounding"
    if best:
        found = f"It answers as the float model does when {best.sentence} (explains {best.explains:.0%})"
    else:
        found = "No known mistake of preparation or answer explains how it differs"
    if float_change is None:
        return found
    if moves:
        return f"{found}; a float32 file of the same weights moves as much: rounding this file is not the reason"
    return f"{found}; a float32 file of the same weights does not move so: the difference lies in this file's numbers"


def _silent(images: int, why: str) -> Diagnosis:
    return Diagnosis(images, None, None, None, (), None, why)


def _file_answers(path: Path, pixels: NDArray[np.uint8]) -> Answer:
    with IsolatedRunner(path) as runner:
        return runner.infer(pixels)


class _Asking:
    """Ask the float model in blocks."""

    def __init__(self, model: Worker) -> None:
        self._model = model

    def __call__(self, values: Values) -> Answer:
        starts = range(0, len(values), _BLOCK)
        return np.concatenate([self._model.ask(("infer", values[start : start + _BLOCK])) for start in starts])


def _tried(
    ask: Callable[[Values], Answer], expected: Answer, found: Answer, pixels: NDArray[np.uint8], sources: Sequence[Any]
) -> list[Hypothesis]:
    values = pixels.astype(np.float32)
    answers = {name: (sentence, ask(mistake(values))) for name, (sentence, mistake) in PREPARATIONS.items()}
    answers |= {name: (sentence, mistake(expected)) for name, (sentence, mistake) in ANSWERS.items()}
    answers["temperature"] = tempered(expected, found)
    answers["favoured"] = favoured(expected, found)
    for name, (sentence, resized) in geometries(sources, pixels.shape[1]).items():
        if not np.array_equal(resized, values):
            answers[name] = (sentence, ask(resized))
    return [
        Hypothesis(
            name, sentence, min(1 - _distance(answer, found) / _distance(expected, found), _alike(answer, found))
        )
        for name, (sentence, answer) in answers.items()
    ]


def _distance(one: Answer, other: Answer) -> float:
    return float(np.abs(np.asarray(one, np.float64) - other).mean())


def _alike(one: Answer, other: Answer) -> float:
    """Return the correlation over images of two answers ``[n, classes]``; 0 where one does not vary."""
    first, second = (np.asarray(values, np.float64) - values.mean(axis=0) for values in (one, other))
    sizes = float(np.sqrt((first**2).sum() * (second**2).sum()))
    return float((first * second).sum() / sizes) if sizes else 0.0
