"""The inventory of an ORT file: its graph is an ONNX graph whose operators onnxruntime has fused."""

from __future__ import annotations

import struct
from typing import Any

from exporters import onnx_graph
from exporters.ort_file import generated, session
from exporters.steps import Inventory, Shape
from melanoma_edge.errors import ExportError
from melanoma_edge.runtime.base import require

_VALUE = 1
"""The kind of a dimension that is a number (``fbs.DimensionValueType``)."""


def read(data: bytes) -> Inventory:
    """Read the inventory.

    Raises:
        ExportError: when the bytes are no ORT file; or whatever a strange graph leads to.
    """
    onnx = require("onnx", "onnx")
    try:
        return _listed(onnx, session(data).Model().Graph())
    except struct.error as error:  # an offset that points out of the file
        raise ExportError(f"not a readable ORT file: {error}", fix="report this with the log") from error


def _listed(onnx: Any, graph: Any) -> Inventory:
    arguments = [graph.NodeArgs(i) for i in range(graph.NodeArgsLength())]
    types = {argument.Name().decode(): tensor for argument in arguments if (tensor := _tensor_type(argument))}
    shapes = {name: shape for name, tensor in types.items() if (shape := _shape(tensor)) is not None}
    return onnx_graph.listed(onnx, _as_onnx(onnx, graph, types), "ort", shapes)


def _tensor_type(argument: Any) -> Any:
    place = argument.Type().Value() if argument.Type() else None
    if place is None:
        return None
    found = generated("TensorTypeAndShape")()
    found.Init(place.Bytes, place.Pos)
    return found


def _shape(tensor: Any) -> Shape | None:
    shape = tensor.Shape()
    if shape is None:
        return None
    values = [shape.Dim(i).Value() for i in range(shape.DimLength())]
    return tuple(int(one.DimValue()) if one and one.DimType() == _VALUE else None for one in values)


def _as_onnx(onnx: Any, graph: Any, types: dict[str, Any]) -> Any:
    """Return nodes, constants and ends as an ONNX model, without attributes; both formats number types alike."""
    nodes = [_node(onnx, graph.Nodes(i)) for i in range(graph.NodesLength())]
    constants = [_constant(onnx, graph.Initializers(i)) for i in range(graph.InitializersLength())]

    def ends(names: list[Any]) -> list[Any]:
        known = [name.decode() for name in names]
        return [onnx.helper.make_tensor_value_info(name, types[name].ElemType(), None) for name in known]

    inputs = ends([graph.Inputs(i) for i in range(graph.InputsLength())])
    outputs = ends([graph.Outputs(i) for i in range(graph.OutputsLength())])
    return onnx.helper.make_model(onnx.helper.make_graph(nodes, "ort", inputs, outputs, constants))


def _node(onnx: Any, node: Any) -> Any:
    inputs = [node.Inputs(i).decode() for i in range(node.InputsLength())]
    outputs = [node.Outputs(i).decode() for i in range(node.OutputsLength())]
    name, domain = node.Name().decode(), node.Domain().decode()
    return onnx.helper.make_node(node.OpType().decode(), inputs, outputs, name, domain=domain)


def _constant(onnx: Any, tensor: Any) -> Any:
    dims = [tensor.Dims(i) for i in range(tensor.DimsLength())]
    data = tensor.RawDataAsNumpy().tobytes() if tensor.RawDataLength() else b""
    return onnx.TensorProto(name=tensor.Name().decode(), dims=dims, data_type=tensor.DataType(), raw_data=data)
