"""What the weights and the arithmetic of an exported file are made of."""

from __future__ import annotations

from enum import StrEnum


class Precision(StrEnum):
    """Name the six precisions by what they are.

    ``float16``: weights stored in half precision, arithmetic in float32. ``int8-dynamic``: weights in int8, activations
    float in the file; LiteRT rounds them on the fly, onnxruntime does not. ``int8``: weights and activations in int8,
    float32 pixels in. ``int8-full``: the same numbers, but uint8 pixels in. ``int8x16``: weights in int8, activations
    in int16, computed slowly. The pooling, the head and the probabilities of all int8 forms are float32.
    """

    FLOAT32 = "float32"
    FLOAT16 = "float16"
    INT8_DYNAMIC = "int8-dynamic"
    INT8 = "int8"
    INT8_FULL = "int8-full"
    INT8X16 = "int8x16"

    @property
    def calibrated(self) -> bool:
        """Whether ranges of activations must be measured on training images."""
        return self in (Precision.INT8, Precision.INT8_FULL, Precision.INT8X16)

    @property
    def bits(self) -> int:
        """Bits of the activations where they are integers."""
        return 16 if self is Precision.INT8X16 else 8
