"""What images look like: files looked at once, and near-duplicates found without comparing all pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.duplicates import components
from melanoma_edge.data.likeness.index import Index
from melanoma_edge.data.likeness.look import Look
from melanoma_edge.data.likeness.scan import copies_among, scanned
from melanoma_edge.data.likeness.search import Copy
from melanoma_edge.progress import Progress, silent

__all__ = ["Copy", "Index", "Look", "Lookalikes", "copies_among", "distinct", "scanned"]


@dataclass(frozen=True)
class Lookalikes:
    """Find near-duplicates among hashed rows.

    Attributes:
        progress: told of images looked at and looked up.
        workers: processes; as many as there are cores when not given.
    """

    progress: Progress = silent
    workers: int | None = None

    def __call__(self, rows: Sequence[CatalogRow]) -> dict[str, str]:
        """Return a name for each cluster of near-duplicates, by sha256; images alone are in none."""
        paths = sorted({row.path for row in rows})
        with scanned([Path(path) for path in paths], None, self.progress, self.workers) as index:
            firsts = distinct(index, paths)
            copies = copies_among(index, firsts, self.progress, self.workers)
            looks = [index.look(path) for path in paths if index.look(path).pixels]
        numbers = {index.look(path).pixels: number for number, path in enumerate(firsts)}
        joined: list[list[str]] = [[f"image {number}"] for number in range(len(firsts))]
        for copy in copies:
            joined[copy.second].append(f"image {copy.first}")
            joined[copy.first].append(f"image {copy.second}")
        cluster = components(joined)
        members: dict[int, set[str]] = {}
        for look in looks:
            members.setdefault(cluster[numbers[look.pixels]], set()).add(look.sha256)
        return {sha: f"lookalike {min(found)[:16]}" for found in members.values() if len(found) > 1 for sha in found}


def distinct(index: Index, paths: Sequence[str]) -> list[str]:
    """Return the first file of each set of equal pixels among those that can be decoded."""
    first: dict[str, str] = {}
    for path in paths:
        look = index.look(path)
        if look.pixels:
            first.setdefault(look.pixels, path)
    return list(first.values())
