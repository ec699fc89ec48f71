"""What an audit would do, before it does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.data.cache import cache_folder
from melanoma_edge.data.likeness.index import opened
from melanoma_edge.data.likeness.look import THUMB_BYTES
from melanoma_edge.data.reading import Reading
from melanoma_edge.data.sources import read_listings
from melanoma_edge.data.workers import check_workers

SCHEMA = "melanoma-edge/plan/1"


@dataclass(frozen=True)
class Plan:
    """Say what an audit would do: ``known`` files were looked at before, ``disk`` bytes are wanted for the others."""

    schema: str
    files: int
    known: int
    processes: int
    folder: str
    disk: int
    notes: tuple[str, ...]


def plan_audit(
    paths: Sequence[Path], reading: Reading | None = None, folder: Path | None = None, workers: int | None = None
) -> Plan:
    """Check what is asked for and say what would be done; raises as ``audit``."""
    workers = check_workers(workers)
    listings = read_listings(paths, reading or Reading())
    files = sorted({row.path for listing in listings for row in listing.rows})
    place = folder or cache_folder() / "looks"
    with opened(place, [Path(file) for file in files]) as index:
        known = sum(index.known(Path(file)) is not None for file in files)
    notes = tuple(note for listing in listings for note in listing.notes)
    return Plan(SCHEMA, len(files), known, workers, str(place), (len(files) - known) * THUMB_BYTES, notes)
