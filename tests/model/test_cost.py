"""Costs are counted from the layout and agree with the network that is built from it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from tiny import TINY
from toys import TOY_SPEC, toy_contract

from melanoma_edge.model.cost import cost, layer_costs
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import Block, NetworkSpec, network
from melanoma_edge.runtime.artifact import unsealed_document
from melanoma_edge.safeguards import OutlierLimits, QualityLimits, Safeguards
from melanoma_edge.training.config import PRESETS
from melanoma_edge.training.limits import outlier_limits

ODD = NetworkSpec("mobilenet_v1", 0.3, 96, 5, 9, (Block(0, 19, 2, False), Block(0, 38, 1, False)), 0)


@pytest.mark.parametrize("folded", [False, True])
@pytest.mark.parametrize("spec", [TOY_SPEC, ODD, network("mobilenet_v1", 0.25, 96, 2)], ids=["v2", "odd", "v1"])
def test_parameters_and_multiplications_are_those_of_the_built_network(spec: NetworkSpec, folded: bool) -> None:
    spec = replace(spec, folded=folded)
    model = build(spec)
    assert cost(spec).parameters == model.count_params()
    kernels = {layer.name: layer.weights[0].shape for layer in model.layers if hasattr(layer, "kernel_size")}
    sides, counted = _sides(model, spec.image_size), layer_costs(spec)
    assert {name: found.macs for name, found in counted.items()} == {
        name: shape.num_elements() * sides[name] ** 2 for name, shape in kernels.items()
    }


def _sides(model: Any, size: int) -> dict[str, int]:
    """Return the side of every layer's output, found by running the network."""
    from melanoma_edge.model.legacy_keras import load_tensorflow

    tensorflow, keras = load_tensorflow()
    outputs = {layer.name: layer.output for layer in model.layers if hasattr(layer, "kernel_size")}
    found = keras.Model(model.input, outputs)(tensorflow.zeros((1, size, size, 3)))
    return {name: int(value.shape[1]) for name, value in found.items()}


def test_mobilenet_v2_needs_the_300_million_of_its_paper() -> None:
    found = cost(network("mobilenet_v2", 1.0, 224, 1000))
    assert 299e6 < found.macs < 302e6
    assert found.parameters == 3_538_984, "keras.applications' own count"


@pytest.mark.parametrize(
    ("spec", "written"),
    [
        (replace(TINY, classes=7), 23_232),
        (network("mobilenet_v1", 0.25, 32, 3), 303_968),
        (network("mobilenet_v2", 0.35, 160, 7), 643_552),
    ],
    ids=["tiny", "v1", "v2"],
)
def test_the_estimate_of_bytes_is_near_files_that_were_written(spec: NetworkSpec, written: int) -> None:
    assert cost(spec).int8_bytes == pytest.approx(written, rel=0.005)


@pytest.mark.parametrize(("preset", "limit"), [("tiny", 320_000), ("phone", 700_000), ("accurate", 2_800_000)])
def test_presets_are_as_small_as_promised(preset: str, limit: int) -> None:
    """With eight classes, and in the contract limits of strangeness of every feature, which the estimate leaves out."""
    chosen = PRESETS[preset]
    spec = network(chosen["backbone"], chosen["width"], chosen["image_size"], 8)
    limits = Safeguards(QualityLimits(spec.image_size), typical_limits(spec.features))
    documents = [
        unsealed_document("tflite", "int8", toy_contract(safeguards=safeguards), None)
        for safeguards in (replace(limits, outlier=None), limits)
    ]
    without, with_limits = map(len, documents)
    assert with_limits - without > (16 * 4 / 3 + 3) * spec.features, "not of full size"
    assert cost(spec).int8_bytes + with_limits - without < limit


def typical_limits(features: int) -> OutlierLimits:
    """Return limits derived from embeddings whose features differ tenfold, as those of trained networks do."""
    generator = np.random.default_rng(0)
    centre = generator.lognormal(-1.6, 1.0, features)
    known = np.minimum(generator.gamma(2.5, centre / 2.5, (480, features)), 6)
    found = outlier_limits(known[:400], known[400:])
    assert found is not None
    return found
