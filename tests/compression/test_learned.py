from __future__ import annotations

from typing import Any

import numpy as np
from toys import TOY_SPEC, toy_pixels

from melanoma_edge.compression.learned import learned_rounding
from melanoma_edge.model.classifier import inference_model


def answers(spec: Any, weights: Any, pixels: Any) -> Any:
    return np.asarray(inference_model(spec, weights, 1.0)(pixels.astype(np.float32), training=False))


def test_smooth_weights_compute_what_the_run_does_and_rounded_ones_nearly(toy_run: Any) -> None:
    weights, pixels = toy_run.weights(), toy_pixels(8, seed=5)
    found = learned_rounding(TOY_SPEC, weights, pixels)
    expected = answers(TOY_SPEC, weights, pixels)
    smooth, rounded = (answers(found.spec, one, pixels) for one in (found.smooth, found.made.weights))
    assert found.spec.folded and found.smooth.keys() == found.made.weights.keys()
    np.testing.assert_allclose(smooth, expected, atol=1e-5)
    assert 1e-6 < np.abs(rounded - expected).max() < 0.1
    np.testing.assert_array_equal(found.made.weights["head/kernel"], found.smooth["head/kernel"])
