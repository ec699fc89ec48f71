"""Which mistake makes a file answer as it does: of preparation, of the answer, or of the numbers in the file.

A mistake is tried on the float model: given pixels prepared wrongly, it answers as the file does given the right ones,
if that is the file's mistake. So no file needs to be believed, and mistakes can be tried that no byte can express.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.parity.comparison import JudgedRun
from melanoma_edge.parity.layers import spread
from melanoma_edge.pixels import decode, square
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.worker import IsolatedRunner, Worker
from melanoma_edge.strictjson import to_plain

IMAGES = 128
EXPLAINED = 0.7
"""The share of the difference that a mistake must explain to be named."""
_MOVED = 0.003
"""A mean change of the probabilities below which there is nothing to explain; good int8 moves them by less."""
_BLOCK = 32
_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CROP = 0.875
Values = NDArray[np.float32]
Answer = NDArray[np.floating[Any]]
Mistake = Callable[[Values], Values]


@dataclass(frozen=True)
class Hypothesis:
    """Name a mistake, and the share of the file's difference from the float model that it explains, at most 1."""

    name: str
    sentence: str
    explains: float


@dataclass(frozen=True)
class Diagnosis:
    """Say what a file's difference from its float model looks like.

    ``change`` is the mean size of the change of a probability; ``float_change`` that of a float file of the same
    format, where there is one: when it moves too, rounding is not the reason. ``cause`` is the name of the mistake that
    explains most, None where none explains enough.
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
        images: how many.
        progress: told of mistakes tried.
    """
    split_images = run.images(split)
    pixels = spread(split_images.pixels, images)
    try:
        found = _file_answers(artifact, pixels)
    except MelanomaEdgeError as error:
        return _silent(len(pixels), f"the file gives no answers: {error.what}")
    if not np.isfinite(found).all():
        return _silent(len(pixels), "the file gives values that are no numbers")
    same = _file_answers(float_file, pixels) if float_file else None
    ask = _Asking(model)
    expected = ask(pixels.astype(np.float32))
    change = _distance(expected, found)
    tried = [] if change < _MOVED else list(_tried(ask, expected, found, pixels, _sources(split_images, images)))
    progress("trying mistakes", 1, 1)
    ranked = sorted((one for one in tried if one.explains > 0), key=lambda one: -one.explains)
    best = ranked[0] if ranked and ranked[0].explains >= EXPLAINED else None
    float_change = None if same is None else _distance(expected, same)
    return Diagnosis(
        images=len(pixels),
        change=change,
        float_file=str(float_file) if float_file else None,
        float_change=float_change,
        hypotheses=tuple(ranked),
        cause=best.name if best else None,
        sentence=_sentence(change, best, float_change),
    )


def _sentence(change: float, best: Hypothesis | None, float_change: float | None) -> str:
    if change < _MOVED:
        return f"probabilities change by {change:.4f} in the mean: nothing to explain"
    parts = []
    if float_change is not None:
        moves = float_change >= _MOVED
        parts.append(
            "the float32 file of this run moves too: this is no matter of rounding"
            if moves
            else "the float32 file of this run does not move: the fault lies in this file's numbers"
        )
    if best:
        parts.append(f"it answers as the float model does when {best.sentence} ({best.explains:.0%} of the difference)")
    else:
        parts.append("no known mistake of preparation explains it; --layers names the layer where it begins")
    return "; ".join(parts)


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
    before = _distance(expected, found)
    values = pixels.astype(np.float32)
    answers = {name: (sentence, ask(mistake(values))) for name, (sentence, mistake) in PREPARATIONS.items()}
    answers |= {name: (sentence, mistake(expected)) for name, (sentence, mistake) in ANSWERS.items()}
    answers["temperature"] = _tempered(expected, found)
    answers["favoured"] = _favoured(expected, found)
    for name, (sentence, resized) in _geometries(sources, pixels.shape[1]).items():
        if not np.array_equal(resized, values):
            answers[name] = (sentence, ask(resized))
    return [
        Hypothesis(name, sentence, 1 - _distance(answer, found) / before)
        for name, (sentence, answer) in answers.items()
    ]


def _distance(one: Answer, other: Answer) -> float:
    return float(np.abs(np.asarray(one, np.float64) - other).mean())


def _line(factor: float, offset: float) -> Mistake:
    """Return the mistake after which the graph sees ``factor * x + offset`` in the place of a byte x."""
    return lambda x: np.asarray(x * factor + offset, np.float32)


def _standardised(values: Values) -> Values:
    scaled = (values / 255 - np.array(_MEAN, np.float32)) / np.array(_DEVIATION, np.float32)
    return np.asarray(128 + 127.5 * scaled, np.float32)


def _zoomed(values: Values) -> Values:
    side = values.shape[1]
    edge = round(side * (1 - _CROP) / 2)
    inner = values[:, edge : side - edge, edge : side - edge].astype(np.uint8)
    return np.stack([np.asarray(_resized(Image.fromarray(one), side), np.float32) for one in inner])


