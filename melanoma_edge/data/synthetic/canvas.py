"""A view's canvas: from positions on the skin to pixels, and soft masks drawn there.

Everything is placed in skin coordinates, where half the shorter side of an unmoved view is 1 and the lesion's
centre is (0, 0), so the same lesion can be drawn at any size. Only arithmetic that IEEE 754 fixes is used on
pixels: no sine, exponential or power, whose last bits differ between machines.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Field = NDArray[np.float32]
"""One number per pixel, [H, W]."""

REACH = 3.2
"""Half the side of the square of skin that noise covers; no view looks further."""

_FINER = 2
"""How much finer than a pixel discs and strokes are drawn before they are averaged."""


@dataclass(frozen=True)
class Pose:
    """Say how the camera is held: turned by ``angle`` (radians), closer by ``zoom``, moved by ``x`` and ``y``."""

    angle: float
    zoom: float
    x: float
    y: float


@dataclass(frozen=True)
class Canvas:
    """Turn skin coordinates into the pixels of one view of ``width`` x ``height``."""

    width: int
    height: int
    pose: Pose

    @property
    def unit(self) -> float:
        """Half the shorter side in pixels."""
        return min(self.width, self.height) / 2

    @cached_property
    def frame(self) -> tuple[Field, Field]:
        """Each pixel's place in the picture, centre (0, 0), shorter side from -1 to 1."""
        across = (np.arange(self.width, dtype=np.float32) + np.float32(0.5 - self.width / 2)) / np.float32(self.unit)
        down = (np.arange(self.height, dtype=np.float32) + np.float32(0.5 - self.height / 2)) / np.float32(self.unit)
        return np.broadcast_to(across, self._shape), np.broadcast_to(down[:, None], self._shape)

    @cached_property
    def skin(self) -> tuple[Field, Field]:
        """Each pixel's place on the skin."""
        u, v = self.frame
        a, b, c, d, e, f = (np.float32(number) for number in self._to_skin)
        return a * u + b * v + c, d * u + e * v + f

    @property
    def _shape(self) -> tuple[int, int]:
        return self.height, self.width

    @cached_property
    def _to_skin(self) -> tuple[float, float, float, float, float, float]:
        pose = self.pose
        cos, sin = math.cos(pose.angle) / pose.zoom, math.sin(pose.angle) / pose.zoom
        return cos, sin, -cos * pose.x - sin * pose.y, -sin, cos, sin * pose.x - cos * pose.y

    def pixels(self, points: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return pixel positions [n, 2] of places on the skin [n, 2]."""
        cos, sin = math.cos(self.pose.angle) * self.pose.zoom, math.sin(self.pose.angle) * self.pose.zoom
        x, y = points[:, 0] * cos - points[:, 1] * sin, points[:, 0] * sin + points[:, 1] * cos
        return np.stack(
            [(x + self.pose.x) * self.unit + self.width / 2, (y + self.pose.y) * self.unit + self.height / 2], axis=1
        )

    def sample(self, noise: Image.Image) -> Field:
        """Return a noise picture that covers the skin from -REACH to REACH as this view sees it."""
        cells = noise.width / (2 * REACH)
        a, b, c, d, e, f = self._to_skin
        middle_x, middle_y = self.width / 2, self.height / 2
        scale = cells / self.unit
        matrix = (
            a * scale,
            b * scale,
            (c + REACH) * cells - (a * middle_x + b * middle_y) * scale,
            d * scale,
            e * scale,
            (f + REACH) * cells - (d * middle_x + e * middle_y) * scale,
        )
        size = (self.width, self.height)
        seen = noise.transform(size, Image.Transform.AFFINE, matrix, Image.Resampling.BICUBIC)
        return np.asarray(seen, dtype=np.float32)

    def discs(self, centres: NDArray[np.float64], radii: NDArray[np.float64]) -> Field:
        """Return a mask 0..1 of discs on the skin with soft rims."""
        layer, draw = self._layer()
        for (x, y), radius in zip(self.pixels(centres) * _FINER, radii * self._scale, strict=True):
            draw.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)
        return _mask(layer.filter(ImageFilter.BoxBlur(0.01 * self._scale)))

    def strokes(self, lines: Sequence[NDArray[np.float64]], widths: Sequence[float]) -> Field:
        """Return a mask 0..1 of lines on the skin, each [n, 2]; no line is thinner than a fifth of a pixel."""
        layer, draw = self._layer()
        placed = self.pixels(np.concatenate(lines)) * _FINER
        ends = np.cumsum([len(line) for line in lines])[:-1]
        for line, width in zip(np.split(placed, ends), widths, strict=True):
            wanted = width * self._scale
            draw.line(line.ravel().tolist(), fill=min(255, round(255 * max(wanted, 0.4))), width=max(1, round(wanted)))
        return _mask(layer)

    @property
    def _scale(self) -> float:
        return self.unit * self.pose.zoom * _FINER

    def _layer(self) -> tuple[Image.Image, ImageDraw.ImageDraw]:
        layer = Image.new("L", (self.width * _FINER, self.height * _FINER))
        return layer, ImageDraw.Draw(layer)


def _mask(layer: Image.Image) -> Field:
    return np.asarray(layer.reduce(_FINER), dtype=np.float32) * np.float32(1 / 255)


def noise(random: np.random.Generator, octaves: Sequence[tuple[int, float]]) -> Image.Image:
    """Return smooth noise of mean 0 as a square picture.

    Args:
        random: where the values come from.
        octaves: (cells across the skin, greatest value) from coarse to fine.
    """
    total: Image.Image | None = None
    for cells, height in octaves:
        grid = (random.random((cells, cells), dtype=np.float32) - np.float32(0.5)) * np.float32(2 * height)
        if total is not None:
            grid = grid + np.asarray(total.resize((cells, cells), Image.Resampling.BICUBIC))
        total = Image.fromarray(grid)
    assert total is not None
    return total


def ramp(values: Field, start: float, end: float) -> Field:
    """Return 0 for ``values`` before ``start``, 1 beyond ``end``, a smooth step between; ``start`` may be larger."""
    part: Field = values - np.float32(start)
    part *= np.float32(1 / (end - start))
    np.clip(part, np.float32(0), np.float32(1), out=part)
    smooth: Field = part * np.float32(-2)
    smooth += np.float32(3)
    smooth *= part
    smooth *= part
    return smooth


def wave(turns: Field) -> Field:
    """Return nearly ``cos(2 pi turns)`` out of two parabolas."""
    part = turns + np.float32(0.25)
    part = part - np.floor(part) - np.float32(0.5)
    curve: Field = np.float32(16) * part * np.abs(part) - np.float32(8) * part
    return curve


def blend(picture: Field, mask: Field, colour: Sequence[float]) -> None:
    """Move ``picture`` [3, H, W] towards ``colour`` where ``mask`` [H, W] is set, in place."""
    for channel, value in zip(picture, colour, strict=True):
        channel += mask * (np.float32(value) - channel)


def tint(picture: Field, mask: Field, colour: Sequence[float]) -> None:
    """Let ``picture`` [3, H, W] through a filter of ``colour`` where ``mask`` [H, W] is set, in place."""
    for channel, value in zip(picture, colour, strict=True):
        channel *= np.float32(1) + mask * np.float32(value - 1)
