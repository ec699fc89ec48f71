"""Changes that a photo of one lesion may have undergone: turned, lit, blurred, compressed, with hair or a ruler."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_edge.data.synthetic.canvas import Canvas, Field, Pose
from melanoma_edge.data.synthetic.scene import Patient, Scene, light, paint_clutter, paint_hair
from melanoma_edge.pixels import square
from melanoma_edge.quality import MEASURED_AT

Picture = NDArray[np.uint8]
"""RGB ``[N, N, 3]``."""

GREY = 128
COVERED = 0.7
"""Side of the grey square that hides the lesion, as a share of the picture's."""
_BRIGHTNESS = (0.5, 0.7, 0.85, 1.15, 1.3, 1.5)
_QUALITIES = (90, 70, 50, 30)
_SIGMAS = (1, 2)
_SHIFT = 0.1
_STILL = Pose(0.0, 1.0, 0.0, 0.0)


@dataclass(frozen=True, eq=False)
class Change:
    """Name a change and make it: of a square and the image's number, by which chance is seeded."""

    kind: str
    value: str
    make: Callable[[Picture, int], Picture]


@dataclass(frozen=True, eq=False)
class Resizing:
    """Name a way to make the square of an upright photo other than the recipe's."""

    value: str
    make: Callable[[Image.Image, int], Picture]


def turns() -> tuple[Change, ...]:
    """Return the turns under which a lesion is the same lesion."""

    def turned(quarters: int) -> Callable[[Picture, int], Picture]:
        return lambda picture, _: np.rot90(picture, quarters)

    return (
        *(Change("rotation", f"{90 * quarters} degrees", turned(quarters)) for quarters in (1, 2, 3)),
        Change("flip", "left and right", lambda picture, _: picture[:, ::-1]),
        Change("flip", "top and bottom", lambda picture, _: picture[::-1]),
    )


def changes(seed: int) -> tuple[Change, ...]:
    """Return all other changes of squares.

    Args:
        seed: of drawn hairs and rulers.
    """
    return tuple(_changes(seed))


def _changes(seed: int) -> Iterator[Change]:
    for factor in _BRIGHTNESS:
        yield Change("brightness", f"x{factor:g}", partial(_scaled, factors=(factor, factor, factor)))
    yield Change("colour temperature", "warmer", partial(_scaled, factors=(1.1, 1.0, 0.9)))
    yield Change("colour temperature", "colder", partial(_scaled, factors=(0.9, 1.0, 1.1)))
    for sigma in _SIGMAS:
        yield Change("blur", f"sigma {sigma} at {MEASURED_AT} pixels", partial(_blurred, sigma=sigma))
    for quality in _QUALITIES:
        yield Change("JPEG", f"quality {quality}", partial(_compressed, quality=quality))
    yield Change("shift", f"{_SHIFT:.0%} to the right", lambda picture, _: _shifted(picture, 1))
    yield Change("shift", f"{_SHIFT:.0%} down", lambda picture, _: _shifted(picture, 0))
    yield Change("drawn", "hair", partial(_hairy, seed=seed))
    yield Change("drawn", "ruler", partial(_ruled, seed=seed))
    yield Change("drawn", "dark corners", _cornered)


def resizings() -> tuple[Resizing, ...]:
    """Return other kernels that squares could be made with, by mistake or by another tool."""
    return (
        Resizing("bicubic", lambda photo, size: _resized(photo, size, Image.Resampling.BICUBIC)),
        Resizing("nearest", lambda photo, size: _resized(photo, size, Image.Resampling.NEAREST)),
        Resizing("bilinear without antialiasing", _plain),
    )


def without_lesion(picture: Picture, _: int) -> Picture:
    """Paint the middle of a picture grey: what a model still tells apart then is not the lesion."""
    size = len(picture)
    margin = round(size * (1 - COVERED) / 2)
    covered = picture.copy()
    covered[margin : size - margin, margin : size - margin] = GREY
    return covered


def _scaled(picture: Picture, _: int, factors: tuple[float, float, float]) -> Picture:
    values = np.rint(picture * np.array(factors, np.float32))
    return np.asarray(values.clip(0, 255), np.uint8)


def _blurred(picture: Picture, _: int, sigma: float) -> Picture:
    soften = ImageFilter.GaussianBlur(sigma * len(picture) / MEASURED_AT)
    return np.asarray(Image.fromarray(picture).filter(soften))


def _compressed(picture: Picture, _: int, quality: int) -> Picture:
    stream = io.BytesIO()
    Image.fromarray(picture).save(stream, "JPEG", quality=quality)
    return np.asarray(Image.open(stream).convert("RGB"))


def _shifted(picture: Picture, axis: int) -> Picture:
    """Move a picture by a tenth of its side; its border is stretched into the gap."""
    places = np.clip(np.arange(len(picture)) - round(_SHIFT * len(picture)), 0, None)
    return np.take(picture, places, axis)


def _painted(picture: Picture, paint: Callable[[Field, Canvas], None]) -> Picture:
    size = len(picture)
    planes = np.ascontiguousarray(picture.transpose(2, 0, 1), np.float32) / np.float32(255)
    paint(planes, Canvas(size, size, _STILL))
    return np.asarray(np.rint(planes.transpose(1, 2, 0).clip(0, 1) * 255), np.uint8)


def _hairy(picture: Picture, number: int, seed: int) -> Picture:
    patient = Patient(
        tone=0, flush=0, freckles=0, hairs=14, hair_shade=0.2, hair_width=0.016, texture=_texture(seed, number)
    )
    return _painted(picture, lambda planes, canvas: paint_hair(planes, canvas, patient))


def _ruled(picture: Picture, number: int, seed: int) -> Picture:
    scene = _scene(ruler=0.85, clutter=_texture(seed, number))
    return _painted(picture, lambda planes, canvas: paint_clutter(planes, canvas, scene))


def _cornered(picture: Picture, _: int) -> Picture:
    return _painted(picture, lambda planes, canvas: light(planes, canvas, _scene(tube=1.1)))


def _scene(ruler: float = 0.0, tube: float = 0.0, clutter: int = 0) -> Scene:
    """Return a scene that changes nothing but what is named."""
    return Scene(
        pose=_STILL,
        brightness=1.0,
        warmth=0.0,
        contrast=1.0,
        gradient=(0.0, 0.0),
        vignette=0.0,
        tube=tube,
        bubbles=0,
        ruler=ruler,
        blur=0.0,
        grain=0.0,
        clutter=clutter,
    )


def _texture(seed: int, number: int) -> int:
    return int(np.random.default_rng([seed, number]).integers(2**32))


def _resized(photo: Image.Image, size: int, kernel: Image.Resampling) -> Picture:
    own = Image.fromarray(square(photo, min(photo.size)))
    return np.asarray(own.resize((size, size), kernel))


def _plain(photo: Image.Image, size: int) -> Picture:
    """Resize between the four nearest pixels alone, as graphics processors and many decoders do."""
    own = Image.fromarray(square(photo, min(photo.size)))
    step = own.width / size
    return np.asarray(
        own.transform((size, size), Image.Transform.AFFINE, (step, 0.0, 0.0, 0.0, step, 0.0), Image.Resampling.BILINEAR)
    )
