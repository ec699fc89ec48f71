"""All that is known of why a file decides as it does: known mistakes, and the layers side by side."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.errors import TrustError
from melanoma_edge.parity.comparison import JudgedRun, accepted
from melanoma_edge.parity.faults import Diagnosis, diagnose
from melanoma_edge.parity.layers import LayerReport, compare_layers, to_document
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.layers import float_model
from melanoma_edge.runtime.worker import RuntimeCrash, Worker


@dataclass(frozen=True)
class Examination:
    """Hold what was found of one file; ``layers`` is None where it cannot run."""

    diagnosis: Diagnosis
    layers: LayerReport | None

    @property
    def sentence(self) -> str:
        """The cause, as far as one is found; sentences without the last full stop."""
        parts = [self.diagnosis.sentence] + ([self.layers.sentence] if self.layers else [])
        return ". ".join(parts)

    def to_document(self) -> dict[str, Any]:
        """Return the JSON document.

        Raises:
            TrustError: when the file cannot run.
        """
        if self.layers is None:
            raise TrustError(self.diagnosis.sentence, where="layers", fix="export the run again")
        return to_document(self.layers, self.diagnosis.to_document())


def examine(
    run: JudgedRun,
    artifact: Path,
    split: str = "test",
    *,
    reference: JudgedRun | None = None,
    float_file: Path | None = None,
    progress: Progress = silent,
    model_of: Callable[[Path], Worker] = float_model,
) -> Examination:
    """Look for the reason why a file decides otherwise than its float model.

    Args:
        run: whose contract the file has.
        artifact: a ``.tflite`` or ``.onnx`` file.
        split: whose images are shown.
        reference: a run to compare with instead of the run's own reference.
        float_file: a float32 file of the same run, to tell rounding from other reasons.
        progress: told of images done.
        model_of: gives the float model of a run's folder, not yet entered.

    Raises:
        UsageError: for an ``.ort`` file.
        TrustError, MachineError: as ``compare``.
    """
    accepted(run, [artifact])
    with model_of((reference or run.reference()).path) as model:
        try:
            layers: LayerReport | None = compare_layers(run, artifact, model, split, progress=progress)
        except (TrustError, RuntimeCrash):
            layers = None
        diagnosis = diagnose(run, artifact, model, split, float_file=float_file, layers=layers, progress=progress)
    return Examination(diagnosis, layers)
