"""The float model of a run, executed by Keras."""

from __future__ import annotations

from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from melanoma_edge.runtime.base import Pixels, Probabilities, check_batch

_BATCH = 64


class KerasRunner:
    """Run a run's float weights, batch norm and temperature included."""

    name = "keras"

    def __init__(self, path: Path) -> None:
        """Open a run directory; loads TensorFlow. Raises as ``Run.open``."""
        from melanoma_edge.model.classifier import inference_model
        from melanoma_edge.training.run import Run

        run = Run.open(path)
        self.contract = run.contract
        self._model: Any = inference_model(run.network, run.weights(), run.contract.temperature)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._model = None

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` of images ``[n, N, N, 3]``."""
        check_batch(batch, self.contract)
        parts = [batch[start : start + _BATCH].astype(np.float32) for start in range(0, len(batch), _BATCH)]
        answers = [np.asarray(self._model(part, training=False), np.float32) for part in parts]
        return np.concatenate(answers) if answers else np.empty((0, len(self.contract.classes)), np.float32)
