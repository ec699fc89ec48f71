"""Images to be cached, and what a cache must then hold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image

from melanoma_edge.data.cache import CachedPixels
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.files import sha256_of
from melanoma_edge.pixels import load_pixels

SIZE = 16


def catalogued(path: Path) -> CatalogRow:
    """Return the row of a file as it is now."""
    return CatalogRow(path.stem, str(path), "NV", path.stem, "folder", sha256_of(path))


def make_rows(folder: Path, count: int) -> tuple[CatalogRow, ...]:
    """Write different images and return their rows."""
    folder.mkdir(exist_ok=True)
    for index in range(count):
        values = np.random.default_rng(index).integers(0, 256, (20, 30, 3), dtype=np.uint8)
        Image.fromarray(values).save(folder / f"{index:03}.png")
    return tuple(catalogued(folder / f"{index:03}.png") for index in range(count))


def damage(rows: tuple[CatalogRow, ...], *indices: int) -> tuple[CatalogRow, ...]:
    """Cut files short and catalogue what is left of them."""
    for index in indices:
        path = Path(rows[index].path)
        path.write_bytes(path.read_bytes()[: 100 + index])
    return tuple(catalogued(Path(each.path)) for each in rows)


def contents(folder: Path) -> list[str]:
    """Return the endings of what lies in a cache."""
    return sorted(path.suffix for path in folder.iterdir())


def check_all(result: CachedPixels, rows: Sequence[CatalogRow]) -> None:
    assert result.rows == tuple(rows)
    for values, each in zip(result.pixels, rows, strict=True):
        np.testing.assert_array_equal(values, load_pixels(Path(each.path), SIZE))
