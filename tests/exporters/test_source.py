from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from toys import TOY_SIZE, TOY_SPEC

from exporters import flatbuffer
from exporters.source import float_tflite
from melanoma_edge.errors import ExportError


def names_of(data: bytes) -> list[str]:
    return [flatbuffer.tensor_name(tensor) for tensor in flatbuffer.load(data).subgraphs[0].tensors]


def test_tensors_are_named_after_layers_and_no_name_comes_twice(toy_artifacts: Any) -> None:
    names = names_of(toy_artifacts["tflite", "float32"].path.read_bytes())
    assert len(set(names)) == len(names)
    wanted = {
        "image",
        "centred",
        "scaled",
        "stem",
        "stem/weights",
        "stem/bias",
        "block_2_add",
        "pooled",
        "head",
        "logits",
    }
    assert wanted | {"probabilities", "block_1_depthwise/weights"} <= set(names)


def test_layers_with_equal_biases_do_not_share_them() -> None:
    from melanoma_edge.model.classifier import get_weights, inference_model
    from melanoma_edge.model.mobilenet import build

    untrained = inference_model(TOY_SPEC, get_weights(build(TOY_SPEC)), 1.0)
    data = float_tflite(untrained, TOY_SIZE)
    biases = [name for name in names_of(data) if name.endswith("/bias")]
    assert len(biases) == sum(1 for name in names_of(data) if name.endswith("/weights"))


def test_a_folded_network_gives_the_same_names(toy_artifacts: Any) -> None:
    from melanoma_edge.model.classifier import get_weights, inference_model
    from melanoma_edge.model.mobilenet import build

    folded = replace(TOY_SPEC, folded=True)
    data = float_tflite(inference_model(folded, get_weights(build(folded)), 1.0), TOY_SIZE)
    assert set(names_of(data)) == set(names_of(toy_artifacts["tflite", "float32"].path.read_bytes()))


def test_a_model_that_cannot_be_converted_is_an_export_error() -> None:
    from melanoma_edge.model.legacy_keras import load_tensorflow

    _, keras = load_tensorflow()
    image = keras.Input((8, 8, 3), name="image")
    with pytest.raises(ExportError, match="cannot convert"):
        float_tflite(keras.Model(image, keras.layers.Flatten()(image)), size=9)


def test_converting_again_in_one_process_gives_equal_bytes(toy_run: Any, toy_artifacts: Any) -> None:
    from melanoma_edge.model.classifier import inference_model

    made = [
        float_tflite(inference_model(toy_run.network, toy_run.weights(), np.float64(1.3)), TOY_SIZE) for _ in range(2)
    ]
    assert made[0] == made[1]
