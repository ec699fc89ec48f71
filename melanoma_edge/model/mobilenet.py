"""MobileNetV1 and V2, written so that pruning, quantization and conversion all accept them.

Every 3x3 convolution of stride 2 has an explicit ``ZeroPadding2D(1)`` and VALID padding, the only form that
tfmot's ``PruneForLatencyOnXNNPack`` knows; activations are ReLU6; there is nothing else to lose in int8.
The network here takes scaled pixels and answers logits; ``classifier.py`` adds scaling and softmax.
"""

from __future__ import annotations

from typing import Any

from melanoma_edge.model import tutorial
from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.model.spec import TUTORIAL, Block, NetworkSpec

HEAD = "head"
EPSILON = 1e-3
"""keras.applications' batch-norm epsilon, part of the function that its weights belong to."""


def build(spec: NetworkSpec, bn_momentum: float = 0.99, name: str = "melanoma_edge") -> Any:
    """Build the network as a functional ``tf_keras.Model``.

    Args:
        spec: the layout.
        bn_momentum: share of the old value that moving averages keep per step; short fine-tunes need at most 0.99.
        name: the model's name.

    Returns:
        A model from float32 ``[n, N, N, 3]`` in about -1..1 to float32 logits ``[n, classes]``.
    """
    _, keras = load_tensorflow()
    if spec.family == TUTORIAL:
        image = keras.Input((spec.image_size, spec.image_size, 3), name="scaled")
        x = tutorial.features(keras.layers, image, spec)
    else:
        image = keras.Input((None, None, 3), name="scaled")
        x = _features(_Layers(keras.layers, bn_momentum, spec.folded), image, spec)
        x = keras.layers.GlobalAveragePooling2D(keepdims=True, name="pooled")(x)
    x = keras.layers.Conv2D(spec.classes, 1, name=HEAD, dtype="float32")(x)
    logits = keras.layers.Flatten(name="logits", dtype="float32")(x)
    return keras.Model(image, logits, name=name)


def _features(layers: _Layers, image: Any, spec: NetworkSpec) -> Any:
    x = layers.convolution(image, spec.stem, "stem", kernel=3, stride=2)
    for index, block in enumerate(spec.blocks):
        x = layers.block(x, block, f"block_{index}", linear=spec.family == "mobilenet_v2")
    return layers.convolution(x, spec.last, "last") if spec.last else x


class _Layers:
    """Put layers behind one another under systematic names."""

    def __init__(self, layers: Any, bn_momentum: float, folded: bool) -> None:
        self._layers = layers
        self._momentum = bn_momentum
        self._folded = folded

    def block(self, x: Any, block: Block, name: str, linear: bool) -> Any:
        shortcut = x
        if block.expand:
            x = self.convolution(x, block.expand, f"{name}_expand")
        x = self._depthwise(x, block.stride, f"{name}_depthwise")
        x = self.convolution(x, block.out, f"{name}_project", activate=not linear)
        return self._layers.Add(name=f"{name}_add")([shortcut, x]) if block.residual else x

    def convolution(
        self, x: Any, channels: int, name: str, kernel: int = 1, stride: int = 1, activate: bool = True
    ) -> Any:
        if stride == 2:
            x = self._layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        padding = "valid" if stride == 2 else "same"
        layer = self._layers.Conv2D(
            channels, kernel, stride, padding, use_bias=self._folded, kernel_initializer="he_normal", name=name
        )
        return self._normalised(layer(x), name, activate)

    def _depthwise(self, x: Any, stride: int, name: str) -> Any:
        if stride == 2:
            x = self._layers.ZeroPadding2D(1, name=f"{name}_pad")(x)
        padding = "valid" if stride == 2 else "same"
        layer = self._layers.DepthwiseConv2D(
            3, stride, padding, use_bias=self._folded, depthwise_initializer="he_normal", name=name
        )
        return self._normalised(layer(x), name, activate=True)

    def _normalised(self, x: Any, name: str, activate: bool) -> Any:
        if not self._folded:
            x = self._layers.BatchNormalization(epsilon=EPSILON, momentum=self._momentum, name=f"{name}_bn")(x)
        return self._layers.ReLU(6.0, name=f"{name}_relu")(x) if activate else x
