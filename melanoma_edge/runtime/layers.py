"""What every layer of a model gives: of the float model by Keras, of exported files with all tensors kept.

A layer bears the name of its Keras layer in all of them: exported files keep those names. Where a file fuses batch norm
and ReLU6 into a convolution, the float layer is taken behind both.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import UsageError
from melanoma_edge.runtime.artifact import ArtifactRecord, read_artifact
from melanoma_edge.runtime.base import INPUT, OUTPUT, Pixels, require
from melanoma_edge.runtime.litert import distrusted, interpreter
from melanoma_edge.runtime.onnx import session
from melanoma_edge.runtime.worker import Answering, Worker

Tensors = dict[str, NDArray[np.float32]]
"""Outputs by layer, channels last, ``[n, ...]``."""
_CASTS = ("QUANTIZE", "DEQUANTIZE", "DENSIFY")
_ADD = "_add"
_KERNELS = "BUILTIN_WITHOUT_DEFAULT_DELEGATES"


@dataclass(frozen=True)
class LayerNote:
    """Describe a layer of a file: its operator, and the type its output is kept in."""

    name: str
    op: str
    type: str


def float_model(path: Path) -> Worker:
    """Return the float model of a run's folder in a process of its own; see ``open_float_layers`` for its questions."""
    return Worker("keras", path, open_float_layers, path)


def file_layers(path: Path) -> Worker:
    """Return an exported file in a process of its own; see ``open_file_layers`` for its questions."""
    return Worker("layers", path, open_file_layers, path)


@contextmanager
def open_float_layers(path: Path) -> Iterator[Answering]:
    """Serve a run's float model to ``Worker``: loads TensorFlow.

    The introduction is the order of the layers. A question is ``("layers", pixels)``, answered by ``Tensors``, or
    ``("infer", values)``, answered by probabilities ``[n, classes]``; values are float32 ``[n, N, N, 3]`` in the place
    of bytes, so that wrongly prepared pixels can be tried which are no bytes.
    """
    from melanoma_edge.model.classifier import inference_model, layers_model
    from melanoma_edge.training.run import Run

    run = Run.open(path)
    model = (run.network, run.weights(), run.contract.temperature)
    (names, layers), whole = layers_model(*model), inference_model(*model)

    def answer(question: Any) -> Any:
        if question is None:
            return names
        verb, values = question
        if verb == "infer":
            return np.asarray(whole(values.astype(np.float32), training=False), np.float32)
        found = layers(values.astype(np.float32), training=False)
        return {name: np.asarray(found[name], np.float32) for name in names}

    yield answer


@contextmanager
def open_file_layers(path: Path) -> Iterator[Answering]:
    """Serve an exported file to ``Worker``; a question is pixels ``[n, N, N, 3]``, answered by ``Tensors``.

    The introduction is a tuple of ``LayerNote``. LiteRT computes with its own kernels then, without XNNPACK.

    Raises:
        UsageError: for ``.ort`` files, whose tensors cannot be kept.
        TrustError, MachineError: as ``open_model``.
    """
    record, data = read_artifact(path)
    if record.format == "ort":
        fix = "look at the .onnx file of the same run"
        raise UsageError("the layers of an .ort file cannot be read", where=str(path), fix=fix)
    opened = _LiteRT(record, data) if record.format == "tflite" else _Onnx(record, data)
    yield lambda question: opened.notes if question is None else opened.tensors(question)


class _LiteRT:
    def __init__(self, record: ArtifactRecord, data: bytes) -> None:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message=".*experimental_preserve_all_tensors", category=UserWarning)
            self._interpreter = interpreter(data, record.path, None, keep_all=True, kernels=_KERNELS)
        self._path = record.path
        self._image = self._interpreter.get_input_details()[0]
        self._details = {one["index"]: one for one in self._interpreter.get_tensor_details()}
        self._places = {}
        notes = []
        for step in self._interpreter._get_ops_details():
            if step["op_name"] not in _CASTS and len(step["outputs"]):
                made = self._details[int(step["outputs"][0])]
                self._places[made["name"]] = made["index"]
                notes.append(LayerNote(made["name"], step["op_name"], np.dtype(made["dtype"]).name))
        self.notes = tuple(notes)

    def tensors(self, pixels: Pixels) -> Tensors:
        parts: dict[str, list[NDArray[np.float32]]] = {name: [] for name in self._places}
        for image in pixels:
            with distrusted(self._path):
                self._interpreter.set_tensor(self._image["index"], image[None].astype(self._image["dtype"]))
                self._interpreter.invoke()
                for name, place in self._places.items():
                    parts[name].append(_real(self._interpreter.get_tensor(place), self._details[place]))
        return {name: np.concatenate(found) for name, found in parts.items()}


