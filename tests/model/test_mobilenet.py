"""The networks themselves: what pruning accepts, what they answer, how long batch norm remembers."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import HEAD, build
from melanoma_edge.model.spec import MOBILENETS, network


@pytest.mark.parametrize("family", MOBILENETS)
def test_pruning_for_xnnpack_accepts_every_family(family: str) -> None:
    _, keras = load_tensorflow()
    from tensorflow_model_optimization.sparsity import keras as sparsity

    model = build(network(family, 0.25, 64, 3))
    policy = sparsity.PruneForLatencyOnXNNPack()
    policy.ensure_model_supports_pruning(model)
    pointwise = [
        layer.name
        for layer in model.layers
        if type(layer) is keras.layers.Conv2D and layer.kernel_size == (1, 1) and layer.name != HEAD
    ]
    allowed = [layer.name for layer in model.layers if policy.allow_pruning(layer) and layer.name != HEAD]
    assert allowed == pointwise
    assert len(pointwise) >= 13


@pytest.mark.parametrize("family", MOBILENETS)
@pytest.mark.parametrize("size", [32, 64])
def test_logits_are_float32_for_any_size(family: str, size: int) -> None:
    answer = build(network(family, 0.1, 32, 4))(np.zeros((2, size, size, 3), np.float32))
    assert answer.shape == (2, 4)
    assert answer.dtype.name == "float32"


def test_batch_norm_forgets_as_fast_as_asked() -> None:
    _, keras = load_tensorflow()
    model = build(network("mobilenet_v1", 0.1, 32, 3), bn_momentum=0.9)
    norms = [layer for layer in model.layers if isinstance(layer, keras.layers.BatchNormalization)]
    assert {norm.momentum for norm in norms} == {0.9}
    assert {norm.epsilon for norm in norms} == {1e-3}
