"""A contract and a drawn split that the tests of parity share."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from toys import toy_contract

from melanoma_edge.contract import ModelContract, OperatingPoint, Provenance

sys.path.insert(0, str(Path(__file__).parent))

CLASSES = ("MEL", "NV", "BCC", "DF")


@dataclass(frozen=True, eq=False)
class Drawn:
    """Hold a drawn split: probabilities ``[n, 4]``, labels, ids and groups of one image each."""

    probabilities: NDArray[np.float64]
    labels: NDArray[np.int64]
    ids: list[str]
    groups: list[str]


def draw(melanomas: int, others: int, seed: int = 0) -> Drawn:
    """Return a split of which a softmax model knows something."""
    generator = np.random.default_rng(seed)
    labels = np.concatenate([np.zeros(melanomas, np.int64), 1 + np.arange(others) % 3])
    logits = generator.normal(size=(len(labels), 4)) + 2 * np.eye(4)[labels]
    raised = np.exp(logits)
    names = [f"{i:04d}" for i in range(len(labels))]
    return Drawn(raised / raised.sum(1, keepdims=True), labels, names, [f"lesion {name}" for name in names])


@pytest.fixture(scope="session")
def contract() -> ModelContract:
    return toy_contract(
        classes=CLASSES,
        malignant_classes=("MEL", "BCC"),
        class_prior=(0.25, 0.25, 0.25, 0.25),
        input_size=8,
        temperature=1.0,
        operating_point=OperatingPoint(0.3, 0.95, 80, 0, True),
        provenance=Provenance("test", "train", ("toy",), ("none",), True, "0" * 64, "1" * 64, "1" * 64),
    )


@pytest.fixture(scope="session")
def drawn() -> Drawn:
    return draw(74, 260)
