"""Accuracy-aware search: the fewest blocks that must stay in float for int8 to decide as the float model does.

Int8 errs by the rounding of weights and of activations, a little in every block and mostly in the first ones. How much
a block matters is measured on calibration images, with that block alone in int8; what is good enough is judged by the
caller, on validation images. Blocks are moved to float in the order of their effect until the judge is content.
"""

from __future__ import annotations

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from exporters.answers import answers
from exporters.material import AS_THE_RUN, Material
from exporters.plan import Keep, Plan, layers, units
from exporters.precision import Precision
from melanoma_edge.errors import ParityFailed
from melanoma_edge.model.cost import layer_costs
from melanoma_edge.runtime.benchmark import benchmark
from melanoma_edge.runtime.measured import Setting

SCHEMA = "melanoma-edge/search/1"
MOST_FLOAT = 0.5
"""The share of multiplications in float at which the search gives up: what is left has little of int8."""
FORMAT, RUNTIME = "tflite", "litert"
"""What candidates are written as, and what they run in: a file of another format has other bytes and another speed."""
_IMAGES = 256
Floats = NDArray[np.floating[Any]]
_BAND = 1.0


@dataclass(frozen=True)
class Judged:
    """Say whether a candidate is good, with its numbers by the gate's names, and the names of limits it misses."""

    good: bool
    values: Mapping[str, float | None]
    missed: tuple[str, ...]


@dataclass(frozen=True)
class Goal:
    """Say what is wanted: ``judge`` decides over a file on ``split``; ``limits`` are its limits, for the record."""

    judge: Callable[[Path], Judged]
    limits: Mapping[str, float | int | None]
    split: str = "validation"
    most_float: float = MOST_FLOAT


@dataclass(frozen=True)
class Candidate:
    """Describe one file that was tried; ``float_macs`` is the share of multiplications in float, with the head's."""

    float_units: tuple[str, ...]
    bytes: int
    float_macs: float
    values: Mapping[str, float | None]
    missed: tuple[str, ...]
    good: bool


@dataclass(frozen=True)
class Price:
    """Compare the chosen file with plain int8 in LiteRT on one thread of this machine, measured in turns.

    ``latency_ratio`` is the median over rounds, with the range of 90 % of them; above 1 is slower. Phones that multiply
    int8 faster than float pay more than this machine may.
    """

    bytes: int
    ms: float
    plain_ms: float
    latency_ratio: float
    latency_ratio_low: float
    latency_ratio_high: float
    machine: str


@dataclass(frozen=True)
class SearchRecord:
    """Hold every candidate's numbers.

    One search serves the files of all formats: they keep the same layers in float. Its candidates are of one format,
    so that bytes, price and what the judge found are those of that format, also where the record lies beside another.

    Attributes:
        format: of the candidates.
        runtime: that they were run and timed in.
        limits: what was asked for.
        split: where candidates were judged.
        effects: of each block alone in int8: the share of decisions it turns, over thresholds near the operating one.
        effect_images: calibration images that effects were measured on.
        most_float: the share of multiplications at which the search gives up.
        candidates: in the order tried.
        chosen: the place of the good one among them, or None.
        price: what it costs; None for plain int8.
    """

    schema: str
    format: str
    runtime: str
    limits: Mapping[str, float | int | None]
    split: str
    effects: Mapping[str, float]
    effect_images: int
    most_float: float
    candidates: tuple[Candidate, ...]
    chosen: int | None
    price: Price | None


class SearchFailed(ParityFailed):
    """Report that no mixture within bounds was good; ``record`` holds all that were tried."""

    def __init__(self, what: str, *, fix: str, where: str = "", record: SearchRecord | None = None) -> None:
        super().__init__(what, fix=fix, where=where)
        self.record = record


def search(material: Material, goal: Goal) -> tuple[Plan, SearchRecord]:
    """Find the layers that must stay in float.

    Args:
        material: of the run.
        goal: what is wanted.

    Returns:
        The plan, empty when plain int8 is good, and every candidate's numbers.

    Raises:
        SearchFailed: when all candidates with at most ``goal.most_float`` of the multiplications in float were tried.
    """
    with tempfile.TemporaryDirectory(prefix="melanoma-edge-search-") as folder:
        return _Search(material, goal, Path(folder)).run()