def _resized(image: Image.Image, side: int, kernel: Image.Resampling = Image.Resampling.BILINEAR) -> Image.Image:
    return image.resize((side, side), kernel)


PREPARATIONS: Mapping[str, tuple[str, Mistake]] = {
    "channel_order": ("red and blue are exchanged", lambda x: x[..., ::-1]),
    "grey": ("colours are lost", lambda x: np.repeat(x.mean(axis=3, keepdims=True), 3, axis=3)),
    "inverted": ("bright and dark are exchanged", _line(-1, 255)),
    "scaled_twice": ("pixels are scaled twice", _line(1 / 127.5, -128 / 127.5)),
    "scaled_to_one": ("pixels are scaled to 0..1 instead of -1..1", _line(0.5, 128)),
    "not_scaled": ("pixels are not scaled", _line(127.5, 128)),
    "imagenet_scaling": ("pixels are scaled by ImageNet's means and deviations", _standardised),
    "zoomed": (f"the middle {_CROP:.1%} is cut out and enlarged", _zoomed),
    "mirrored": ("images are mirrored", lambda x: x[:, :, ::-1]),
    "upside_down": ("images stand on their heads", lambda x: x[:, ::-1]),
    "transposed": ("rows and columns are exchanged", lambda x: x.transpose(0, 2, 1, 3)),
}
"""What can go wrong with prepared pixels, float32 ``[n, N, N, 3]`` in 0..255."""


def _softmax(values: Answer) -> Answer:
    raised = np.exp(values)
    return np.asarray(raised / raised.sum(axis=1, keepdims=True))


ANSWERS: Mapping[str, tuple[str, Callable[[Answer], Answer]]] = {
    "softmax_twice": ("softmax is applied twice", _softmax),
    "reversed_labels": ("the classes are answered in reverse order", lambda p: p[:, ::-1]),
    "shifted_labels": ("the classes are answered one place later", lambda p: np.roll(p, 1, axis=1)),
}
"""What can go wrong with probabilities ``[n, classes]``."""


def _tempered(expected: Answer, found: Answer) -> tuple[str, Answer]:
    """Return what the float model answers with its logits multiplied as the file's seem to be, by least squares."""
    before, after = (_centred_logits(one) for one in (expected, found))
    factor = float((before * after).sum() / max((before**2).sum(), 1e-12))
    return f"logits are multiplied by {factor:.2g}", _softmax(before * factor)


def _favoured(expected: Answer, found: Answer) -> tuple[str, Answer]:
    """Return what the float model answers with each class's logit moved as the file's seems to be."""
    before, after = (_centred_logits(one) for one in (expected, found))
    moved = np.median(after - before, axis=0)
    place = int(np.abs(moved).argmax())
    return f"the logit of class {place} is moved by {moved[place]:+.2g}", _softmax(before + moved)


def _centred_logits(values: Answer) -> Answer:
    logits = np.log(np.clip(values.astype(np.float64), 1e-9, None))
    return np.asarray(logits - logits.mean(axis=1, keepdims=True))


def _sources(images: Any, count: int) -> list[Image.Image]:
    """Return the pictures themselves where the split knows them and they are still there, else none."""
    rows = getattr(images, "rows", None)
    if not rows:
        return []
    places = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))
    try:
        return [decode(Path(rows[place].path)) for place in places.tolist()]
    except MelanomaEdgeError:
        return []


def _geometries(sources: Sequence[Image.Image], side: int) -> dict[str, tuple[str, Values]]:
    """Return pixels prepared by other crops and kernels than the recipe's."""
    if not sources:
        return {}
    kinds = Image.Resampling
    ways: dict[str, tuple[str, Callable[[Image.Image], Any]]] = {
        "squashed": ("images are squashed instead of cropped", lambda one: _resized(one, side)),
        "corner_crop": ("the upper left square is cut out, not the middle", lambda one: square(_corner(one), side)),
        "nearest": ("images are resized to the nearest pixel", lambda one: _resized(_centre(one), side, kinds.NEAREST)),
        "bicubic": (
            "images are resized by the bicubic kernel",
            lambda one: _resized(_centre(one), side, kinds.BICUBIC),
        ),
        "without_antialias": (
            "images are resized without antialiasing",
            lambda one: _centre(one).transform((side, side), Image.Transform.EXTENT, _whole(one), kinds.BILINEAR),
        ),
    }
    return {
        name: (sentence, np.stack([np.asarray(way(one), np.float32) for one in sources]))
        for name, (sentence, way) in ways.items()
    }


def _corner(image: Image.Image) -> Image.Image:
    return image.crop((0, 0, min(image.size), min(image.size)))


def _centre(image: Image.Image) -> Image.Image:
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return image.crop((left, top, left + side, top + side))


def _whole(image: Image.Image) -> tuple[int, int, int, int]:
    return (0, 0, min(image.size), min(image.size))
