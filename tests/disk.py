"""Pictures and tables on disk, as data sets lay them out; for tests of what reads them."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import numpy as np
from PIL import Image


def photo(path: Path, number: int) -> Path:
    """Write a small picture of noise; another number gives another."""
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(number).integers(0, 256, (8, 8, 3), np.uint8)
    Image.fromarray(pixels).save(path)
    return path


def photos(folder: Path, names: Iterable[str]) -> None:
    """Write one picture for each file name, no two alike."""
    for number, name in enumerate(names):
        photo(folder / name, number)


def table(path: Path, *lines: str) -> Path:
    """Write a table of these lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(lines) + "\n", "utf-8")
    return path
