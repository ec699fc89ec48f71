"""Known mistakes, as they change prepared pixels or the answer: what ``faults`` tries on the float model."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.pixels import decode, square

_MEAN, _DEVIATION = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_CROP = 0.875
Values = NDArray[np.float32]
Answer = NDArray[np.floating[Any]]
Mistake = Callable[[Values], Values]


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


ANSWERS: Mapping[str, tuple[str, Callable[[Answer], Answer]]] = {
    "softmax_twice": ("softmax is applied twice", softmax),
    "reversed_labels": ("the classes are answered in reverse order", lambda p: p[:, ::-1]),
    "shifted_labels": ("the classes are answered one place later", lambda p: np.roll(p, 1, axis=1)),
}
"""What can go wrong with probabilities ``[n, classes]``."""
FITTED = ("temperature", "favoured")
"""Mistakes of the answer whose size is found by fitting."""


def tempered(expected: Answer, found: Answer) -> tuple[str, Answer]:
    """Return what the float model answers with its logits multiplied as the file's seem to be, by least squares."""
    before, after = (_centred_logits(one) for one in (expected, found))
    factor = float((before * after).sum() / max((before**2).sum(), 1e-12))
    return f"logits are multiplied by {factor:.2g}", softmax(before * factor)


def favoured(expected: Answer, found: Answer) -> tuple[str, Answer]:
    """Return what the float model answers with each class's logit moved as the file's seems to be."""
    before, after = (_centred_logits(one) for one in (expected, found))
    moved = np.median(after - before, axis=0)
    place = int(np.abs(moved).argmax())
    return f"the logit of class {place} is moved by {moved[place]:+.2g}", softmax(before + moved)


def _centred_logits(values: Answer) -> Answer:
    logits = np.log(np.clip(values.astype(np.float64), 1e-9, None))
    return np.asarray(logits - logits.mean(axis=1, keepdims=True))


def sources_of(images: Any, count: int) -> list[Image.Image]:
    """Return the pictures themselves where the split knows them and they are still there, else none."""
    rows = getattr(images, "rows", None)
    if not rows:
        return []
    places = np.unique(np.linspace(0, len(rows) - 1, min(count, len(rows))).round().astype(int))
    try:
        return [decode(Path(rows[place].path)) for place in places.tolist()]
    except MelanomaEdgeError:
        return []


def geometries(sources: Sequence[Image.Image], side: int) -> dict[str, tuple[str, Values]]:
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
