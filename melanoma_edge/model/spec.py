"""The shape of a network as data: what pruning keeps, thinning changes and an exporter never needs to guess."""

from __future__ import annotations

from dataclasses import dataclass, replace

from melanoma_edge.errors import UsageError

TUTORIAL = "tutorial-cnn"
MOBILENETS = ("mobilenet_v2", "mobilenet_v1")
FAMILIES = (*MOBILENETS, TUTORIAL)

# Sandler et al. 2018, "MobileNetV2", table 2: expansion, output channels, repeats, first stride.
_V2_STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
_V2_STEM, _V2_LAST = 32, 1280
# Howard et al. 2017, "MobileNets", table 1: output channels and stride of each depthwise-separable block.
_V1_BLOCKS = ((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2), *((512, 1),) * 5, (1024, 2), (1024, 1))
_V1_STEM = 32
_TUTORIAL_STEM, _TUTORIAL_HIDDEN = 32, 128
_STEPS = {TUTORIAL: 4}
"""What the image size is a multiple of, where that is not 32; the tutorials' 180 is one of 4."""


@dataclass(frozen=True)
class Block:
    """Describe one depthwise-separable block.

    ``expand`` counts the channels of the first 1x1 convolution, 0 where there is none; ``out`` those of the last.
    """

    expand: int
    out: int
    stride: int
    residual: bool


@dataclass(frozen=True)
class NetworkSpec:
    """Describe a network channel by channel.

    ``last`` is 0 where no 1x1 convolution precedes the pooling. ``folded`` says that batch norm was multiplied into the
    convolutions, which then have biases. The network of the tutorials has no blocks: its convolutions follow from
    ``stem``, and ``last`` is its dense layer.
    """

    family: str
    width: float
    image_size: int
    classes: int
    stem: int
    blocks: tuple[Block, ...]
    last: int
    folded: bool = False

    @property
    def features(self) -> int:
        """The number of pooled features."""
        return self.last or self.blocks[-1].out


def network(family: str, width: float, image_size: int, classes: int) -> NetworkSpec:
    """Lay out a network.

    Args:
        family: ``mobilenet_v2``, ``mobilenet_v1`` as the tiny alternative, or ``tutorial-cnn`` for comparison.
        width: channel multiplier, 0.1 to 2.
        image_size: pixels per side, 32 to 1024 and a multiple of 32 so that every stride divides it; of 4 for
            ``tutorial-cnn``.
        classes: outputs, at least 2.

    Raises:
        UsageError: for a value outside these ranges.
    """
    if family not in FAMILIES:
        raise UsageError(f"unknown backbone {family!r}", fix=f"use one of {', '.join(FAMILIES)}")
    if not 0.1 <= width <= 2:
        raise UsageError(f"width {width} is outside 0.1 to 2", fix="0.35 and 1.0 are the usual widths")
    step = _STEPS.get(family, 32)
    if image_size % step or not 32 <= image_size <= 1024:
        near = min(max(step * round(image_size / step), 32), 1024)
        what = f"image size {image_size} is not a multiple of {step} between 32 and 1024"
        raise UsageError(what, fix=f"use {near}")
    if classes < 2:
        raise UsageError(f"{classes} classes", fix="a classifier needs at least 2 classes")
    return _LAYOUTS[family](width, image_size, classes)


def check_mobilenet(spec: NetworkSpec, what: str, where: str) -> None:
    """Raise ``UsageError`` for a network that is none, of which ``what`` knows nothing."""
    if spec.family not in MOBILENETS:
        fix = "train a MobileNet; export to int8 takes this network with --rounding nearest"
        raise UsageError(f"{what} is for MobileNets, not for {spec.family}", where=where, fix=fix)


def _v2(width: float, image_size: int, classes: int) -> NetworkSpec:
    blocks: list[Block] = []
    channels = stem = _rounded(_V2_STEM * width)
    for expansion, out, repeats, stride in _V2_STAGES:
        wide = _rounded(out * width)
        for repeat in range(repeats):
            step = stride if repeat == 0 else 1
            expand = channels * expansion if expansion > 1 else 0
            blocks.append(Block(expand, wide, step, residual=step == 1 and channels == wide))
            channels = wide
    # The last layer is widened but never narrowed, as in keras.applications, whose weights are loaded.
    last = _rounded(_V2_LAST * width) if width > 1 else _V2_LAST
    spec = NetworkSpec("mobilenet_v2", width, image_size, classes, stem, tuple(blocks), last)
    return replace(spec, blocks=(replace(blocks[0], residual=False), *blocks[1:]))


def _v1(width: float, image_size: int, classes: int) -> NetworkSpec:
    blocks = tuple(Block(0, int(out * width), stride, residual=False) for out, stride in _V1_BLOCKS)
    return NetworkSpec("mobilenet_v1", width, image_size, classes, int(_V1_STEM * width), blocks, 0)


def _tutorial(width: float, image_size: int, classes: int) -> NetworkSpec:
    stem = max(1, round(_TUTORIAL_STEM * width))
    return NetworkSpec(TUTORIAL, width, image_size, classes, stem, (), _TUTORIAL_HIDDEN)


_LAYOUTS = dict(zip(FAMILIES, (_v2, _v1, _tutorial), strict=True))


def _rounded(channels: float, divisor: int = 8) -> int:
    """Round to a multiple of 8 without losing more than a tenth (the authors' ``make_divisible``)."""
    whole = max(divisor, int(channels + divisor / 2) // divisor * divisor)
    return whole + divisor if whole < 0.9 * channels else whole
