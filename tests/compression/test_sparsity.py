"""Zeros, counted: what the functions say is what is in the arrays."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from melanoma_edge.compression.sparsity import deflated, describe_sparsity, int8_deflated, layer_sparsity
from melanoma_edge.model.weights import Weights

kernels = st.tuples(st.just(1), st.just(1), st.integers(1, 9), st.integers(1, 5)).flatmap(
    lambda shape: arrays(np.float32, shape, elements=st.sampled_from([0.0, -0.0, 0.5, -1.0]))
)


@given(kernels)
def test_blocks_are_of_neighbouring_inputs_of_one_output(kernel: np.ndarray) -> None:
    found, blocks = layer_sparsity(kernel), []
    for output in kernel[0, 0].T:
        blocks += [np.count_nonzero(output[start : start + 4]) <= 2 for start in range(0, len(output), 4)]
    assert found.two_of_four == pytest.approx(np.mean(blocks))
    assert found.zeros == sum(value == 0 for value in kernel.ravel())
    assert found.share == found.zeros / found.weights


def _weights(keep: float) -> Weights:
    generator = np.random.default_rng(0)
    shapes = {
        "stem/kernel": (3, 3, 3, 8),
        "a_depthwise/depthwise_kernel": (3, 3, 8, 1),
        "a/kernel": (1, 1, 40, 64),
        "a_bn/gamma": (64,),
        "head/kernel": (1, 1, 64, 3),
        "head/bias": (3,),
    }
    made = {name: generator.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    made["a/kernel"] *= generator.random(made["a/kernel"].shape) < keep
    return made


def test_zeros_deflate_in_float_and_in_int8() -> None:
    dense, half = _weights(1.0), _weights(0.5)
    for size in (deflated, int8_deflated):
        assert size(half) < 0.8 * size(dense)
    assert int8_deflated(dense) < deflated(dense) / 2


def test_int8_bytes_are_those_of_kernels_alone_and_blind_to_the_scale_of_channels() -> None:
    weights = _weights(0.5)
    scaled = {name: array * 4 if name in ("a/kernel", "head/kernel") else array for name, array in weights.items()}
    scaled["a_bn/gamma"] = weights["a_bn/gamma"][::-1]
    assert int8_deflated(scaled) == int8_deflated(weights)


def test_the_description_names_every_kernel_once() -> None:
    found = describe_sparsity(None, _weights(0.5), ["a/kernel"])
    assert list(found["layers"]) == ["a/kernel"]
    assert set(found["dense"]) == {"stem/kernel", "a_depthwise/depthwise_kernel", "head/kernel"}
    assert found["deflated_bytes"]["before"] is found["int8_deflated_bytes"]["before"] is None
    assert found["pruned_weights"] == 40 * 64