@dataclass
class _Search:
    material: Material
    goal: Goal
    folder: Path
    candidates: list[Candidate] = field(default_factory=list)
    effects: dict[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._units = units(layers(self.material.on_grid))
        costs = layer_costs(self.material.run.network)
        self._macs = {name: cost.macs for name, cost in costs.items()}

    def run(self) -> tuple[Plan, SearchRecord]:
        """Try plain int8, then more and more blocks in float."""
        if self._try(()):
            return {}, self._record(chosen=0)
        order = self._ranked()
        tried = [order[: count + 1] for count in range(len(order))]
        tried = [some for some in tried if self._share(some) <= self.goal.most_float]
        for done, some in enumerate(tried):
            self.material.progress("searching", done, len(tried))
            if self._try(some):
                self.material.progress("searching", len(tried), len(tried))
                return self._plan(some), self._record(chosen=len(self.candidates) - 1)
        raise self._failure()

    def _try(self, some: Sequence[str]) -> bool:
        path = self._path(len(self.candidates))
        path.write_bytes(self.material.sealed_tflite(Precision.INT8, self._plan(some)))
        found, size = self.goal.judge(path), path.stat().st_size
        candidate = Candidate(tuple(some), size, self._share(some), found.values, found.missed, found.good)
        self.candidates.append(candidate)
        return found.good

    def _path(self, place: int) -> Path:
        return self.folder / f"candidate-{place}.{FORMAT}"

    def _plan(self, some: Sequence[str]) -> dict[str, Keep]:
        wanted = {name for unit in some for name in self._units[unit]}
        return {name: Keep.FLOAT32 for members in self._units.values() for name in members if name in wanted}

    def _share(self, some: Sequence[str]) -> float:
        body = {name for members in self._units.values() for name in members}
        inside = {name for unit in some for name in self._units[unit]}
        macs = sum(count for name, count in self._macs.items() if name in inside or name not in body)
        return macs / sum(self._macs.values())

    def _ranked(self) -> list[str]:
        """Return blocks by their effect alone in int8, the largest first."""
        material, names = self.material, list(self._units)
        pixels = material.chosen.pixels[:: max(1, len(material.chosen.pixels) // _IMAGES)][:_IMAGES]
        expected = answers(material.smooth, pixels)
        for done, name in enumerate(names):
            material.progress("measuring blocks", done, len(names))
            rest = self._plan([other for other in names if other != name])
            found = answers(material.mixed(Precision.INT8, material.ranges, rest), pixels)
            contract = material.run.contract
            scores = [contract.target_score(one.astype(np.float64)) for one in (expected, found)]
            self.effects[name] = turned(scores[0], scores[1], contract.threshold)
        material.progress("measuring blocks", len(names), len(names))
        self._effect_images = len(pixels)
        return sorted(names, key=lambda name: -self.effects[name])

    def _record(self, chosen: int | None) -> SearchRecord:
        return SearchRecord(
            schema=SCHEMA,
            format=FORMAT,
            runtime=RUNTIME,
            limits=self.goal.limits,
            split=self.goal.split,
            effects=self.effects,
            effect_images=self._effect_images if self.effects else 0,
            most_float=self.goal.most_float,
            candidates=tuple(self.candidates),
            chosen=chosen,
            price=self._price(chosen) if chosen else None,
        )

    def _price(self, chosen: int) -> Price:
        paths = [self._path(0), self._path(chosen)]
        measured = benchmark(paths, Setting((RUNTIME,), starts=1), self.material.progress)
        plain, mixed = (_timing(row) for row in measured.rows)
        return Price(
            bytes=self.candidates[chosen].bytes - self.candidates[0].bytes,
            ms=mixed.p50_ms,
            plain_ms=plain.p50_ms,
            latency_ratio=mixed.ratio.value,
            latency_ratio_low=mixed.ratio.low,
            latency_ratio_high=mixed.ratio.high,
            machine=measured.machine.processor,
        )

    def _failure(self) -> SearchFailed:
        record = self._record(chosen=None)
        best = min(self.candidates, key=lambda one: (len(one.missed), one.float_macs))
        numbers = ", ".join(f"{name} {_number(best.values[name])}" for name in best.missed)
        inside = f"{' and '.join(best.float_units)} in float" if best.float_units else "plain int8"
        what = (
            f"no mixture with at most {self.goal.most_float:.0%} of the multiplications in float keeps the limits "
            f"on {self.goal.split}; best of {len(self.candidates)}: {inside}, which still misses {numbers}"
        )
        fix = "allow more loss, export --precision float16, or train a network that bears rounding better"
        if self.material.rounding == AS_THE_RUN:
            fix = "export the run that this one was quantized from: blocks in float then have weights never rounded"
        return SearchFailed(what, where=str(self.material.run.path), fix=fix, record=record)


def turned(before: Floats, after: Floats, threshold: float) -> float:
    """Return the share of decisions that differ, averaged over thresholds within one unit of log-odds of ``threshold``.

    At one threshold flips are too few to compare blocks by; their average over many is the mean length of the scores'
    changes inside that band.

    Args:
        before: scores 0..1, ``[n]``.
        after: scores of the same images, ``[n]``.
        threshold: of the decision.
    """
    low, high = (_odds(end(before, after)) for end in (np.minimum, np.maximum))
    middle = float(_odds(np.array(threshold)))
    inside = np.minimum(high, middle + _BAND) - np.maximum(low, middle - _BAND)
    return float(np.clip(inside, 0, None).mean() / (2 * _BAND))


def _odds(share: Floats) -> Floats:
    safe = np.clip(share, 1e-9, 1 - 1e-9)
    return np.asarray(np.log(safe / (1 - safe)))


def _timing(row: Any) -> Any:
    if row.error:
        raise row.error
    return row.timing


def _number(value: float | None) -> str:
    return "undefined" if value is None or math.isnan(value) else f"{value:.4f}"
