"""What an unfinished training continues from, in one file."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import TrustError
from melanoma_edge.files import write_bytes

CHECKPOINT = "checkpoint.npz"


@dataclass(frozen=True)
class Checkpoint:
    """Hold what a resumed training continues from: arrays by name, and the history so far."""

    arrays: dict[str, NDArray[Any]]
    history: list[dict[str, float]]

    @classmethod
    def of(cls, history: list[dict[str, float]], **parts: Mapping[str, NDArray[Any]]) -> Checkpoint:
        """Put several dictionaries of arrays together under the names of the arguments."""
        return cls({f"{part}/{name}": array for part, given in parts.items() for name, array in given.items()}, history)

    def part(self, name: str) -> dict[str, NDArray[Any]]:
        """Return one of the dictionaries that ``of`` put together."""
        start = f"{name}/"
        return {key.removeprefix(start): array for key, array in self.arrays.items() if key.startswith(start)}


def save_checkpoint(path: Path, checkpoint: Checkpoint) -> None:
    """Write the state after an epoch into a run's folder; the one before it stays until this is whole."""
    write_bytes(path / CHECKPOINT, packed(checkpoint))


def packed(checkpoint: Checkpoint) -> bytes:
    """Return a checkpoint as the bytes of an ``.npz`` file."""
    stream = io.BytesIO()
    history = np.frombuffer(json.dumps(checkpoint.history).encode(), np.uint8)
    np.savez(stream, history=history, **checkpoint.arrays)  # type: ignore[arg-type]
    return stream.getvalue()


def unpacked(data: bytes) -> Checkpoint:
    """Return what ``packed`` put together; raises whatever NumPy does for other bytes."""
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    return Checkpoint(arrays, json.loads(arrays.pop("history").tobytes()))


def load_checkpoint(path: Path) -> Checkpoint | None:
    """Return the last finished epoch's state, or None when no epoch has finished.

    Raises:
        TrustError: when the file is damaged.
    """
    file = path / CHECKPOINT
    if not file.exists():
        return None
    try:
        return unpacked(file.read_bytes())
    except Exception as error:  # a damaged zip raises half a dozen unrelated types
        fix = "start the training anew with --force"
        raise TrustError(f"checkpoint is damaged: {error}", where=str(file), fix=fix) from error


def forget_checkpoint(path: Path) -> None:
    """Remove what only an unfinished run needs."""
    (path / CHECKPOINT).unlink(missing_ok=True)
