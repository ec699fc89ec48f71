"""The bytes of an ORT file: reading its flatbuffer, and putting it into one order.

onnxruntime writes the table that resolves kernel types in the order of a hash map, which changes from process to
process. The table stands before the model in the file, so it can be written anew without touching the rest.
"""

from __future__ import annotations

import logging
from functools import cache
from importlib import import_module
from typing import Any

from melanoma_edge.errors import ExportError
from melanoma_edge.runtime.base import require

_IDENTIFIER = b"ORTM"
_TOOLS = "onnxruntime.tools.ort_format_model"
_ALIGNMENT = 16


@cache
def tools() -> Any:
    """Return onnxruntime's module for ORT files; it sets up logging for the whole process, which is undone."""
    handlers = list(logging.root.handlers)
    module = require(_TOOLS, "onnxruntime")
    logging.root.handlers[:] = handlers
    logging.getLogger("ort_format_model").setLevel(logging.ERROR)
    for name in [name for name in logging.root.manager.loggerDict if name.startswith("ort_format_model")]:
        logging.getLogger(name).setLevel(logging.ERROR)
    return module


def session(data: bytes) -> Any:
    """Return the root table (``fbs.InferenceSession``) of an ORT file.

    Raises:
        ExportError: when the bytes are none.
    """
    kind = generated("InferenceSession")
    if not kind.InferenceSessionBufferHasIdentifier(data, 0):
        raise ExportError("not an ORT file", fix="report this with the log (--debug)")
    return kind.GetRootAs(data, 0)


def generated(name: str) -> Any:
    """Return a class of the flatbuffer's schema."""
    tools()  # makes the package of generated classes importable
    return getattr(import_module(f"ort_flatbuffers_py.fbs.{name}"), name)


def in_fixed_order(data: bytes) -> bytes:
    """Return an ORT file with its kernel types sorted by name; the model's bytes are kept as they are."""
    flatbuffers = require("flatbuffers", "flatbuffers")
    root = session(data)
    model = root.Model()._tab.Pos
    start = min(model, model - int.from_bytes(data[model : model + 4], "little", signed=True))
    builder = flatbuffers.Builder(2 * len(data))
    builder.minalign = _ALIGNMENT
    builder.head -= len(data) - start
    builder.Bytes[builder.head :] = data[start:]
    version = builder.CreateString(root.OrtVersion())
    resolver = _Resolver(builder).write(root.KernelTypeStrResolver())
    builder.StartObject(4)
    builder.PrependUOffsetTRelativeSlot(0, version, 0)
    builder.PrependUOffsetTRelativeSlot(1, len(data) - model, 0)
    builder.PrependUOffsetTRelativeSlot(3, resolver, 0)
    builder.Finish(builder.EndObject(), _IDENTIFIER)
    return bytes(builder.Output())


class _Resolver:
    """Write the table of kernel types: operators, each with its type names, each with the arguments it stands for."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder

    def write(self, found: Any) -> int:
        operators = [found.OpKernelTypeStrArgs(i) for i in range(found.OpKernelTypeStrArgsLength())]
        written = [self._operator(one) for one in sorted(operators, key=lambda one: one.OpId())]
        return self._table(self._vector(written))

    def _operator(self, found: Any) -> int:
        types = [found.KernelTypeStrArgs(i) for i in range(found.KernelTypeStrArgsLength())]
        written = [self._type(one) for one in sorted(types, key=lambda one: one.KernelTypeStr())]
        return self._table(self._builder.CreateString(found.OpId()), self._vector(written))

    def _type(self, found: Any) -> int:
        written = [self._argument(found.Args(i)) for i in range(found.ArgsLength())]
        return self._table(self._builder.CreateString(found.KernelTypeStr()), self._vector(written))

    def _argument(self, found: Any) -> int:
        self._builder.StartObject(2)
        self._builder.PrependInt8Slot(0, found.ArgType(), 0)
        self._builder.PrependUint32Slot(1, found.Index(), 0)
        return int(self._builder.EndObject())

    def _vector(self, tables: list[int]) -> int:
        self._builder.StartVector(4, len(tables), 4)
        for table in reversed(tables):
            self._builder.PrependUOffsetTRelative(table)
        return int(self._builder.EndVector())

    def _table(self, *fields: int) -> int:
        self._builder.StartObject(len(fields))
        for slot, field in enumerate(fields):
            self._builder.PrependUOffsetTRelativeSlot(slot, field, 0)
        return int(self._builder.EndObject())
