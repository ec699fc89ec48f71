from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from exporters import flatbuffer
from exporters.answers import answers
from exporters.inventory import Inventory, take
from exporters.lint import check
from exporters.plan import Keep, layers
from exporters.precision import Precision
from exporters.quantize import quantized, uint8_input, with_input_range
from exporters.source import float_tflite
from melanoma_edge.compression.calibration import collect_ranges
from melanoma_edge.compression.learned import learned_rounding
from melanoma_edge.errors import ExportError, MachineError
from melanoma_edge.model.classifier import inference_model


def float_file(toy_artifacts: Any) -> bytes:
    return bytes(toy_artifacts["tflite", "float32"].path.read_bytes())


def test_the_range_of_pixels_is_fixed_whatever_was_measured(toy_artifacts: Any) -> None:
    ranges = with_input_range(float_file(toy_artifacts), {"scaled": (-0.2, 0.3), "stem": (0.0, 6.0)})
    assert ranges["scaled"] == pytest.approx((-128 / 127.5, 127 / 127.5))
    assert ranges["stem"] == (0.0, 6.0)


def test_int8_without_ranges_is_refused(toy_artifacts: Any) -> None:
    with pytest.raises(ExportError, match="needs calibration images"):
        quantized(float_file(toy_artifacts), Precision.INT8)


def test_a_missing_range_is_an_error_not_a_guess(toy_artifacts: Any) -> None:
    with pytest.raises(ExportError, match="cannot quantize"):
        quantized(float_file(toy_artifacts), Precision.INT8, {"stem": (0.0, 6.0)})


def test_the_input_of_int8_full_is_the_bytes_themselves(toy_artifacts: Any) -> None:
    model = flatbuffer.load(toy_artifacts["tflite", "int8-full"].path.read_bytes())
    graph = model.subgraphs[0]
    image = graph.tensors[graph.inputs[0]]
    assert flatbuffer.dtype_name(image) == "uint8"
    assert flatbuffer.scale_and_zero(image) == (pytest.approx(1 / 127.5, rel=1e-6), 128)
    assert "SUB" not in [flatbuffer.op_name(model, operator) for operator in graph.operators]


def test_a_float_model_cannot_take_bytes(toy_artifacts: Any) -> None:
    with pytest.raises(ExportError, match="does not begin with the scaling"):
        uint8_input(float_file(toy_artifacts))


def mixed(material: Any, precision: Precision = Precision.INT8, **keep: str) -> tuple[bytes, Inventory]:
    data = quantized(material.source, precision, material.ranges, keep)
    return data, take(data, "tflite")


@pytest.mark.parametrize(("kind", "types"), [("float32", ("float32", "float32")), ("int16", ("int16", "int8"))])
def test_a_layer_can_be_kept_out_of_int8(toy_material: Any, kind: str, types: tuple[str, str]) -> None:
    _, found = mixed(toy_material, block_1_depthwise=kind, block_2_add=kind)
    computed = {step.layer: (step.activation, step.weights) for step in found.steps}
    assert computed["block_1_depthwise"] == types and computed["block_2_add"] == (types[0], "")
    assert computed["block_1_expand"] == computed["stem"] == ("int8", "int8")
    check(found, Precision.INT8, plan={"block_1_depthwise": Keep(kind), "block_2_add": Keep(kind)})


def test_the_file_must_be_exactly_the_plan(toy_material: Any) -> None:
    _, found = mixed(toy_material, stem="float32", stem_pad="float32")
    for plan in ({}, {"stem": Keep.FLOAT32}, {"stem": Keep.FLOAT32, "stem_pad": Keep.INT16}):
        with pytest.raises(ExportError, match=r"stem|PAD"):
            check(found, Precision.INT8, plan=plan)
    _, plain = mixed(toy_material)
    with pytest.raises(ExportError, match="last computes int8"):
        check(plain, Precision.INT8, plan={"last": Keep.FLOAT32})


