"""Layouts: equal to keras.applications layer by layer, and refused where they cannot be."""

from __future__ import annotations

from typing import Any

import pytest

from melanoma_edge.errors import UsageError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import network


def shapes(model: Any) -> list[list[tuple[int, ...]]]:
    return [[tuple(w.shape) for w in layer.weights] for layer in model.layers if layer.weights and layer.name != "head"]


@pytest.mark.parametrize("width", [0.35, 1.0, 1.3])
def test_v2_has_the_layers_of_keras_applications(width: float) -> None:
    _, keras = load_tensorflow()
    theirs = keras.applications.MobileNetV2((224, 224, 3), alpha=width, include_top=False, weights=None)
    spec = network("mobilenet_v2", width, 224, 7)
    assert shapes(build(spec)) == shapes(theirs)
    assert spec.features == theirs.output_shape[-1]


@pytest.mark.parametrize("width", [0.25, 0.75])
def test_v1_has_the_layers_of_keras_applications(width: float) -> None:
    _, keras = load_tensorflow()
    theirs = keras.applications.MobileNet((224, 224, 3), alpha=width, include_top=False, weights=None)
    spec = network("mobilenet_v1", width, 224, 7)
    assert shapes(build(spec)) == shapes(theirs)
    assert spec.features == theirs.output_shape[-1]


def test_residuals_stand_where_nothing_changes_shape() -> None:
    blocks = network("mobilenet_v2", 1.0, 224, 7).blocks
    assert [index for index, block in enumerate(blocks) if block.residual] == [2, 4, 5, 7, 8, 9, 11, 12, 14, 15]
    assert not any(block.residual for block in network("mobilenet_v1", 1.0, 224, 7).blocks)


@pytest.mark.parametrize(
    ("family", "width", "size", "message"),
    [
        ("resnet", 1.0, 224, "unknown backbone"),
        ("mobilenet_v2", 0.05, 224, "width 0.05"),
        ("mobilenet_v2", 2.5, 224, "width 2.5"),
        ("mobilenet_v2", float("nan"), 224, "width nan"),
        ("mobilenet_v1", 1.0, 100, "use 96"),
        ("mobilenet_v1", 1.0, 0, "use 32"),
        ("mobilenet_v1", 1.0, 2048, "use 1024"),
    ],
)
def test_a_layout_that_cannot_be_is_refused_with_what_could(family: str, width: float, size: int, message: str) -> None:
    with pytest.raises(UsageError, match=message):
        network(family, width, size, 7)


def test_fewer_than_two_classes_are_refused() -> None:
    with pytest.raises(UsageError, match="at least 2 classes"):
        network("mobilenet_v2", 0.35, 160, 1)
