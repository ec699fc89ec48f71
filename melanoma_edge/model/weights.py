"""Weights as named NumPy arrays: hashing, writing and reading them needs no TensorFlow."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import TrustError
from melanoma_edge.files import write_bytes

Weights = dict[str, NDArray[np.float32]]
"""Arrays by ``layer/variable``, in the network's order."""


def weights_sha256(weights: Weights) -> str:
    """Hash names, shapes and values, whatever file they stand in."""
    digest = hashlib.sha256()
    for name, array in sorted(weights.items()):
        digest.update(f"{name}{array.shape}".encode())
        digest.update(np.ascontiguousarray(array, "<f4").tobytes())
    return digest.hexdigest()


def save_weights(weights: Weights, path: Path) -> None:
    """Write weights as ``.npz``, atomically."""
    stream = io.BytesIO()
    np.savez(stream, **weights)  # type: ignore[arg-type]
    write_bytes(path, stream.getvalue())


def load_weights(path: Path) -> Weights:
    """Read what ``save_weights`` wrote.

    Raises:
        TrustError: when the file is missing or damaged.
    """
    try:
        with open(path, "rb") as stream, np.load(stream, allow_pickle=False) as archive:
            return {name: archive[name] for name in archive.files}
    except Exception as error:  # a damaged zip raises half a dozen unrelated types
        raise TrustError(f"weights missing or damaged: {error}", where=str(path), fix="train the run again") from error