def test_all_in_float_is_the_float_model(toy_material: Any, toy_batch: Any) -> None:
    everything = dict.fromkeys(layers(toy_material.source), "float32")
    found, _ = mixed(toy_material, **everything)
    np.testing.assert_allclose(answers(found, toy_batch[:8]), answers(toy_material.source, toy_batch[:8]), atol=1e-6)


def test_wider_activations_come_nearer_to_float(toy_material: Any, toy_batch: Any) -> None:
    """The weights of both are the same int8; only where activations are rounded do they differ."""
    expected = answers(toy_material.source, toy_batch[:16])
    wide, narrow = (mixed(toy_material, one)[0] for one in (Precision.INT8X16, Precision.INT8))
    assert stored(wide).keys() == stored(narrow).keys()
    for name, values in stored(wide).items():
        np.testing.assert_array_equal(values, stored(narrow)[name])
    few = {name: "float32" for name in layers(toy_material.source) if name.startswith(("stem", "block_0"))}
    part, _ = mixed(toy_material, **few)
    differences = [np.abs(answers(one, toy_batch[:16]) - expected).mean() for one in (wide, part, narrow)]
    assert differences[0] < differences[2] and differences[1] < differences[2]


def stored(data: bytes) -> dict[str, Any]:
    model = flatbuffer.load(data)
    found = {flatbuffer.tensor_name(one): flatbuffer.constant(model, one) for one in model.subgraphs[0].tensors}
    return {name: values for name, values in found.items() if values is not None and name.endswith("/weights")}


def test_a_missing_quantizer_names_the_package(toy_artifacts: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ai_edge_quantizer.quantizer", None)
    with pytest.raises(MachineError, match="pip install ai-edge-quantizer"):
        quantized(float_file(toy_artifacts), Precision.INT8_DYNAMIC)


def rounded(toy_run: Any, weights: Any, pixels: Any) -> tuple[Any, dict[str, Any], Any]:
    """Return learned weights, and the tensors and the model of the int8 file made of them."""
    learned = learned_rounding(toy_run.network, weights, pixels)
    model = inference_model(learned.spec, learned.made.weights, toy_run.contract.temperature)
    source = float_tflite(model, toy_run.contract.input_size)
    data = flatbuffer.load(quantized(source, Precision.INT8, collect_ranges(source, pixels).ranges(8)))
    return learned.made.weights, {flatbuffer.tensor_name(one): one for one in data.subgraphs[0].tensors}, data


def test_the_constant_of_a_dead_channel_stays(toy_run: Any, toy_batch: Any) -> None:
    """Its kernel is zero, so a bias counted in steps of the kernel would not fit int32."""
    weights = dict(toy_run.weights())
    weights["stem_bn/gamma"], weights["stem_bn/beta"] = (weights[f"stem_bn/{x}"].copy() for x in ("gamma", "beta"))
    weights["stem_bn/gamma"][3], weights["stem_bn/beta"][3] = 0, 1.5
    made, tensors, data = rounded(toy_run, weights, toy_batch[:32])
    found = tensors["stem/bias"]
    biases = flatbuffer.constant(data, found) * np.asarray(found.quantization.scale)
    assert made["stem/bias"][3] >= 1.5  # equalisation may lift it
    np.testing.assert_allclose(biases, made["stem/bias"], atol=1e-4)


def test_integers_in_the_file_are_those_that_were_chosen(toy_run: Any, toy_batch: Any) -> None:
    """Steps are chosen; the file finds them again, as each output's largest integer is +-127."""
    made, tensors, data = rounded(toy_run, toy_run.weights(), toy_batch[:32])
    kernels = {name: values for name, values in made.items() if "kernel" in name and not name.startswith("head")}
    for name, kernel in kernels.items():
        stored = flatbuffer.constant(data, tensors[f"{name.split('/')[0]}/weights"])
        depthwise = name.endswith("depthwise_kernel")
        ours = kernel.transpose((3, 0, 1, 2))
        steps = np.abs(ours).max(axis=(0, 1, 2) if depthwise else (1, 2, 3), keepdims=True).astype(np.float64) / 127
        assert stored.dtype == np.int8
        np.testing.assert_array_equal(stored, np.rint(ours / steps))
    assert len(kernels) == 10
