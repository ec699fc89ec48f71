from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from toys import TOY_SPEC, toy_weights

from melanoma_edge.compression.fold import fold
from melanoma_edge.model.classifier import get_weights, inference_model
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec, network


@pytest.mark.parametrize("spec", [TOY_SPEC, network("mobilenet_v1", 0.1, 32, 3)], ids=["v2", "v1"])
def test_the_folded_network_computes_the_same(spec: NetworkSpec, toy_batch: Any) -> None:
    weights = toy_weights(spec)
    folded = fold(spec, weights)
    pixels = toy_batch[:16].astype(np.float32)
    before, after = (np.asarray(inference_model(s, w, 1.3)(pixels)) for s, w in ((spec, weights), folded))
    assert np.abs(before - after).max() < 1e-5


def test_the_folded_layout_has_biases_and_no_batch_norm() -> None:
    spec, weights = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    assert spec.folded and not any("_bn/" in name for name in weights)
    assert {name: value.shape for name, value in weights.items()} == {
        name: value.shape for name, value in get_weights(build(spec)).items()
    }


def test_the_head_is_left_alone() -> None:
    weights = toy_weights(TOY_SPEC)
    _, folded = fold(TOY_SPEC, weights)
    for name in ("head/kernel", "head/bias"):
        np.testing.assert_array_equal(folded[name], weights[name])


def test_folding_again_changes_nothing() -> None:
    once = fold(TOY_SPEC, toy_weights(TOY_SPEC))
    assert fold(*once) == once