def _real(values: NDArray[Any], detail: Mapping[str, Any]) -> NDArray[np.float32]:
    """Return the numbers that integers stand for."""
    if values.dtype == np.float32:
        return np.asarray(values)
    scale, zero = detail["quantization"]
    return ((values.astype(np.float32) - np.float32(zero)) * np.float32(scale)).astype(np.float32)


class _Onnx:
    """Add each layer's tensor to the outputs: a convolution's behind its clip and its rounding."""

    def __init__(self, record: ArtifactRecord, data: bytes) -> None:
        onnx = require("onnx", "onnx")
        model = onnx.load_from_string(data)
        self._readers: dict[str, list[Any]] = {}
        for node in model.graph.node:
            for name in node.input:
                self._readers.setdefault(name, []).append(node)
        found = [(node, *self._end(node)) for node in model.graph.node if node.op_type in ("Conv", "Add")]
        names = _layer_names([node for node, *_ in found])
        self._places = {name: end for name, (_, end, _) in zip(names, found, strict=True)}
        self.notes = tuple(
            LayerNote(name, one.op_type, kind) for name, (one, _, kind) in zip(names, found, strict=True)
        )
        self.notes += (LayerNote(OUTPUT, "Softmax", "float32"),)
        known = {one.name for one in model.graph.output}
        for end in self._places.values():
            if end not in known:
                model.graph.output.append(onnx.helper.make_empty_tensor_value_info(end))
        self._session = session(model.SerializeToString(), record, None)
        self._type = np.uint8 if self._session.get_inputs()[0].type == "tensor(uint8)" else np.float32
        self._path, self._batch = record.path, record.outputs[0].shape[0]

    def _end(self, node: Any) -> tuple[str, str]:
        """Return the tensor behind what belongs to a layer, and the type it is kept in."""
        name, kind = node.output[0], "float32"
        for wanted in (("Clip", "Relu"), ("QuantizeLinear",), ("DequantizeLinear",)):
            after = [one for one in self._readers.get(name, []) if one.op_type in wanted]
            if len(after) == 1 == len(self._readers.get(name, [])):
                name = after[0].output[0]
                kind = "int8" if after[0].op_type == "DequantizeLinear" else kind
        return name, kind

    def tensors(self, pixels: Pixels) -> Tensors:
        step = self._batch if self._batch > 0 else len(pixels)
        names, parts = list(self._places), []
        for start in range(0, len(pixels), step):
            part = pixels[start : start + step].astype(self._type)
            fed = np.concatenate([part, np.zeros((step - len(part), *part.shape[1:]), part.dtype)])
            found = self._session.run([*self._places.values(), OUTPUT], {INPUT: fed})
            parts.append([np.asarray(one)[: len(part)] for one in found])
        joined = [np.concatenate(one) for one in zip(*parts, strict=True)]
        return {name: _channels_last(one) for name, one in zip([*names, OUTPUT], joined, strict=True)}


def _layer_names(nodes: list[Any]) -> list[str]:
    """Name convolutions as the file does, and additions, which it numbers, after the block in front of them."""
    names: list[str] = []
    for node in nodes:
        block = names[-1].rpartition("_")[0] if names else ""
        names.append(f"{block}{_ADD}" if node.op_type == "Add" else str(node.name))
    return names


def _channels_last(values: NDArray[Any]) -> NDArray[np.float32]:
    return np.asarray(values.transpose(0, 2, 3, 1) if values.ndim == 4 else values, np.float32)
