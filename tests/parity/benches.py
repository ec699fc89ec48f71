"""Runs and files of drawn answers, which ``compare`` takes for real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.parity import compare
from melanoma_edge.runtime.artifact import seal, unsealed_document


class Drawn(Protocol):
    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    ids: list[str]
    groups: list[str]


def with_lost(drawn: Drawn, count: int) -> NDArray[np.float64]:
    """Return outputs in which the first ``count`` referred melanomas are no longer referred."""
    exported = drawn.probabilities.copy()
    referred = np.flatnonzero((drawn.labels == 0) & (exported[:, 0] >= 0.3))[:count]
    exported[referred] = [0.05, 0.85, 0.05, 0.05]
    return exported


@dataclass
class Canned:
    """Give outputs made before, batch by batch, and count how often it was opened."""

    outputs: NDArray[Any]
    contract: ModelContract
    name: str = "canned"
    options: dict[str, str] = field(default_factory=lambda: {"session.fast": "1"})
    opened: int = 0
    error: Exception | None = None

    def __enter__(self) -> Self:
        self.opened += 1
        if self.error:
            raise self.error
        self.place = 0
        return self

    def __exit__(self, *rest: object) -> None: ...

    def infer(self, batch: NDArray[np.uint8]) -> NDArray[Any]:
        assert batch.dtype == np.uint8 and batch.shape[1:] == (8, 8, 3)
        start, self.place = self.place, self.place + len(batch)
        return self.outputs[start : self.place]


@dataclass
class Images:
    ids: Sequence[str]
    groups: Sequence[str]
    labels: NDArray[np.int64]
    pixels: NDArray[np.uint8]


@dataclass
class Run:
    path: Path
    contract: ModelContract
    drawn: Drawn

    def images(self, split: str) -> Images:
        assert split == "test"
        pixels = np.zeros((len(self.drawn.ids), 8, 8, 3), np.uint8)
        return Images(self.drawn.ids, self.drawn.groups, self.drawn.labels, pixels)

    def reference(self) -> Run:
        return self


@dataclass
class Bench:
    """Hold a run, its files and what each gives."""

    run: Run
    runners: dict[Path, Canned]

    def add(self, name: str, outputs: NDArray[Any], contract: ModelContract | None = None) -> Path:
        path = self.run.path / name
        document = unsealed_document(path.suffix[1:], "int8", contract or self.run.contract, None)
        path.write_bytes(seal(b"model" + document.encode() + b"end"))
        self.runners[path] = Canned(outputs, self.run.contract)
        return path

    def compare(self, *paths: Path, **options: Any) -> Any:
        return compare(self.run, paths, resamples=50, runner_of=self.runners.__getitem__, **options)
