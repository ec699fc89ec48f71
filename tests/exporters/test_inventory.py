"""What is read back from files: the same numbers from every format, and words for graphs that contradict themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporters import flatbuffer
from exporters.inventory import Inventory, take
from melanoma_edge.errors import ExportError
from melanoma_edge.model.cost import layer_costs
from melanoma_edge.training.run import Run

FORMS = ["tflite", "onnx"]
PRECISIONS = ["float32", "float16", "int8-dynamic", "int8", "int8-full"]


def inventory(artifacts: Any, form: str, precision: str) -> Inventory:
    return take(artifacts[form, precision].path.read_bytes(), form)


def by_layer(found: Inventory) -> dict[str, int | None]:
    return {step.layer: step.macs for step in found.steps if step.weights}


@pytest.mark.parametrize("precision", PRECISIONS)
def test_both_formats_of_a_precision_hold_the_same(toy_artifacts: Any, precision: str) -> None:
    lite, other = (inventory(toy_artifacts, form, precision) for form in FORMS)
    assert by_layer(lite) == by_layer(other) and None not in by_layer(lite).values()
    mine, theirs = lite.totals(), other.totals()
    assert (mine.macs, mine.parameters, mine.weight_bytes) == (theirs.macs, theirs.parameters, theirs.weight_bytes)
    assert mine.zero_share == theirs.zero_share


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("precision", PRECISIONS)
def test_macs_are_those_of_the_layout(toy_artifacts: Any, toy_run: Any, form: str, precision: str) -> None:
    wanted = {name: one.macs for name, one in layer_costs(toy_run.network).items()}
    assert by_layer(inventory(toy_artifacts, form, precision)) == wanted


@pytest.mark.parametrize("name", ["model-float32.tflite", "model-int8.tflite", "model-float32.onnx", "model-int8.onnx"])
def test_macs_of_a_trained_run_are_those_of_its_layout(trained: Any, name: str) -> None:
    form = Path(name).suffix[1:]
    found = take(trained.artifact(name).read_bytes(), form)
    layers = layer_costs(Run.open(trained.run).network)
    assert by_layer(found) == {layer: one.macs for layer, one in layers.items()}
    assert found.totals().macs == sum(one.macs for one in layers.values())


@pytest.mark.parametrize("form", FORMS)
def test_weights_and_biases_are_those_of_the_run(toy_artifacts: Any, toy_run: Any, form: str) -> None:
    kernels = {name: value for name, value in toy_run.weights().items() if name.endswith("kernel")}
    found = inventory(toy_artifacts, form, "float32")
    assert sum(step.weight_count for step in found.steps) == sum(value.size for value in kernels.values())
    assert found.totals().weight_bytes == 4 * sum(value.size for value in kernels.values())
    biases = {step.layer: step.biases for step in found.steps if step.weights}
    assert biases["stem"] == toy_run.network.stem and biases["head"] == toy_run.network.classes


@pytest.mark.parametrize("form", FORMS)
def test_shapes_are_told(toy_artifacts: Any, form: str) -> None:
    steps = {step.layer: step for step in inventory(toy_artifacts, form, "int8").steps}
    assert steps["stem"].shape == ((1, 16, 16, 8) if form == "tflite" else (1, 8, 16, 16))


def test_zeros_are_counted_as_they_lie_in_the_file(toy_artifacts: Any) -> None:
    model = flatbuffer.load(toy_artifacts["tflite", "int8"].path.read_bytes())
    (kernel,) = (one for one in model.subgraphs[0].tensors if flatbuffer.tensor_name(one) == "stem/weights")
    values = flatbuffer.constant(model, kernel)
    assert values is not None
    halved = np.where(np.arange(values.size) % 2, 7, 0).astype(np.int8)
    model.buffers[kernel.buffer].data = np.frombuffer(halved.tobytes(), np.uint8)
    (stem,) = (step for step in take(flatbuffer.pack(model), "tflite").steps if step.layer == "stem")
    assert (stem.weight_count, stem.zero_weights) == (values.size, values.size // 2)


def test_weights_that_two_operators_share_are_counted_once(toy_artifacts: Any) -> None:
    model = onnx.load_from_string(toy_artifacts["onnx", "float32"].path.read_bytes())
    before = take(model.SerializeToString(), "onnx").totals()
    (head,) = (node for node in model.graph.node if node.name == "head")
    model.graph.node.add().CopyFrom(head)
    model.graph.node[-1].output[0] = model.graph.node[-1].name = "again"
    after = take(model.SerializeToString(), "onnx").totals()
    assert (after.parameters, after.weight_bytes) == (before.parameters, before.weight_bytes)
    assert before.macs is not None and after.macs is not None and after.macs > before.macs


def test_a_batch_that_is_free_leaves_macs_known_and_an_open_side_does_not(toy_artifacts: Any) -> None:
    def total(*sides: str | int) -> int | None:
        model = onnx.load_from_string(toy_artifacts["onnx", "float32"].path.read_bytes())
        for dimension, side in zip(model.graph.input[0].type.tensor_type.shape.dim, sides, strict=False):
            dimension.dim_param = side if isinstance(side, str) else ""
            if isinstance(side, int):
                dimension.dim_value = side
        del model.graph.value_info[:]
        return take(model.SerializeToString(), "onnx").totals().macs

    assert total("n") == total(1) == total(4)
    assert total(1, "height", "width") is None


def test_another_format_is_refused() -> None:
    with pytest.raises(ExportError, match="pb files"):
        take(b"", "pb")


# A strange graph: each change takes a model's graph and a number.
def _tflite_changes() -> dict[str, Callable[[Any, int], None]]:
    def operator(graph: Any, number: int) -> Any:
        return graph.operators[number % len(graph.operators)]

    def tensor(graph: Any, number: int) -> Any:
        return graph.tensors[number % len(graph.tensors)]

    return {
        "no inputs": lambda graph, n: setattr(operator(graph, n), "inputs", []),
        "no outputs": lambda graph, n: setattr(operator(graph, n), "outputs", []),
        "input far away": lambda graph, n: setattr(operator(graph, n), "inputs", [n + 10_000]),
        "input left out": lambda graph, n: setattr(operator(graph, n), "inputs", [-1, -1, -1]),
        "output is its input": lambda graph, n: setattr(operator(graph, n), "outputs", operator(graph, n).inputs[:1]),
        "unknown operator": lambda graph, n: setattr(operator(graph, n), "opcodeIndex", n + 999),
        "unknown type": lambda graph, n: setattr(tensor(graph, n), "type", 99 + n % 20),
        "other type": lambda graph, n: setattr(tensor(graph, n), "type", n % 12),
        "buffer far away": lambda graph, n: setattr(tensor(graph, n), "buffer", n + 10_000),
        "other shape": lambda graph, n: setattr(tensor(graph, n), "shape", np.array([n % 99, 7], np.int32)),
        "shape below zero": lambda graph, n: setattr(tensor(graph, n), "shape", np.array([-n - 1] * 4, np.int32)),
        "no shape": lambda graph, n: setattr(tensor(graph, n), "shape", None),
        "output of the graph far away": lambda graph, n: setattr(graph, "outputs", [n + 10_000]),
    }


def _onnx_changes() -> dict[str, Callable[[Any, int], None]]:
    def node(graph: Any, number: int) -> Any:
        return graph.node[number % len(graph.node)]

    def constant(graph: Any, number: int) -> Any:
        return graph.initializer[number % len(graph.initializer)]

    def circle(graph: Any, number: int) -> None:
        graph.node[number % 2].output[0] = "image"

    def inputs_gone(graph: Any, number: int) -> None:
        del node(graph, number).input[:]

    def outputs_gone(graph: Any, number: int) -> None:
        del node(graph, number).output[:]

    return {
        "circle": circle,
        "no inputs": inputs_gone,
        "no outputs": outputs_gone,
        "other input": lambda graph, n: node(graph, n).input.__setitem__(0, constant(graph, n).name),
        "unknown input": lambda graph, n: node(graph, n).input.__setitem__(-1, "nowhere"),
        "another operator": lambda graph, n: setattr(
            node(graph, n), "op_type", ("Conv", "QuantizeLinear", "Sub")[n % 3]
        ),
        "unknown type": lambda graph, n: setattr(constant(graph, n), "data_type", 900 + n),
        "other type": lambda graph, n: setattr(constant(graph, n), "data_type", n % 12),
        "other shape": lambda graph, n: constant(graph, n).dims.append(n),
        "no data": lambda graph, n: constant(graph, n).ClearField("raw_data"),
    }


@pytest.fixture(scope="module")
def plain(toy_artifacts: Any) -> dict[str, bytes]:
    return {form: toy_artifacts[form, "int8"].path.read_bytes() for form in FORMS}


def _read_or_refused(data: bytes, form: str) -> None:
    try:
        found = take(data, form)
    except ExportError as error:
        assert error.what and error.fix
    else:
        assert found.census() and found.totals().operators


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(
    changes=st.lists(st.tuples(st.sampled_from(sorted(_onnx_changes())), st.integers(0, 500)), min_size=1, max_size=3)
)
def test_a_strange_onnx_graph_is_read_or_refused(plain: dict[str, bytes], changes: list[tuple[str, int]]) -> None:
    model = onnx.load_from_string(plain["onnx"])
    for name, number in changes:
        try:
            _onnx_changes()[name](model.graph, number)
        except IndexError:  # an earlier change took away what this one would change
            continue
    _read_or_refused(model.SerializeToString(), "onnx")


def _cases() -> Iterator[Any]:
    for name in _tflite_changes():
        for number in (0, 2, 4, 5, 17):
            yield pytest.param(name, number, id=f"{name}-{number}")


@pytest.mark.parametrize(("name", "number"), list(_cases()))
def test_a_strange_tflite_graph_is_read_or_refused(plain: dict[str, bytes], name: str, number: int) -> None:
    model = flatbuffer.load(plain["tflite"])
    _tflite_changes()[name](model.subgraphs[0], number)
    _read_or_refused(flatbuffer.pack(model), "tflite")


def test_what_contradicts_itself_is_said(plain: dict[str, bytes]) -> None:
    model = flatbuffer.load(plain["tflite"])
    model.subgraphs[0].operators[4].inputs = [10_000]
    with pytest.raises(ExportError, match="tflite file's graph contradicts itself: IndexError"):
        take(flatbuffer.pack(model), "tflite")
    forged = onnx.load_from_string(plain["onnx"])
    (reader,) = (node for node in forged.graph.node if node.output[0] == "QuantizeLinear_0")
    reader.input[2] = "nowhere"
    with pytest.raises(ExportError, match="onnx file's graph contradicts itself: KeyError: 'nowhere'"):
        take(forged.SerializeToString(), "onnx")
