"""The network of the field's tutorials: three convolutions with max pooling, flattened into a dense layer.

TensorFlow's tutorial "Image classification" (tensorflow.org/tutorials/images/classification) has 16, 32 and 64
channels at 180 pixels and a dense layer of 128, which is ``width`` 0.5 here; notebooks on the nine-class set begin with
32. Their dropout is left out, as it would draw from a hidden state that no resumed run could repeat; pixels are scaled
as for every other network here.
"""

from __future__ import annotations

from typing import Any

from melanoma_edge.model.spec import NetworkSpec

_CONVOLUTIONS = 3


def features(layers: Any, image: Any, spec: NetworkSpec) -> Any:
    """Return float32 ``[n, 1, 1, spec.last]`` of scaled pixels ``[n, N, N, 3]``.

    The dense layer is a 1x1 convolution of the flattened map, which is the same function: so a file has no other
    kinds of weights than those of a MobileNet.

    Args:
        layers: the module ``tf_keras.layers``.
        image: the input.
        spec: the layout; each convolution has twice the channels of the one before.
    """
    x = image
    for index in range(_CONVOLUTIONS):
        x = _convolution(layers, x, spec.stem * 2**index, 3, f"block_{index}_convolution")
        x = layers.MaxPooling2D(name=f"block_{index}_pool")(x)
    x = layers.Reshape((1, 1, x.shape[1] * x.shape[2] * x.shape[3]), name="flat")(x)
    return _convolution(layers, x, spec.last, 1, "dense")


def _convolution(layers: Any, x: Any, channels: int, kernel: int, name: str) -> Any:
    x = layers.Conv2D(channels, kernel, padding="same", kernel_initializer="he_normal", name=name)(x)
    return layers.ReLU(name=f"{name}_relu")(x)
