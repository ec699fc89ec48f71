from __future__ import annotations

from dataclasses import replace

import pytest

from exporters.inventory import Inventory, Step, levels
from exporters.lint import check
from exporters.precision import Precision
from melanoma_edge.errors import ExportError

GOOD = Inventory(
    format="tflite",
    steps=(
        Step("SUB", "centred", "float32"),
        Step("MUL", "scaled", "float32"),
        Step("QUANTIZE", "scaled_quantized", "float32"),
        Step("PAD", "stem_pad", "int8"),
        Step("CONV_2D", "stem", "int8", "int8", 216),
        Step("ADD", "block_add", "int8"),
        Step("DEQUANTIZE", "last", "int8"),
        Step("MEAN", "pooled", "float32"),
        Step("CONV_2D", "head", "float32", "float32", 84),
        Step("SOFTMAX", "probabilities", "float32"),
    ),
    inputs={"image": "float32"},
    outputs={"probabilities": "float32"},
    levels=256,
)


def with_step(place: int, step: Step) -> Inventory:
    return replace(GOOD, steps=(*GOOD.steps[:place], step, *GOOD.steps[place + 1 :]))


def test_a_good_file_passes() -> None:
    check(GOOD, Precision.INT8)


@pytest.mark.parametrize(
    ("inventory", "words"),
    [
        (with_step(4, Step("CONV_2D", "stem", "float32", "float32")), "stem computes float32 with float32 weights"),
        (with_step(8, Step("CONV_2D", "head", "int8", "int8")), "head computes int8"),
        (with_step(5, Step("ADD", "block_add", "float32")), "ADD block_add computes float32"),
        (with_step(9, Step("CUSTOM:FlexErf", "x", "float32")), "CUSTOM:FlexErf is custom"),
        (with_step(9, Step("FAKE_QUANT", "x", "float32")), "FAKE_QUANT"),
        (with_step(0, Step("MUL", "mask", "float32")), "2 operators MUL"),
        (with_step(8, Step("CONV_2D", "tail", "float32", "float32")), "0 heads"),
        (replace(GOOD, levels=171), "only 171 of 256"),
        (replace(GOOD, inputs={"image": "uint8"}), "input is"),
        (replace(GOOD, outputs={"probabilities": "int8"}), "output is"),
    ],
)
def test_what_is_wrong_is_named(inventory: Inventory, words: str) -> None:
    with pytest.raises(ExportError, match=words):
        check(inventory, Precision.INT8)


@pytest.mark.parametrize("precision", [one for one in Precision if one is not Precision.INT8])
def test_a_file_passes_as_one_precision_only(precision: Precision) -> None:
    with pytest.raises(ExportError):
        check(GOOD, precision)


def test_levels_show_the_known_trap_of_scaling_around_127_5() -> None:
    centred = [("subtract", (128.0,)), ("multiply", (1 / 127.5,)), ("quantize", (1 / 127.5, 0, "int8"))]
    usual = [("multiply", (1 / 127.5,)), ("subtract", (1.0,)), ("quantize", (2 / 255, -1, "int8"))]
    assert levels(centred) == 256
    assert levels(usual) < 256
    assert levels([("dequantize", (1 / 127.5, 128)), ("quantize", (1 / 127.5, 0, "int8"))]) == 256
    assert levels([]) == 256


def test_zero_points_that_move_the_zero_are_named() -> None:
    with pytest.raises(ExportError, match="zero points of stem, last are off"):
        check(replace(GOOD, odd_zeros=("stem", "last")), Precision.INT8)
