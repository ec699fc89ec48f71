"""Which layers of an int8 file must be float again for it to decide as its float model does.

The file is taken apart into the float numbers that its integers stand for and the ranges of its activations. What is
made of them decides as the file does, whatever is wrong with it; and in that, layers of the float model can stand in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporters import flatbuffer
from exporters.material import ROUNDINGS, Material, Recipe
from exporters.plan import Keep
from exporters.precision import Precision
from exporters.search import Goal, Judged, search
from melanoma_edge.compression.ranges import Ranges
from melanoma_edge.errors import UsageError
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import ArtifactRecord, read_artifact
from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/bisect/1"
_LOW, _HIGH = -128, 127


@dataclass(frozen=True)
class Trial:
    """Say whether the file was good with some layers in float, and which limits it missed."""

    layers: tuple[str, ...]
    good: bool
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Bisection:
    """Hold the smallest set of layers found: none of them can be int8 again without a limit being missed.

    Empty when the file is good as it is.
    """

    schema: str
    run: str
    artifact: str
    sha256: str
    weights_sha256: str
    catalog_sha256: str
    split: str
    layers: tuple[str, ...]
    tried: tuple[Trial, ...]


class TakenApart(Material):
    """Make files as ``Material`` does, but of the numbers and ranges that an int8 file holds."""

    def __init__(self, run: Run, record: ArtifactRecord, data: bytes, progress: Progress = silent) -> None:
        note = record.calibration
        rounding = record.rounding if record.rounding in ROUNDINGS else ROUNDINGS[0]
        images, seed = (note.images, note.seed) if note else (Recipe.calibration_images, Recipe.seed)
        super().__init__(run, Recipe(images, seed, rounding), progress)
        self._data = data

    @cached_property
    def on_grid(self) -> bytes:
        """The float model with the numbers of the file in its place."""
        model = flatbuffer.load(self.smooth)
        given = _constants(self._data)
        for tensor in model.subgraphs[0].tensors:
            own, other = flatbuffer.constant(model, tensor), given.get(flatbuffer.tensor_name(tensor))
            if own is not None and own.dtype == np.float32 and other is not None and own.shape == other.shape:
                model.buffers[tensor.buffer].data = np.frombuffer(other.astype(np.float32).tobytes(), np.uint8)
        return flatbuffer.pack(model)

    @cached_property
    def ranges(self) -> Ranges:
        """The ranges of the file, and where it has none, those of the calibration images."""
        return {**self.measured.ranges(Precision.INT8.bits), **_ranges(self._data)}


def bisect(run: Run, artifact: Path, goal: Goal, progress: Progress = silent) -> Bisection:
    """Find the smallest set of layers of an int8 file whose return to float makes it good.

    Blocks are moved to float by effect until the judge is content, as ``search`` does; then layers one by one back.

    Args:
        run: whose contract the file has.
        artifact: a ``.tflite`` file in int8.
        goal: says what is good.
        progress: told of what is done.

    Raises:
        UsageError: for another format or precision.
        SearchFailed: when not even all layers in float make it good: the fault lies before or behind them.
    """
    record, data = read_artifact(artifact)
    if (record.format, record.precision) != ("tflite", Precision.INT8):
        fix = "give the .tflite file of precision int8 of the same run"
        what = f"cannot take a {record.format} file of {record.precision} apart"
        raise UsageError(what, where=str(artifact), fix=fix)
    material = TakenApart(run, record, data, progress)
    tried: list[Trial] = []

    def judge(path: Path, layers: Sequence[str]) -> Judged:
        found = goal.judge(path)
        tried.append(Trial(tuple(layers), found.good, found.missed))
        return found

    plan, searched = search(material, goal)
    tried += [Trial(one.float_units, one.good, one.missed) for one in searched.candidates]
    smallest = _smallest(material, dict(plan), judge)
    told = run.contract.provenance
    return Bisection(
        schema=SCHEMA,
        run=str(run.path),
        artifact=str(artifact),
        sha256=record.sha256,
        weights_sha256=told.weights_sha256,
        catalog_sha256=told.catalog_sha256,
        split=goal.split,
        layers=tuple(smallest),
        tried=tuple(tried),
    )


def _smallest(material: Material, plan: dict[str, Keep], judge: Any) -> dict[str, Keep]:
    """Return a plan of which no layer can be left out."""
    with TemporaryDirectory(prefix="melanoma-edge-bisect-") as folder:
        path = Path(folder) / "candidate.tflite"
        for name in list(plan):
            less = {other: kind for other, kind in plan.items() if other != name}
            if not less:
                break  # the empty plan was the first that the search tried
            path.write_bytes(material.sealed_tflite(Precision.INT8, less))
            if judge(path, tuple(less)).good:
                plan = less
    return plan


def _constants(data: bytes) -> Mapping[str, NDArray[Any]]:
    """Return the numbers that the constants of a file stand for, by tensor."""
    model = flatbuffer.load(data)
    found = {}
    for tensor in model.subgraphs[0].tensors:
        values = flatbuffer.constant(model, tensor)
        if values is not None:
            found[flatbuffer.tensor_name(tensor)] = _real(values, tensor.quantization)
    return found


def _real(values: NDArray[Any], quantized: Any) -> NDArray[Any]:
    if quantized is None or quantized.scale is None or not len(quantized.scale):
        return values
    scales = np.asarray(quantized.scale, np.float64)
    sides = [1] * values.ndim
    sides[int(quantized.quantizedDimension or 0)] = len(scales)
    zeros = np.asarray(quantized.zeroPoint, np.float64)
    return np.asarray((values - zeros.reshape(sides)) * scales.reshape(sides))


def _ranges(data: bytes) -> dict[str, tuple[float, float]]:
    model = flatbuffer.load(data)
    found = {}
    for tensor in model.subgraphs[0].tensors:
        told = flatbuffer.scale_and_zero(tensor)
        if told and flatbuffer.dtype_name(tensor) == "int8" and flatbuffer.constant(model, tensor) is None:
            scale, zero = told
            found[flatbuffer.tensor_name(tensor)] = ((_LOW - zero) * scale, (_HIGH - zero) * scale)
    return found
