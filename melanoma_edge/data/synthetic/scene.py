"""Everything in a picture that is not the lesion: skin, hair, gel, ruler, light and camera.

Nothing here ever sees a class. Skin and hair belong to the patient and are equal in all views of a lesion; the rest
belongs to the single photograph.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

from melanoma_edge.data.synthetic.canvas import Canvas, Field, Pose, blend, noise, ramp, tint
from melanoma_edge.data.synthetic.spec import Stream, generator

TONES = (
    (0.95, 0.80, 0.78),
    (0.92, 0.74, 0.69),
    (0.86, 0.66, 0.58),
    (0.72, 0.52, 0.43),
    (0.50, 0.34, 0.27),
)
"""Skin from the lightest to the darkest, red, green and blue 0..1."""

_GLINT = (1.0, 0.99, 0.97)


@dataclass(frozen=True)
class Patient:
    """Hold the skin around a lesion: ``tone`` 0 (light) to 1 (dark), its freckles and its hairs."""

    tone: float
    flush: float
    freckles: float
    hairs: int
    hair_shade: float
    hair_width: float
    texture: int


@dataclass(frozen=True)
class Scene:
    """Hold how one photograph was taken; what is absent is 0."""

    pose: Pose
    brightness: float
    warmth: float
    contrast: float
    gradient: tuple[float, float]
    vignette: float
    tube: float
    bubbles: int
    ruler: float
    blur: float
    grain: float
    clutter: int


def draw_patient(seed: int, lesion: int) -> Patient:
    """Draw the patient of a lesion from the seed and the lesion's position alone."""
    random = generator(seed, Stream.PATIENT, lesion)
    part, hairy = random.random(), random.random() < 0.35
    return Patient(
        tone=part * part,
        flush=2 * random.random() - 1,
        freckles=float(random.random() < 0.3) * random.random(),
        hairs=int(hairy) * int(random.integers(3, 24)),
        hair_shade=0.1 + 0.4 * random.random(),
        hair_width=0.010 + 0.012 * random.random(),
        texture=int(random.integers(2**32)),
    )


def draw_scene(seed: int, lesion: int, view: int) -> Scene:
    """Draw how one view of a lesion is taken from the seed, the lesion's position and the view's number alone."""
    first = generator(seed, Stream.SCENE, lesion)
    turn, x, y = 2 * math.pi * first.random(), *(0.12 * (2 * first.random(2) - 1))
    random = generator(seed, Stream.SCENE, lesion, 1 + view)
    return Scene(
        pose=Pose(
            angle=turn + 0.5 * (2 * random.random() - 1),
            zoom=0.86 + 0.28 * random.random(),
            x=x + 0.08 * (2 * random.random() - 1),
            y=y + 0.08 * (2 * random.random() - 1),
        ),
        brightness=0.86 + 0.22 * random.random(),
        warmth=0.07 * (2 * random.random() - 1),
        contrast=0.88 + 0.24 * random.random(),
        gradient=(0.10 * (2 * random.random() - 1), 0.10 * (2 * random.random() - 1)),
        vignette=_sometimes(random, 0.5, 0.1, 0.4),
        tube=_sometimes(random, 0.15, 1.2, 1.5),
        bubbles=round(_sometimes(random, 0.2, 2, 9)),
        ruler=_sometimes(random, 0.1, 0.80, 0.92),
        blur=_sometimes(random, 0.6, 0.003, 0.012),
        grain=0.004 + 0.016 * random.random(),
        clutter=int(random.integers(2**32)),
    )


def _sometimes(random: np.random.Generator, share: float, low: float, high: float) -> float:
    present, where = random.random() < share, random.random()
    return low + where * (high - low) if present else 0.0


def paint_skin(canvas: Canvas, patient: Patient) -> Field:
    """Return bare skin as a picture [3, H, W] of 0..1."""
    random = np.random.Generator(np.random.PCG64(patient.texture))
    relief = canvas.sample(noise(random, ((7, 0.5), (40, 0.3), (128, 0.7))))
    picture = np.ones((3, canvas.height, canvas.width), dtype=np.float32)
    for channel, value, redness in zip(picture, _tone(patient.tone), (0.02, -0.05, -0.04), strict=True):
        channel *= np.float32(value + redness * patient.flush) * (np.float32(1) + np.float32(0.05) * relief)
    if patient.freckles:
        spots = ramp(canvas.sample(noise(random, ((30, 0.7), (60, 0.5)))), 0.4, 0.9)
        tint(picture, spots * np.float32(0.6 * patient.freckles), (0.80, 0.66, 0.58))
    return picture


def _tone(tone: float) -> list[float]:
    place = tone * (len(TONES) - 1)
    lower = min(int(place), len(TONES) - 2)
    part = place - lower
    return [a + part * (b - a) for a, b in zip(TONES[lower], TONES[lower + 1], strict=True)]


