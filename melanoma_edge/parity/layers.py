"""Where an exported file leaves its float model: both run side by side, layer by layer.

Files with learned rounding have channels scaled and moved against the float model's, which the next layer undoes. Of
these each channel is compared up to a factor and an offset: what no straight line explains is noise. Other files are
compared as they are.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.parity.comparison import JudgedRun, accepted
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.runtime.layers import LayerNote, file_layers
from melanoma_edge.runtime.worker import Worker
from melanoma_edge.squares import Squares
from melanoma_edge.strictjson import to_plain

SCHEMA = "melanoma-edge/layers/1"
IMAGES = 64
LARGE = 0.1
"""The share of a layer's signal that it must lose by itself to be named as where it went wrong."""
_BLOCK = 4
_CEILING = 100.0
_UNMOVED = "nearest"
"""The rounding of int8 that leaves channels where they are."""
_TEMPERED = ("head", "logits")
"""Layers that files divide by the temperature in their weights, and the float model afterwards."""
_PADS = ("PAD", "PADV2")
_ADDITION = re.compile(r"(block_\d+)_add$")


@dataclass(frozen=True)
class LayerDrift:
    """Compare one layer with the float model's.

    ``noise`` is the share of the float layer's variance that the file's differs by, at most 1, and ``snr_db`` the same
    as decibels, at most 100; ``added`` is how much of it was not there in front of the layer. ``gain`` is the median
    over channels of the file's size against the float model's, None where the float layer is silent. ``constant`` says
    that it answers every image and place alike where the float layer does not; ``finite`` that all values are numbers.
    """

    name: str
    op: str
    type: str
    noise: float
    snr_db: float
    added: float
    gain: float | None
    constant: bool
    finite: bool


@dataclass(frozen=True)
class LayerReport:
    """Hold the comparison of a file with its float model.

    ``moved`` says that channels may be scaled and moved, ``first_large`` is the first layer that adds much noise.
    """

    run: str
    artifact: str
    sha256: str
    weights_sha256: str
    catalog_sha256: str
    format: str
    precision: str
    rounding: str | None
    moved: bool
    runtime: str
    split: str
    images: int
    reference: str
    large: float
    layers: tuple[LayerDrift, ...]
    ranking: tuple[str, ...]
    first_large: str | None

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        if self.first_large is None:
            worst = next((one for one in self.layers if self.ranking and one.name == self.ranking[0]), None)
            most = f"; the most is {worst.added:.1%} in {worst.name}" if worst else ""
            return f"No layer loses {self.large:.0%} of its signal by itself{most}"
        found = next(one for one in self.layers if one.name == self.first_large)
        if not found.finite:
            return f"Layer {found.name} gives values that are no numbers"
        if found.constant:
            return f"Layer {found.name} answers every image alike"
        place = self.layers.index(found)
        if not self.moved or not place:
            return f"Layer {found.name} loses {found.added:.0%} of its signal, while what enters it is still right"
        before = next((one.name for one in self.layers[place - 1 :: -1] if one.op not in _PADS), "the pixels")
        return (
            f"Layer {found.name} loses {found.added:.0%} of its signal; the fault is there or in {before} before it "
            "(scaled channels show one layer later)"
        )


def compare_layers(
    run: JudgedRun,
    artifact: Path,
    model: Worker,
    split: str = "test",
    *,
    images: int = IMAGES,
    progress: Progress = silent,
) -> LayerReport:
    """Run a file and its float model side by side and compare every layer that both have.

    Args:
        run: whose contract the file has.
        artifact: a ``.tflite`` or ``.onnx`` file.
        model: the ``float_model`` of the reference, entered.
        split: whose images are shown, evenly spread over it.
        images: how many.
        progress: told of images done.

    Raises:
        UsageError: for an ``.ort`` file.
        TrustError, MachineError: as ``compare``.
    """
    (record,) = accepted(run, [artifact])
    pixels = spread(run.images(split).pixels, images)
    sums: dict[str, _Sums] = {}
    with file_layers(record.path) as file:
        notes = {note.name: note for note in file.introduction}
        names = [name for name in model.introduction if name in notes]
        for start in range(0, len(pixels), _BLOCK):
            block = pixels[start : start + _BLOCK]
            expected, found = model.ask(("layers", block)), file.ask(block)
            for name in names:
                sums.setdefault(name, _Sums(expected[name].shape[-1])).add(expected[name], found[name])
            progress("comparing layers", min(start + _BLOCK, len(pixels)), len(pixels))
    free = names if _moved(record) else [name for name in names if name in _TEMPERED]
    layers = _drifts(names, sums, notes, free)
    ranked = sorted((one for one in layers if one.added > 0), key=lambda one: -one.added)
    return LayerReport(
        run=str(run.path),
        artifact=str(artifact),
        sha256=record.sha256,
        weights_sha256=run.contract.provenance.weights_sha256,
        catalog_sha256=run.contract.provenance.catalog_sha256,
        format=record.format,
        precision=record.precision,
        rounding=record.rounding,
        moved=_moved(record),
        runtime="litert-plain" if record.format == "tflite" else "onnxruntime",
        split=split,
        images=len(pixels),
        reference=run.contract.provenance.reference_sha256,
        large=LARGE,
        layers=tuple(layers),
        ranking=tuple(one.name for one in ranked),
        first_large=next((one.name for one in layers if one.added >= LARGE), None),
    )


