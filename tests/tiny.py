"""A training that takes seconds: a network of three blocks and images of 48 pixels; for several rooms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from melanoma_edge.model.spec import Block, NetworkSpec
from melanoma_edge.training.config import TrainConfig

CLASSES = ("MEL", "NV", "BKL")
TINY = NetworkSpec(
    family="mobilenet_v2",
    width=1.0,
    image_size=32,
    classes=len(CLASSES),
    stem=8,
    blocks=(Block(0, 8, 1, False), Block(32, 16, 2, False), Block(48, 16, 1, True)),
    last=64,
)


def write_images(folder: Path, per_class: int = 24, seed: int = 0) -> Path:
    """Write class folders of blotches whose colour leans to the class without giving it away."""
    generator = np.random.default_rng(seed)
    for channel, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in range(per_class):
            blotches = generator.integers(0, 200, (5, 5, 3), np.uint8)
            blotches[..., channel] += 55
            Image.fromarray(blotches).resize((48, 48)).save(folder / name / f"{name}_{number:02}.png")
    return folder


def tiny_config(data: Path, **changes: Any) -> TrainConfig:
    """Return a configuration of 3 epochs of 3 steps; it comes out with the tiny network of ``shrink``."""
    config = TrainConfig(data=(str(data),), image_size=32, epochs=3, batch_size=16, learning_rate=3e-3, device="cpu")
    return replace(config, **changes)


@contextmanager
def tiny_home(home: Path) -> Iterator[Path]:
    """Give a folder with tiny images, in which trainings are tiny and caches are its own."""
    write_images(home / "data")
    with pytest.MonkeyPatch.context() as patch:
        shrink(patch)
        patch.setenv("MELANOMA_EDGE_CACHE", str(home / "cache"))
        yield home


def shrink(patch: Any) -> None:
    """Let every training from scratch use the tiny network."""

    def network(family: str, width: float, image_size: int, classes: int) -> NetworkSpec:
        return replace(TINY, classes=classes, image_size=image_size)

    patch.setattr("melanoma_edge.training.trainer.network", network)
