"""What a synthetic set holds, decided without drawing anything."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from melanoma_edge.errors import UsageError

CLASSES = ("AK", "BCC", "BKL", "DF", "MEL", "NV", "VASC")

OTHERS = {"NV": 0.48, "BKL": 0.15, "BCC": 0.12, "AK": 0.10, "DF": 0.075, "VASC": 0.075}
"""How the lesions that are no melanoma are shared out: many nevi, few of the rare classes."""

VIEWS = (0.75, 0.20, 0.05)
"""Shares of lesions photographed once, twice and three times: 1.3 images per lesion on average."""

SMALLEST, LARGEST = 32, 2048


class Stream(IntEnum):
    """Name the separate random streams; only ``APPEARANCE`` is ever used together with a class."""

    PLAN = 0
    APPEARANCE = 1
    PATIENT = 2
    SCENE = 3
    SENSOR = 4


def generator(seed: int, purpose: Stream, lesion: int, view: int = 0) -> np.random.Generator:
    """Return the random stream for one purpose of one lesion, whatever else is drawn."""
    return np.random.Generator(np.random.PCG64((seed, int(purpose), lesion, view)))


@dataclass(frozen=True)
class SyntheticSpec:
    """Describe a set: ``lesions`` of which ``melanoma_share`` are melanomas, stored ``image_size`` pixels high.

    Images are a third wider than high, as dermatoscopes make them.

    Raises:
        UsageError: when a value lies outside its range.
    """

    lesions: int = 2400
    melanoma_share: float = 0.25
    image_size: int = 160
    seed: int = 0

    def __post_init__(self) -> None:
        _within("lesions", self.lesions, 1, 1_000_000)
        _within("melanoma_share", self.melanoma_share, 0.0, 1.0)
        _within("image_size", self.image_size, SMALLEST, LARGEST)
        _within("seed", self.seed, 0, 2**32 - 1)

    @property
    def width(self) -> int:
        """The stored width in pixels."""
        return self.image_size * 4 // 3


def _within(name: str, value: float, low: float, high: float) -> None:
    if not low <= value <= high:
        raise UsageError(f"{name} is {value}", where="synthetic set", fix=f"give a value from {low} to {high}")


@dataclass(frozen=True)
class View:
    """Name one image: view number ``view`` of the lesion at position ``lesion``."""

    image_id: str
    lesion_id: str
    label: str
    lesion: int
    view: int


def plan(spec: SyntheticSpec) -> tuple[View, ...]:
    """Return every image of the set in order of its id.

    A lesion does not depend on how many follow it: a longer set with the same seed and melanoma share
    starts with the shorter one.
    """
    return tuple(
        View(f"SYN_{lesion:06d}_{view}", f"SYN_{lesion:06d}", label, lesion, view)
        for lesion, label in enumerate(_labels(spec))
        for view in range(_view_count(spec.seed, lesion))
    )


def _labels(spec: SyntheticSpec) -> list[str]:
    """Give each lesion the class that is furthest behind its share, so that every prefix keeps the shares."""
    rest = 1.0 - spec.melanoma_share
    shares = np.array([spec.melanoma_share if name == "MEL" else OTHERS[name] * rest for name in CLASSES])
    given = np.zeros(len(CLASSES))
    labels = []
    for lesion in range(spec.lesions):
        chosen = int(np.argmax(shares * (lesion + 1) - given))
        given[chosen] += 1
        labels.append(CLASSES[chosen])
    return labels


def _view_count(seed: int, lesion: int) -> int:
    drawn = generator(seed, Stream.PLAN, lesion).random()
    return 1 + int(drawn >= VIEWS[0]) + int(drawn >= VIEWS[0] + VIEWS[1])
