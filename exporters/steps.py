"""What an inventory consists of: operators with their types, weights and multiplications, and their sums."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

_BYTES = 256
LOWEST = -128
"""The int8 that stands for 0 where nothing is negative."""

Shape = tuple[int | None, ...]
"""Sides of a tensor, batch first; None where the file leaves a side open."""


@dataclass(frozen=True)
class Step:
    """Describe one operator. ``activation`` and ``weights`` are dtypes; ``weights`` is empty where there are none.

    Weights are those of convolutions, biases counted apart; what an earlier step has is not counted again.
    ``macs`` are multiplications with addition for one image, of convolutions alone, as elementwise work is small beside
    them; None when the file does not tell the output's shape, which is ``shape``.
    """

    op: str
    layer: str
    activation: str
    weights: str = ""
    weight_bytes: int = 0
    weight_count: int = 0
    zero_weights: int = 0
    biases: int = 0
    macs: int | None = 0
    shape: Shape | None = None


@dataclass(frozen=True)
class CensusRow:
    """Count operators of one kind and type."""

    op: str
    activation: str
    weights: str
    count: int
    weight_bytes: int
    zero_weights: int
    macs: int | None


@dataclass(frozen=True)
class Totals:
    """Sum a file up: ``parameters`` are weights and biases, ``zero_share`` is the share of zeros among weights."""

    operators: int
    macs: int | None
    parameters: int
    weight_bytes: int
    zero_share: float | None


@dataclass(frozen=True)
class Inventory:
    """Describe a file.

    ``levels`` counts how many of the 256 input bytes stay distinct when they enter the network. ``odd_zeros`` names the
    tensors whose zero point cannot be right: the real 0 is the lowest int8 behind a ReLU6, and 0 in weights and biases.
    """

    format: str
    steps: tuple[Step, ...]
    inputs: dict[str, str]
    outputs: dict[str, str]
    levels: int
    odd_zeros: tuple[str, ...] = ()

    def census(self) -> tuple[CensusRow, ...]:
        """Return operators counted by kind and types, sorted."""
        groups: dict[tuple[str, str, str], list[Step]] = {}
        for step in self.steps:
            groups.setdefault((step.op, step.activation, step.weights), []).append(step)
        return tuple(_row(key, steps) for key, steps in sorted(groups.items()))

    def totals(self) -> Totals:
        """Return the sums over all operators."""
        weights = sum(step.weight_count for step in self.steps)
        return Totals(
            operators=len(self.steps),
            macs=_sum_known(step.macs for step in self.steps),
            parameters=weights + sum(step.biases for step in self.steps),
            weight_bytes=sum(step.weight_bytes for step in self.steps),
            zero_share=sum(step.zero_weights for step in self.steps) / weights if weights else None,
        )


def _row(key: tuple[str, str, str], steps: Sequence[Step]) -> CensusRow:
    stored, zeros = sum(step.weight_bytes for step in steps), sum(step.zero_weights for step in steps)
    return CensusRow(*key, len(steps), stored, zeros, _sum_known(step.macs for step in steps))


def _sum_known(numbers: Iterable[int | None]) -> int | None:
    everything = list(numbers)
    known = [number for number in everything if number is not None]
    return sum(known) if len(known) == len(everything) else None


def multiplications(places: Sequence[int | None], weights: int) -> int | None:
    """Return the MACs of a convolution for one image.

    Each place of the output needs every weight once: output channels x taps x input channels of a group are the
    kernel's size, whatever the grouping.

    Args:
        places: height and width of the output.
        weights: the size of the kernel.
    """
    known = [side for side in places if side is not None]
    return math.prod(known) * weights if len(known) == len(places) else None


# How a byte enters: (operation, values). A dequantization followed by a quantization is a requantization.
Entry = tuple[str, tuple[Any, ...]]


def levels(chain: Sequence[Entry]) -> int:
    """Send all bytes through the first operations, in float32 as the runtimes do, and count what stays distinct."""
    values: NDArray[Any] = np.arange(_BYTES, dtype=np.float32)
    with np.errstate(all="ignore"):  # a forged file may divide by zero; then few levels stay, and lint says so
        for operation, numbers in chain:
            values = _through(values, operation, numbers)
    return len(np.unique(values))


def _through(values: NDArray[Any], operation: str, numbers: tuple[Any, ...]) -> NDArray[Any]:
    first = np.float32(numbers[0])
    if operation == "quantize":
        limits = np.iinfo(numbers[2])
        values = np.clip(np.rint(values / first) + numbers[1], limits.min, limits.max)
    elif operation == "dequantize":
        values = (values - np.float32(numbers[1])) * first
    else:
        values = values - first if operation == "subtract" else values * first
    return values.astype(np.float32)
