from __future__ import annotations

import re
from typing import Any

import numpy as np
import onnx
import pytest

from exporters.onnx import write_onnx
from exporters.precision import Precision
from melanoma_edge.errors import ExportError

PRECISIONS = [precision.value for precision in Precision if precision is not Precision.INT8X16]


@pytest.mark.parametrize("precision", PRECISIONS)
def test_versions_names_and_shapes_are_those_promised(toy_artifacts: Any, precision: str) -> None:
    model = onnx.load(str(toy_artifacts["onnx", precision].path))
    assert (model.ir_version, [(one.domain, one.version) for one in model.opset_import]) == (8, [("", 17)])
    ends = (*model.graph.input, *model.graph.output)
    shapes = {one.name: [side.dim_value for side in one.type.tensor_type.shape.dim] for one in ends}
    assert shapes == {"image": [1, 32, 32, 3], "probabilities": [1, 3]}
    assert [entry.key for entry in model.metadata_props] == ["melanoma-edge"]
    assert model.producer_name == "melanoma-edge"
    assert not [node.name for node in model.graph.node if re.search(r"__\d", node.name)]


def test_one_transpose_is_all_that_the_layouts_cost(toy_artifacts: Any) -> None:
    for precision in PRECISIONS:
        nodes = onnx.load(str(toy_artifacts["onnx", precision].path)).graph.node
        assert sum(node.op_type == "Transpose" for node in nodes) == 1


def test_int8_is_signed_for_weights_and_activations_and_per_channel(toy_artifacts: Any) -> None:
    graph = onnx.load(str(toy_artifacts["onnx", "int8"].path)).graph
    constants = {one.name: onnx.numpy_helper.to_array(one) for one in graph.initializer}
    kinds = {constants[node.input[2]].dtype for node in graph.node if node.op_type == "QuantizeLinear"}
    assert kinds == {np.dtype(np.int8)}
    assert constants["stem/weights"].dtype == np.int8
    assert constants["stem/weights_scale"].shape == (8,)


def test_what_is_no_model_is_an_export_error() -> None:
    with pytest.raises(ExportError, match="tf2onnx cannot translate"):
        write_onnx(b"\x00" * 64, "{}", Precision.FLOAT32, 1)
