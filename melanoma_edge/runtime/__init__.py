"""Runtimes: one protocol for Keras, LiteRT and onnxruntime; each library is loaded only when its file is opened."""

from __future__ import annotations

from pathlib import Path

from melanoma_edge.errors import UsageError
from melanoma_edge.runtime.artifact import FORMATS, ArtifactRecord, read_artifact, read_record
from melanoma_edge.runtime.base import Answers, Pixels, Probabilities, Runner

__all__ = [
    "Answers",
    "ArtifactRecord",
    "Pixels",
    "Probabilities",
    "Runner",
    "open_artifact",
    "open_model",
    "read_record",
    "run_artifact",
]


def open_model(path: Path, threads: int | None = None) -> Runner:
    """Open an exported file or a run directory for inference in this process.

    Args:
        path: a ``.tflite``, ``.onnx`` or ``.ort`` file with a contract inside, or a run directory (loads TensorFlow).
        threads: CPU threads of LiteRT or onnxruntime; their own default when None.

    Raises:
        TrustError: when the file is missing, was changed, or is not what its contract says.
        UsageError: for another kind of file.
        MachineError: when the runtime's package is missing.
    """
    path = Path(path)
    if path.is_dir():
        from melanoma_edge.runtime.keras import KerasRunner

        return KerasRunner(path)
    if path.suffix not in FORMATS and path.exists():
        fix = f"give a run directory or a file ending in {' or '.join(FORMATS)}"
        raise UsageError("cannot tell what kind of model this is", where=str(path), fix=fix)
    return open_artifact(path, threads)


def open_artifact(path: Path, threads: int | None = None) -> Runner:
    """Open an exported file whatever its name; raises as ``open_model``."""
    return run_artifact(*read_artifact(path), threads)


def run_artifact(record: ArtifactRecord, data: bytes, threads: int | None = None) -> Runner:
    """Open the bytes of an exported file whose seal was checked; raises as ``open_model``."""
    if record.format == "tflite":
        from melanoma_edge.runtime.litert import LiteRTRunner

        return LiteRTRunner(record, data, threads)
    from melanoma_edge.runtime.onnx import OnnxRunner

    return OnnxRunner(record, data, threads)
