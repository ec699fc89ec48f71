"""A contract, drawn images and a runner that answers from the pixels, for tests that train nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import numpy as np
from toys import toy_contract

from melanoma_edge.contract import ModelContract, OperatingPoint, Provenance
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.evidence.material import Material
from melanoma_edge.evidence.models import Model

CLASSES = ("MEL", "NV", "BCC")


def contract_of(**changes: Any) -> ModelContract:
    values: dict[str, Any] = {
        "name": "stub",
        "classes": CLASSES,
        "malignant_classes": ("MEL", "BCC"),
        "class_prior": (1 / 3, 1 / 3, 1 / 3),
        "input_size": 16,
        "temperature": 1.0,
        "operating_point": OperatingPoint(0.3, 0.95, 80, 1, False),
        "provenance": Provenance("test", "train", ("stub",), ("none",), False, "0" * 64, "1" * 64, "1" * 64),
    }
    return toy_contract(**{**values, **changes})


def material_of(images: int = 90, seed: int = 0, **changes: Any) -> Material:
    """Draw images whose mean colour leans to the class; every third lesion has two."""
    generator = np.random.default_rng(seed)
    labels = np.arange(images) % 3
    pixels = generator.integers(60, 120, (images, 16, 16, 3), np.uint8)
    lean = generator.normal(30, 25, images).clip(0, 120).astype(np.uint8)
    pixels[np.arange(images), :, :, labels] += lean[:, None, None]
    rows = tuple(
        CatalogRow(
            image_id=f"i{number:04d}",
            path=f"/nowhere/i{number:04d}.png",
            label=CLASSES[number % 3],
            group=f"g{number % 3}-{number // 4}",
            source="stub",
            sha256=f"{number:064x}",
            split="test",
            extra={"age": f"{20 + number % 70}.0", "sex": ("male", "female", "unknown")[number % 5 % 3]},
        )
        for number in range(images)
    )
    values: dict[str, Any] = {
        "rows": rows,
        "labels": labels,
        "pixels": pixels,
        "split": "test",
        "received": images,
        "left_out": (),
        "synthetic": False,
    }
    return Material(**{**values, **changes})


@dataclass
class StubRunner:
    """Answer the softmax of the mean colour; ``seen`` are the sizes of the batches it was asked."""

    path: Path
    broken: str = ""
    name: str = "stub"
    seen: list[int] = field(default_factory=list)

    @property
    def options(self) -> Mapping[str, str]:
        return {}

    @property
    def contract(self) -> ModelContract:
        return contract_of()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def infer(self, batch: np.ndarray) -> np.ndarray:
        self.seen.append(len(batch))
        raised = np.exp(batch.mean(axis=(1, 2)) / 10 - 10)
        found = (raised / raised.sum(axis=1, keepdims=True)).astype(np.float32)
        if self.broken == "nan":
            found[0, 0] = np.nan
        return found[:, :2] if self.broken == "columns" else found

    def infer_all(self, batch: np.ndarray) -> dict[str, np.ndarray]:
        return {"probabilities": self.infer(batch)}


def model_of(**changes: Any) -> Model:
    return Model(Path("stub-model"), None, None, contract_of(**changes))
