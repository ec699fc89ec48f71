"""From weights to a classifier: raw pixels in, probabilities out."""

from __future__ import annotations

from typing import Any

from melanoma_edge.errors import TrustError
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.mobilenet import build
from melanoma_edge.model.spec import NetworkSpec
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
    tensorflow, keras = load_tensorflow()
    core = build(spec)
    set_weights(core, weights)
    core.trainable = False
    image = keras.Input((spec.image_size, spec.image_size, 3), name="image")
    logits = core((image - CENTRE) * (1 / SCALE))
    probabilities = keras.layers.Lambda(
        lambda z: tensorflow.nn.softmax(z * (1 / temperature)), name="probabilities", dtype="float32"
    )(logits)
    return keras.Model(image, probabilities, name="classifier")
