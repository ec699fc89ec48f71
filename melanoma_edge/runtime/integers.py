"""The integers of an int8 file where its float tail begins: what two processors must agree on to the last bit.

Everything before is integer arithmetic, in which there is one right answer. The tail (pooling, head, softmax) is float
arithmetic, whose last bits depend on the order of additions, and so on the processor.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType, TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import UsageError, named
from melanoma_edge.runtime.artifact import FREE, ArtifactRecord, read_artifact
from melanoma_edge.runtime.base import INPUT, Pixels, Runner, check_batch, require
from melanoma_edge.runtime.litert import interpreter
from melanoma_edge.runtime.onnx import OnnxRunner, session

_FORMATS = ("tflite", "onnx")
_PRECISIONS = ("int8", "int8-full")
"""Precisions whose activations are integers up to a float tail."""


def why_no_integers(record: ArtifactRecord) -> str | None:
    """Say why ``open_integers`` refuses a file, None when it does not.

    A layer kept in float splits the integer part: the last integers are then in front of that layer, or behind others
    that are not exact.
    """
    batch = record.outputs[0].shape[0]
    if record.precision not in _PRECISIONS:
        return f"the precision is {record.precision}"
    if record.format not in _FORMATS:
        return f"the format is {record.format}"
    if record.kept:
        return f"not all layers are int8: {named(record.kept)}"
    return None if batch in (1, FREE) else f"the file takes {batch} images at once"


def open_integers(path: Path, threads: int | None = None) -> Runner:
    """Open an exported file as a runner whose answers are the integers ``[n, values]`` in front of its float tail.

    The whole graph runs, with the kernels that also answer with probabilities.

    Raises:
        UsageError: when the file has no such integers, or takes several images at once; see ``why_no_integers``.
        TrustError: as ``open_model``.
        MachineError: when the runtime's package or onnx is missing.
    """
    record, data = read_artifact(path)
    if why := why_no_integers(record):
        fix = "give a .tflite or .onnx file for one image whose layers are all int8"
        raise UsageError(f"no integers to read: {why}", where=str(path), fix=fix)
    return (_LiteRT if record.format == "tflite" else _Onnx)(record, data, threads)


class _Integers:
    """Answer image by image; what a runtime does for one is told by ``_answer``."""

    options: Mapping[str, str] = MappingProxyType({})

    def __init__(self, record: ArtifactRecord) -> None:
        self.contract = record.contract
        self._type: type[np.float32] | type[np.uint8] = np.float32

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        return None

    def infer(self, batch: Pixels) -> NDArray[Any]:
        """Return integers ``[n, values]`` of images ``[n, N, N, 3]``, channels last."""
        check_batch(batch, self.contract)
        return np.stack([self._answer(image[None].astype(self._type)).ravel() for image in batch])

    def infer_all(self, batch: Pixels) -> dict[str, NDArray[Any]]:
        """Return the integers by the name ``integers``."""
        return {"integers": self.infer(batch)}

    def _answer(self, image: NDArray[Any]) -> NDArray[Any]:
        raise NotImplementedError


class _LiteRT(_Integers):
    """Keep all tensors and read the input of the last DEQUANTIZE; with all layers in int8, the tail begins there."""

    name = "litert"

    def __init__(self, record: ArtifactRecord, data: bytes, threads: int | None) -> None:
        super().__init__(record)
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors", category=UserWarning)
            self._interpreter = interpreter(data, record.path, threads, keep_all=True)
        self._image = self._interpreter.get_input_details()[0]
        self._type = self._image["dtype"]
        operators = self._interpreter._get_ops_details()
        self._integers = [op["inputs"][0] for op in operators if op["op_name"] == "DEQUANTIZE"][-1]

    def _answer(self, image: NDArray[Any]) -> NDArray[Any]:
        self._interpreter.set_tensor(self._image["index"], image)
        self._interpreter.invoke()
        return np.asarray(self._interpreter.get_tensor(self._integers))


class _Onnx(_Integers):
    """Add one more output: the input of the last DequantizeLinear that is no constant; the tail begins there, too."""

    name, options = "onnxruntime", OnnxRunner.options

    def __init__(self, record: ArtifactRecord, data: bytes, threads: int | None) -> None:
        super().__init__(record)
        onnx = require("onnx", "onnx")
        model = onnx.load_from_string(data)
        made = {name for node in model.graph.node for name in node.output}
        opened = [node.input[0] for node in model.graph.node if node.op_type == "DequantizeLinear"]
        self._integers = [name for name in opened if name in made][-1]
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(self._integers))
        self._session = session(model.SerializeToString(), record, threads)
        image = self._session.get_inputs()[0]
        self._type = np.uint8 if image.type == "tensor(uint8)" else np.float32

    def _answer(self, image: NDArray[Any]) -> NDArray[Any]:
        (found,) = self._session.run([self._integers], {INPUT: image})
        return np.asarray(found).transpose(0, 2, 3, 1)
