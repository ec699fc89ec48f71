"""From weights to a classifier: raw pixels in, probabilities out."""

from __future__ import annotations

import re
from typing import Any

from melanoma_edge.errors import TrustError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import HEAD, build
from melanoma_edge.model.spec import TUTORIAL, NetworkSpec
from melanoma_edge.model.weights import Weights

CENTRE, SCALE = 128.0, 127.5
"""``(x - 128) / 127.5``: with this centre all 256 bytes fall on different int8 steps."""


def get_weights(model: Any) -> Weights:
    """Return a model's variables, trained or averaged, as arrays by name."""
    return {_name(variable): variable.numpy() for variable in model.weights}


def set_weights(model: Any, weights: Weights, where: str = "weights") -> None:
    """Put arrays into a model.

    Raises:
        TrustError: when names or shapes are not exactly the model's.
    """
    wanted = {_name(variable): tuple(variable.shape) for variable in model.weights}
    given = {name: array.shape for name, array in weights.items()}
    if wanted != given:
        odd = sorted(set(wanted.items()) ^ set(given.items()))[:4]
        raise TrustError(f"weights do not fit the network: {odd}", where=where, fix="train again")
    for variable in model.weights:
        variable.assign(weights[_name(variable)])


def _name(variable: Any) -> str:
    return str(variable.name).removesuffix(":0")


def scaled(pixels: Any) -> Any:
    """Map raw values 0..255 to about -1..1; the only scaling anywhere."""
    return (pixels - CENTRE) / SCALE


def inference_model(spec: NetworkSpec, weights: Weights, temperature: float) -> Any:
    """Build what is exported: ``image`` float32 ``[n, N, N, 3]`` to ``probabilities`` float32 ``[n, classes]``.

    Args:
        spec: the network's layout.
        weights: its weights.
        temperature: divides the logits before the softmax.
    """
    _, keras = load_tensorflow()
    image = keras.Input((spec.image_size, spec.image_size, 3), name="image")
    logits = _core(spec, weights)((image - CENTRE) * (1 / SCALE))
    return keras.Model(image, _softmax(logits, temperature), name="classifier")


def explained_model(spec: NetworkSpec, weights: Weights, temperature: float) -> Any:
    """Build ``inference_model`` with everything it can answer, as a dict by name.

    ``probabilities`` as there; ``embedding`` float32 ``[n, features]``, the pooled features; ``cam`` float32
    ``[n, h, w, classes]``, the head at every place of the last feature map divided by the temperature: the softmax of
    its mean over h and w is ``probabilities``, because the head is linear (Zhou et al. 2016, class activation mapping).
    A network that flattens its last map has one place only: its embedding knows of no other.
    """
    _, keras = load_tensorflow()
    core = _core(spec, weights)
    head = core.get_layer(HEAD)
    last = head.input if spec.family == TUTORIAL else core.get_layer("pooled").input
    image = keras.Input((spec.image_size, spec.image_size, 3), name="image")
    features, average = keras.Model(core.input, [last, head.input])((image - CENTRE) * (1 / SCALE))
    answers = {
        "probabilities": _softmax(keras.layers.Flatten()(head(average)), temperature),
        "embedding": keras.layers.Flatten(name="embedding")(average),
        "cam": head(features) * (1 / temperature),
    }
    return keras.Model(image, answers, name="explained")


def layers_model(spec: NetworkSpec, weights: Weights, temperature: float) -> tuple[tuple[str, ...], Any]:
    """Build ``inference_model`` with the output of every layer.

    Returns:
        The layers in order, named as exported files name them, and a model from ``image`` to their outputs by name: of
        a convolution what comes behind its batch norm and its ReLU6, as exported files fuse them.
    """
    _, keras = load_tensorflow()
    core = _core(spec, weights)
    image = keras.Input((spec.image_size, spec.image_size, 3), name="image")
    outputs: dict[str, Any] = {"scaled": core.input}
    for layer in core.layers[1:]:
        outputs[re.sub(r"(_bn)?(_relu)?$", "", layer.name)] = layer.output
    outputs["probabilities"] = _softmax(outputs["logits"], temperature)
    inner = keras.Model(core.input, list(outputs.values()))
    found = inner((image - CENTRE) * (1 / SCALE))
    return tuple(outputs), keras.Model(image, dict(zip(outputs, found, strict=True)), name="layers")


def _core(spec: NetworkSpec, weights: Weights) -> Any:
    core = build(spec)
    set_weights(core, weights)
    core.trainable = False
    return core


def _softmax(logits: Any, temperature: float) -> Any:
    tensorflow, keras = load_tensorflow()
    layer = keras.layers.Lambda(
        lambda z: tensorflow.nn.softmax(z * (1 / temperature)), name="probabilities", dtype="float32"
    )
    return layer(logits)
