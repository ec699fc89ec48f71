"""A model of a few lines, whose score is how red a photo is."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
import pytest
from PIL import Image
from toys import toy_contract

import melanoma_edge.prediction
from melanoma_edge.contract import ModelContract, OperatingPoint, Provenance
from melanoma_edge.safeguards import QualityLimits, Safeguards

SIZE = 8
ANYTHING = Safeguards(QualityLimits(1, 10**6, 0, 0, 25500, 1000, 0))
"""Limits that every photo keeps."""


def red_contract(synthetic: bool = False, **changes: Any) -> ModelContract:
    """Return the contract of such a model, changed in some fields."""
    fields: dict[str, Any] = {
        "classes": ("MEL", "NV", "BCC"),
        "malignant_classes": ("MEL", "BCC"),
        "input_size": SIZE,
        "temperature": 1.0,
        "operating_point": OperatingPoint(0.5, 0.95, 80, 0, True),
        "provenance": Provenance("test", "train", ("toy",), ("none",), synthetic, "0" * 64, "1" * 64, "1" * 64),
        "safeguards": ANYTHING,
    }
    return toy_contract(**{**fields, **changes})


class RednessRunner:
    """Take the mean of the red channel, 0 to 255, as melanoma score 0 to 1."""

    name = "redness"

    def __init__(self, contract: ModelContract) -> None:
        self.contract = contract
        self.closed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.closed = True

    def infer(self, batch: Any) -> Any:
        assert batch.shape == (1, SIZE, SIZE, 3) and batch.dtype == np.uint8
        red = batch[..., 0].mean(axis=(1, 2)) / 255
        return np.stack([red, (1 - red) / 2, (1 - red) / 2], axis=1).astype(np.float32)

    def infer_all(self, batch: Any) -> Any:
        return {"probabilities": self.infer(batch), "embedding": batch[:, 0, 0].astype(np.float32)}


def answering(monkeypatch: pytest.MonkeyPatch) -> RednessRunner:
    """Let ``predict`` open such a model whatever file it is given."""
    made = RednessRunner(red_contract())
    monkeypatch.setattr(melanoma_edge.prediction, "open_model", lambda model, threads=None: made)
    return made


def red_photo(path: Path, red: int = 0, size: tuple[int, int] = (16, 16)) -> Path:
    """Write a photo of one colour, 0 to 255 in red."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (red, 0, 0)).save(path)
    return path
