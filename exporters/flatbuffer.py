"""Reading and writing TFLite flatbuffers with LiteRT's own schema; needs no TensorFlow."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import ExportError
from melanoma_edge.runtime.base import require

METADATA = "melanoma-edge"
_IDENTIFIER = b"TFL3"
_ALIGNMENT = 16
_DEPRECATED_MAX = 127
_DTYPES = {
    "FLOAT32": np.float32,
    "FLOAT16": np.float16,
    "INT8": np.int8,
    "UINT8": np.uint8,
    "INT16": np.int16,
    "INT32": np.int32,
    "INT64": np.int64,
    "BOOL": np.bool_,
}


def schema() -> Any:
    """Return the module of generated flatbuffer classes."""
    return require("ai_edge_litert.schema_py_generated", "ai-edge-litert")


def load(data: bytes) -> Any:
    """Parse a TFLite file into mutable objects (``ModelT``)."""
    generated = schema()
    try:
        model = generated.ModelT.InitFromObj(generated.Model.GetRootAs(data, 0))
    except Exception as error:  # broken offsets raise whatever numpy and struct feel like
        raise ExportError(f"not a readable TFLite file: {error}", fix="report this with the log") from error
    for buffer in model.buffers:
        _bring_inside(buffer, data)
    for graph in model.subgraphs:
        graph.inputs, graph.outputs = _list(graph.inputs), _list(graph.outputs)
        for operator in graph.operators:
            operator.inputs, operator.outputs = _list(operator.inputs), _list(operator.outputs)
    return model


def pack(model: Any) -> bytes:
    """Serialize, every buffer aligned to 16 bytes as the format demands (the generated code aligns to 1)."""
    flatbuffers = require("flatbuffers", "flatbuffers")
    for code in model.operatorCodes:
        # ai-edge-quantizer leaves 0 here, which readers of the old field take for ADD.
        code.deprecatedBuiltinCode = min(code.builtinCode, _DEPRECATED_MAX)
    for buffer in model.buffers:
        buffer.Pack = _AlignedPack(buffer)
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(model.Pack(builder), _IDENTIFIER)
    return bytes(builder.Output())


class _AlignedPack:
    """Replace ``BufferT.Pack`` of one buffer."""

    def __init__(self, buffer: Any) -> None:
        self._buffer = buffer

    def __call__(self, builder: Any) -> Any:
        data, generated = self._buffer.data, schema()
        place = None if data is None else _aligned_vector(builder, bytes(bytearray(data)))
        generated.BufferStart(builder)
        if place is not None:
            generated.BufferAddData(builder, place)
        return generated.BufferEnd(builder)


def _aligned_vector(builder: Any, data: bytes) -> Any:
    builder.StartVector(1, len(data), _ALIGNMENT)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return builder.EndVector()


def with_metadata(data: bytes, text: str) -> bytes:
    """Return the file with ``text`` in a metadata buffer named ``melanoma-edge``."""
    model, generated = load(data), schema()
    buffer, entry = generated.BufferT(), generated.MetadataT()
    buffer.data = np.frombuffer(text.encode(), np.uint8)
    entry.name, entry.buffer = METADATA, len(model.buffers)
    model.buffers.append(buffer)
    model.metadata = [*(model.metadata or []), entry]
    return pack(model)


def op_name(model: Any, operator: Any) -> str:
    """Return the builtin operator's name, or ``CUSTOM:<code>``."""
    code = model.operatorCodes[operator.opcodeIndex]
    name = _names("BuiltinOperator").get(max(code.builtinCode, code.deprecatedBuiltinCode), "UNKNOWN")
    return f"CUSTOM:{_text(code.customCode)}" if name == "CUSTOM" else name


def op_index(model: Any, name: str) -> int:
    """Return the index of a builtin operator's code, added when missing."""
    generated = schema()
    number = getattr(generated.BuiltinOperator, name)
    for index, code in enumerate(model.operatorCodes):
        if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
            return index
    code = generated.OperatorCodeT()
    code.builtinCode, code.version = number, 1
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1


def dtype_name(tensor: Any) -> str:
    """Return a tensor's type as NumPy calls it, lower case."""
    return _names("TensorType")[tensor.type].lower()


def tensor_name(tensor: Any) -> str:
    """Return a tensor's name."""
    return _text(tensor.name)


def constant(model: Any, tensor: Any) -> NDArray[Any] | None:
    """Return a constant tensor's values, or None for an activation."""
    values = stored(model, tensor)
    shape = [] if tensor.shape is None else [int(side) for side in tensor.shape]
    return None if values is None else values.reshape(shape)


def stored(model: Any, tensor: Any) -> NDArray[Any] | None:
    """Return the values that lie in the file, flat: of a sparse tensor those that are not left out."""
    data = model.buffers[tensor.buffer].data
    if data is None or not len(data):
        return None
    return np.frombuffer(bytes(bytearray(data)), _DTYPES[_names("TensorType")[tensor.type]])


def scale_and_zero(tensor: Any) -> tuple[float, int] | None:
    """Return the scale and zero point of a tensor quantized as a whole, or None."""
    found = tensor.quantization
    if found is None or found.scale is None or len(found.scale) != 1:
        return None
    return float(found.scale[0]), int(found.zeroPoint[0])


@cache
def clipping() -> frozenset[int]:
    """Return the fused activations that let nothing negative through."""
    kinds = schema().ActivationFunctionType
    return frozenset({kinds.RELU, kinds.RELU6})


@cache
def _names(kind: str) -> dict[int, str]:
    return {value: name for name, value in vars(getattr(schema(), kind)).items() if not name.startswith("_")}


def _bring_inside(buffer: Any, data: bytes) -> None:
    """Take in what stands behind the flatbuffer; the quantizer puts large constants there, old runtimes do not look."""
    if buffer.offset > 1:
        buffer.data = np.frombuffer(data, np.uint8, buffer.size, buffer.offset)
    buffer.offset = buffer.size = 0


def _list(indices: Any) -> list[int]:
    return [] if indices is None else [int(index) for index in indices]


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
