"""The float model of a run, executed by Keras."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np

from melanoma_edge.errors import MachineError
from melanoma_edge.runtime.base import Answers, Pixels, Probabilities, check_batch

_BATCH = 64


class KerasRunner:
    """Run a run's float weights, batch norm and temperature included."""

    name = "keras"
    options: Mapping[str, str] = MappingProxyType({})

    def __init__(self, path: Path) -> None:
        """Open a run directory; loads TensorFlow. Raises as ``Run.open``."""
        from melanoma_edge.model.classifier import inference_model
        from melanoma_edge.model.legacy_keras import load_tensorflow
        from melanoma_edge.training.run import Run

        run = Run.open(path)
        self.contract = run.contract
        self._run: Any = run
        self._exhausted: type[Exception] = load_tensorflow()[0].errors.ResourceExhaustedError
        self._model: Any = inference_model(run.network, run.weights(), run.contract.temperature)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._model = self._run = None

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` of images ``[n, N, N, 3]``.

        Raises:
            MachineError: for lack of memory.
        """
        answers = [np.asarray(part, np.float32) for part in self._answers(self._model, batch)]
        return np.concatenate(answers) if answers else np.empty((0, len(self.contract.classes)), np.float32)

    def infer_all(self, batch: Pixels) -> Answers:
        """Return every output for images ``[n, N, N, 3]``, n at least 1; raises as ``infer``."""
        answers = list(self._answers(self._explained, batch))
        return {name: np.concatenate([np.asarray(part[name], np.float32) for part in answers]) for name in answers[0]}

    @cached_property
    def _explained(self) -> Any:
        from melanoma_edge.model.classifier import explained_model

        return explained_model(self._run.network, self._run.weights(), self.contract.temperature)

    def _answers(self, model: Any, batch: Pixels) -> Iterator[Any]:
        check_batch(batch, self.contract)
        try:
            for start in range(0, len(batch), _BATCH):
                yield model(batch[start : start + _BATCH].astype(np.float32), training=False)
        except self._exhausted as error:
            fix = "close other programs, or use a machine with more memory"
            raise MachineError("out of memory while running the float model", fix=fix) from error
