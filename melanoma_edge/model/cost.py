"""What a network costs, counted from its layout alone: parameters, multiplications, bytes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from melanoma_edge.model.mobilenet import HEAD
from melanoma_edge.model.spec import NetworkSpec

_CHANNEL_BYTES = 28
"""What a channel of an int8 convolution adds to its kernel in a ``.tflite``: an int32 bias, and for kernel and bias
a float32 scale and an int64 zero point each."""
_FILE_BYTES, _LAYER_BYTES, _SUM_BYTES = 4330, 441, 92
"""What the file itself, each layer and each sum of a residual block add: contract, graph and names. Fitted to files of
23,232, 303,968 and 643,552 bytes, of 11, 28 and 53 layers; one of 813,232 that was not fitted comes out 149 too small.
"""


@dataclass(frozen=True)
class Cost:
    """Hold what a network or a layer costs.

    ``parameters`` are all that Keras counts, moving averages included; ``macs`` the multiplications with addition
    for one image, batch norm folded away; ``int8_bytes`` an estimate of the int8 ``.tflite``, whose head is float32,
    within 0.5 % of the files measured; what an export keeps in float32 beside the head comes on top, and so do limits
    of strangeness in the contract: about 4.2 bytes for each of ``(classes + 1) * features`` numbers.
    """

    parameters: int
    macs: int
    int8_bytes: int

    def __add__(self, other: Cost) -> Cost:
        return Cost(self.parameters + other.parameters, self.macs + other.macs, self.int8_bytes + other.int8_bytes)


def cost(spec: NetworkSpec) -> Cost:
    """Return what a whole network costs at its image size."""
    return sum(layer_costs(spec).values(), Cost(0, 0, _FILE_BYTES))


def layer_costs(spec: NetworkSpec) -> dict[str, Cost]:
    """Return the cost of each convolution with its batch norm, by the layer's name, in the network's order."""
    return dict(_layers(spec))


def _layers(spec: NetworkSpec) -> Iterator[tuple[str, Cost]]:
    side, channels = -(-spec.image_size // 2), spec.stem
    yield "stem", _convolution(27, channels, side, spec.folded)
    for index, block in enumerate(spec.blocks):
        name, inner = f"block_{index}", block.expand or channels
        if block.expand:
            yield f"{name}_expand", _convolution(channels, inner, side, spec.folded)
        side = -(-side // block.stride)
        yield f"{name}_depthwise", _convolution(9, inner, side, spec.folded)
        summed = Cost(0, 0, _SUM_BYTES if block.residual else 0)
        yield f"{name}_project", _convolution(inner, block.out, side, spec.folded) + summed
        channels = block.out
    if spec.last:
        yield "last", _convolution(channels, spec.last, side, spec.folded)
    weights = (spec.features + 1) * spec.classes
    yield HEAD, Cost(weights, spec.features * spec.classes, 4 * weights + _LAYER_BYTES)


def _convolution(taps: int, channels: int, side: int, folded: bool) -> Cost:
    """Count a convolution in which each of ``channels`` outputs has ``taps`` weights, with what normalises it."""
    kernel = taps * channels
    stored = kernel + _CHANNEL_BYTES * channels + _LAYER_BYTES
    return Cost(kernel + channels * (1 if folded else 4), kernel * side * side, stored)
