"""ONNX and ORT files executed by onnxruntime, without TensorFlow."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np

from melanoma_edge.errors import TrustError
from melanoma_edge.quiet import quiet_native
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.runtime.base import (
    EXPORT_AGAIN,
    INPUT,
    OUTPUT,
    Answers,
    Pixels,
    Probabilities,
    check_batch,
    check_outputs,
    require,
    wrong_tensors,
)

INTEGER_ARITHMETIC = ("session.qdqisint8allowed", "1")
"""Let x86 compute int8 in integers throughout, as ARM does by default. Without it a third of the convolutions run in
float32, and about one decision in two hundred differs from LiteRT's; with it the two runtimes differ only where a sum
falls on the border between two output steps."""
_FREE_BATCH = 32
_ERRORS_ONLY = 3
_TYPES = {"tensor(float)": np.float32, "tensor(uint8)": np.uint8}


class OnnxRunner:
    """Run an ONNX or ORT artifact on the CPU, in the batch size it was exported with."""

    name = "onnxruntime"
    options: Mapping[str, str] = MappingProxyType(dict([INTEGER_ARITHMETIC]))

    def __init__(self, record: ArtifactRecord, data: bytes, threads: int | None = None) -> None:
        """Open the bytes of an artifact.

        Raises:
            TrustError: when they are no such file, or its tensors are not those of the contract.
            MachineError: when onnxruntime is missing.
        """
        self.contract = record.contract
        self._path = record.path
        self._shapes = {note.name: note.shape[1:] for note in record.outputs}
        self._session = session(data, record, threads, self.options)
        image = self._check_tensors()
        self._type = _TYPES[image.type]
        self._fixed: int | None = image.shape[0] if isinstance(image.shape[0], int) else None

    def _check_tensors(self) -> Any:
        size, classes = self.contract.input_size, len(self.contract.classes)
        inputs, outputs = self._session.get_inputs(), self._session.get_outputs()
        names = [tensor.name for tensor in inputs] == [INPUT] and outputs[0].name == OUTPUT
        fits = names and inputs[0].shape[1:] == [size, size, 3] and outputs[0].shape[1:] == [classes]
        types = inputs[0].type in _TYPES and {tensor.type for tensor in outputs} == {"tensor(float)"}
        if not (fits and types):
            found = " and ".join(f"{tensor.name} {tensor.type} {tensor.shape}" for tensor in (*inputs, *outputs))
            raise wrong_tensors(found, outputs[0].shape if names else (), self.contract, self._path)
        check_outputs({tensor.name: tensor.shape[1:] for tensor in outputs}, self._shapes, self._path)
        return inputs[0]

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._session = None

    def infer(self, batch: Pixels) -> Probabilities:
        """Return probabilities ``[n, classes]`` of images ``[n, N, N, 3]``.

        Raises:
            TrustError: when the model fails.
        """
        return self.infer_all(batch)[OUTPUT]

    def infer_all(self, batch: Pixels) -> Answers:
        """Return every output for images ``[n, N, N, 3]``; raises as ``infer``."""
        check_batch(batch, self.contract)
        step = self._fixed or _FREE_BATCH
        answers = {name: np.empty((len(batch), *shape), np.float32) for name, shape in self._shapes.items()}
        for start in range(0, len(batch), step):
            part = batch[start : start + step].astype(self._type)
            missing = (self._fixed or len(part)) - len(part)
            fed = np.concatenate([part, np.zeros((missing, *part.shape[1:]), part.dtype)]) if missing else part
            with _distrusted(self._path):
                found = self._session.run(list(answers), {INPUT: fed})
            for name, values in zip(answers, found, strict=True):
                answers[name][start : start + step] = values[: len(part)]
        return answers


class UntunedOnnxRunner(OnnxRunner):
    """Run an ONNX or ORT artifact with onnxruntime's own settings, as an app that sets none."""

    name = "onnxruntime-untuned"
    options: Mapping[str, str] = MappingProxyType({})


def session(
    data: bytes, record: ArtifactRecord, threads: int | None, settings: Mapping[str, str] = OnnxRunner.options
) -> Any:
    """Return an onnxruntime session of an artifact's bytes, with integer arithmetic; raises as ``OnnxRunner``."""
    runtime = require("onnxruntime", "onnxruntime")
    options = runtime.SessionOptions()
    options.log_severity_level = _ERRORS_ONLY
    for entry in settings.items():
        options.add_session_config_entry(*entry)
    if threads:
        options.intra_op_num_threads = threads
    with _distrusted(record.path), quiet_native():
        return runtime.InferenceSession(data, options, providers=["CPUExecutionProvider"])


@contextmanager
def _distrusted(path: Path) -> Iterator[None]:
    try:
        yield
    except MemoryError:
        raise
    except Exception as error:  # onnxruntime's own exceptions share no public base class
        raise TrustError(f"onnxruntime cannot run the file: {error}", where=str(path), fix=EXPORT_AGAIN) from error