def _moved(record: ArtifactRecord) -> bool:
    """Tell whether channels may stand elsewhere than in the float model: by learned rounding, here or in the run."""
    learned = record.calibration is not None and record.rounding != _UNMOVED
    return learned or record.contract.provenance.method == "quantize"


def spread(pixels: Squares, count: int) -> NDArray[np.uint8]:
    """Return at most ``count`` images, evenly spread over ``pixels`` ``[n, N, N, 3]``."""
    places = np.unique(np.linspace(0, len(pixels) - 1, min(count, len(pixels))).round().astype(int))
    return pixels[places.tolist()]


class _Sums:
    """Add up, per channel, what the comparison needs: no tensor is kept."""

    def __init__(self, channels: int) -> None:
        self.count = 0
        self.float, self.file = np.zeros(channels), np.zeros(channels)
        self.float_2, self.file_2, self.both = np.zeros(channels), np.zeros(channels), np.zeros(channels)
        self.finite = True

    def add(self, expected: NDArray[np.float32], found: NDArray[np.float32]) -> None:
        wanted = expected.reshape(-1, expected.shape[-1]).astype(np.float64)
        given = found.reshape(-1, expected.shape[-1]).astype(np.float64)
        self.finite &= bool(np.isfinite(given).all())
        given = np.nan_to_num(given, nan=0.0, posinf=0.0, neginf=0.0)
        self.count += len(wanted)
        self.float += wanted.sum(axis=0)
        self.file += given.sum(axis=0)
        self.float_2 += (wanted**2).sum(axis=0)
        self.file_2 += (given**2).sum(axis=0)
        self.both += (wanted * given).sum(axis=0)

    def gains(self) -> NDArray[np.float64]:
        """Return the best factor of each channel; NaN where the float channel does not vary."""
        varies = self._variance(self.float, self.float_2)
        together = self.both - self.float * self.file / max(self.count, 1)
        return np.where(varies > 0, together / np.where(varies > 0, varies, 1.0), np.nan)

    def noise(self, free: bool) -> float:
        """Return the share of variance that is lost, or if ``free`` that no straight line per channel explains."""
        varies = np.maximum(self._variance(self.float, self.float_2), 0.0)
        if free:
            gains = np.nan_to_num(self.gains())
            left = np.maximum(self._variance(self.file, self.file_2) - gains**2 * varies, 0.0).sum()
            signal = (varies * gains**2).sum()
        else:
            left = np.maximum(self.file_2 - 2 * self.both + self.float_2, 0.0).sum()
            signal = varies.sum()
        return float(min(1.0, left / signal)) if signal > 0 else float(self.varies)

    @property
    def varies(self) -> bool:
        """Whether the float layer does."""
        return bool(self._variance(self.float, self.float_2).sum() > 0)

    @property
    def constant(self) -> bool:
        """Whether the file's layer does not vary though the float layer does."""
        still = self._variance(self.file, self.file_2) <= 1e-9 * np.maximum(self.file_2, 1e-30)
        return self.varies and bool(still.all())

    def _variance(self, total: NDArray[np.float64], squares: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(squares - total**2 / max(self.count, 1))


def _drifts(
    names: Sequence[str], sums: Mapping[str, _Sums], notes: Mapping[str, LayerNote], free: Sequence[str]
) -> list[LayerDrift]:
    layers: list[LayerDrift] = []
    noises: dict[str, float] = {}
    for place, name in enumerate(names):
        one = sums[name]
        broken = one.constant or not one.finite
        noises[name] = 1.0 if broken else one.noise(name in free)
        before = max((noises[other] for other in _inputs(names, place)), default=0.0)
        gains = one.gains()
        layers.append(
            LayerDrift(
                name=name,
                op=notes[name].op,
                type=notes[name].type,
                noise=noises[name],
                snr_db=_decibels(noises[name]),
                added=max(0.0, noises[name] - before),
                gain=float(np.nanmedian(gains)) if np.isfinite(gains).any() else None,
                constant=one.constant,
                finite=one.finite,
            )
        )
    return layers


def _inputs(names: Sequence[str], place: int) -> list[str]:
    """Name the layers in front of one: the one before it, and for an addition also the end of the block before."""
    found = [names[place - 1]] if place else []
    if addition := _ADDITION.match(names[place]):
        block = f"{addition.group(1)}_"
        outside = [name for name in names[:place] if not name.startswith(block)]
        found += outside[-1:]
    return found


def _decibels(noise: float) -> float:
    return _CEILING if noise <= 0 else float(min(_CEILING, -10 * np.log10(noise)))


def to_document(report: LayerReport, diagnosis: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return the JSON of a report; ``diagnosis`` is what ``faults`` found."""
    return {"schema": SCHEMA, **to_plain(report), "sentence": report.sentence, "diagnosis": diagnosis}