def paint_hair(picture: Field, canvas: Canvas, patient: Patient) -> None:
    """Draw the patient's hairs into ``picture``, in place."""
    if not patient.hairs:
        return
    random = np.random.Generator(np.random.PCG64(patient.texture + 1))
    comb = 2 * math.pi * random.random()
    along = np.linspace(-1, 1, 14)[:, None]
    lines = []
    for _ in range(patient.hairs):
        angle = comb + 0.9 * (random.random() - 0.5)
        heading = np.array([math.cos(angle), math.sin(angle)])
        across = np.array([-heading[1], heading[0]])
        middle = 1.5 * (2 * random.random(2) - 1)
        bend, length = 0.35 * (2 * random.random() - 1), 0.4 + 0.8 * random.random()
        lines.append(middle + along * heading * length + along * along * across * bend)
    mask = canvas.strokes(lines, [patient.hair_width] * len(lines))
    shade = patient.hair_shade
    blend(picture, mask * np.float32(0.85), (shade, 0.8 * shade, 0.7 * shade))


def paint_clutter(picture: Field, canvas: Canvas, scene: Scene) -> None:
    """Draw gel bubbles and a ruler into ``picture``, in place; both lie still in the frame, not on the skin."""
    still = Canvas(canvas.width, canvas.height, Pose(0.0, 1.0, 0.0, 0.0))
    random = np.random.Generator(np.random.PCG64(scene.clutter))
    if scene.bubbles:
        _bubbles(picture, still, scene.bubbles, random)
    if scene.ruler:
        _ruler(picture, still, scene.ruler, random)


def _bubbles(picture: Field, still: Canvas, count: int, random: np.random.Generator) -> None:
    centres = (2 * random.random((count, 2)) - 1) * (1.3, 1.0)
    radii = 0.03 + 0.09 * random.random(count)
    rings = still.discs(centres, radii) - still.discs(centres, 0.82 * radii)
    blend(picture, np.abs(rings) * np.float32(0.35), _GLINT)
    glints = still.discs(centres - 0.35 * radii[:, None], 0.16 * radii)
    blend(picture, glints * np.float32(0.8), _GLINT)


def _ruler(picture: Field, still: Canvas, edge: float, random: np.random.Generator) -> None:
    upside, pitch = 1 - 2 * int(random.integers(2)), 0.06 + 0.04 * random.random()
    ticks = np.arange(-2.0, 2.0, pitch)
    lengths = np.where(np.arange(len(ticks)) % 5 == 0, 0.12, 0.06)
    lines = [
        np.array([(x, upside * edge), (x, upside * (edge + long))]) for x, long in zip(ticks, lengths, strict=True)
    ]
    blend(picture, still.strokes(lines, [0.012] * len(lines)) * np.float32(0.8), (0.12, 0.12, 0.14))


def light(picture: Field, canvas: Canvas, scene: Scene) -> None:
    """Light ``picture`` as the scene says: brightness, colour temperature, falling light and dark corners, in place."""
    u, v = canvas.frame
    fall = np.float32(1) + np.float32(scene.gradient[0]) * u + np.float32(scene.gradient[1]) * v
    distance = np.sqrt(u * u + v * v)
    fall = fall * (np.float32(1) - np.float32(scene.vignette) * ramp(distance, 0.7, 1.8))
    if scene.tube:
        fall = fall * ramp(distance, scene.tube + 0.05, scene.tube - 0.05)
    for channel, warm in zip(picture, (1 + scene.warmth, 1.0, 1 - scene.warmth), strict=True):
        channel -= np.float32(0.6)
        channel *= np.float32(scene.contrast)
        channel += np.float32(0.6)
        channel *= fall * np.float32(scene.brightness * warm)


def expose(picture: Field, canvas: Canvas, scene: Scene, random: np.random.Generator) -> NDArray[np.uint8]:
    """Return ``picture`` as uint8 [H, W, 3] with the camera's blur and grain."""
    grain = random.standard_normal((canvas.height, canvas.width), dtype=np.float32)
    grain *= np.float32(255 * scene.grain)
    grain += np.float32(0.5)
    planes = _bytes(picture * np.float32(255))
    if scene.blur:
        soften = ImageFilter.BoxBlur(1.6 * scene.blur * canvas.unit)
        planes = np.stack([np.asarray(Image.fromarray(plane).filter(soften)) for plane in planes])
    return np.ascontiguousarray(_bytes(planes + grain).transpose(1, 2, 0))


def _bytes(levels: Field) -> NDArray[np.uint8]:
    whole: NDArray[np.uint8] = np.clip(levels, np.float32(0), np.float32(255), out=levels).astype(np.uint8)
    return whole
