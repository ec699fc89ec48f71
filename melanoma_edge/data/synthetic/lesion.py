"""Draw one lesion as its look says."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.synthetic.canvas import Canvas, Field, blend, noise, ramp, tint, wave
from melanoma_edge.data.synthetic.classes import Look

BLUE_GREY = (0.40, 0.44, 0.56)
PALE = (0.90, 0.80, 0.77)
CHALK = (0.97, 0.93, 0.82)
KERATIN = (0.93, 0.87, 0.70)
BROWN_DOT = (0.42, 0.30, 0.26)
BLUE_NEST = (0.36, 0.37, 0.46)
BLOOD = (0.62, 0.10, 0.20)
VESSEL = (0.84, 0.42, 0.46)
PINK = (0.97, 0.72, 0.72)
RUST = (0.92, 0.48, 0.46)

_MOST_LOBES = 6
_GOLDEN_ANGLE = math.pi * (3 - math.sqrt(5))


@dataclass(frozen=True)
class _Ground:
    """Hold what every sign is drawn on: the canvas, noise and the lesion's own coordinates.

    ``depth`` is 1 in the middle, 0 on the border and negative outside; ``body`` is the soft mask of the lesion;
    ``coarse`` and ``fine`` are noise of about -1 to 1.
    """

    canvas: Canvas
    random: np.random.Generator
    look: Look
    coarse: Field
    fine: Field
    depth: Field
    body: Field


def paint_lesion(picture: Field, canvas: Canvas, look: Look, random: np.random.Generator) -> None:
    """Draw a lesion into ``picture`` [3, H, W], in place; ``random`` decides where its structures lie."""
    ground = _ground(canvas, look, random)
    _halo(picture, ground)
    _pigment(picture, ground)
    _network(picture, ground)
    _streaks(picture, ground)
    _dark_structures(picture, ground)
    _patches(picture, ground)
    _blood(picture, ground)
    _keratin(picture, ground)


def _ground(canvas: Canvas, look: Look, random: np.random.Generator) -> _Ground:
    coarse = canvas.sample(noise(random, ((9, 0.9), (17, 0.6), (33, 0.35), (66, 0.2))))
    fine = canvas.sample(noise(random, ((20, 0.55), (40, 0.5), (80, 0.5), (160, 0.5))))
    depth = _depth(canvas, look, random)
    depth += fine * np.float32(look.ragged)
    depth += coarse * np.float32(0.4 * look.ragged)
    body = ramp(depth, -look.softness / 2, look.softness / 2)
    if look.patchy:
        body = body * (np.float32(1) - np.float32(look.patchy) * ramp(coarse + fine, -0.1, 0.5))
    return _Ground(canvas, random, look, coarse, fine, depth, body)


def _depth(canvas: Canvas, look: Look, random: np.random.Generator) -> Field:
    """Return 1 - r / R(direction), where R is an ellipse with a few lobes.

    The lobes are cosines and sines of multiples of the direction, by Chebyshev's recurrence.
    """
    stretch = np.float32(math.sqrt(look.elongation))
    x, y = canvas.skin[0] / stretch, canvas.skin[1] * stretch
    r = np.sqrt(x * x + y * y) + np.float32(1e-6)
    cos, sin = x / r, y / r
    twice = cos + cos
    before, now = (np.float32(1), np.float32(0)), (cos, sin)
    boundary = np.ones_like(r)
    for lobe in range(2, _MOST_LOBES + 1):
        before, now = now, (twice * now[0] - before[0], twice * now[1] - before[1])
        a, b = (2 * random.random(2) - 1) * look.lobes * (2.0 / math.sqrt(lobe))
        boundary += now[0] * np.float32(a) + now[1] * np.float32(b)
    depth: Field = np.float32(1) - r / (boundary * np.float32(look.radius))
    return depth


def _halo(picture: Field, ground: _Ground) -> None:
    look = ground.look
    if look.halo:
        tint(picture, ramp(ground.depth, -0.55, 0.1) * np.float32(look.halo), PINK)


def _pigment(picture: Field, ground: _Ground) -> None:
    look, random = ground.look, ground.random
    a, b = 2 * random.random(2) - 1
    x, y = ground.canvas.skin
    lean = (np.float32(a) * x + np.float32(b) * y) * np.float32(look.asymmetry / look.radius)
    strength = np.float32(0.85) + np.float32(0.30) * ground.fine + np.float32(0.4) * lean
    tint(picture, ground.body * np.clip(strength, np.float32(0.25), np.float32(1.2)), look.colour)
    if look.core:
        tint(picture, ramp(ground.depth + np.float32(0.25) * ground.coarse, 0.15, 0.9) * ground.body, _shade(look.core))
    if look.blotches:
        mottled = ground.coarse + np.float32(0.6) * lean
        tint(picture, ramp(mottled, -0.1, 0.6) * ground.body, _shade(look.blotches))
        lit = ramp(mottled, -0.05, -0.8) * ground.body * np.float32(0.45 * look.blotches)
        blend(picture, lit, (0.72, 0.47, 0.38))


def _shade(strength: float) -> tuple[float, float, float]:
    return 1 - 0.50 * strength, 1 - 0.55 * strength, 1 - 0.50 * strength


def _network(picture: Field, ground: _Ground) -> None:
    """Draw the honeycomb of pigmented ridges: three waves at 60 degrees, bent and broken as it is atypical."""
    look, random = ground.look, ground.random
    if not look.network:
        return
    pitch = 0.075 + 0.035 * random.random()
    bend = 0.05 + 0.08 * look.atypia
    x = _bent(ground.canvas.skin[0], ground.coarse, bend, pitch)
    y = _bent(ground.canvas.skin[1], ground.fine, bend, pitch)
    slope = np.float32(math.sqrt(0.75))
    cells = wave(x) + wave(y * slope - x * np.float32(0.5)) + wave(y * slope + x * np.float32(0.5))
    lines = ramp(cells + np.float32(0.4 + 0.8 * look.atypia) * ground.coarse, 0.7, -1.2)
    rim = ramp(ground.depth, -0.2, 0.1) * ramp(ground.depth, 1.0, 0.35)
    holes = np.float32(1) - np.float32(look.atypia) * ramp(ground.coarse, -0.1, 0.3)
    tint(picture, lines * rim * holes * np.float32(look.network), (0.45, 0.36, 0.34))


def _bent(place: Field, uneven: Field, bend: float, pitch: float) -> Field:
    turns: Field = place * np.float32(1 / pitch)
    turns += uneven * np.float32(bend / pitch)
    return turns


def _streaks(picture: Field, ground: _Ground) -> None:
    """Draw rays that leave the border on one part of the lesion."""
    look, random = ground.look, ground.random
    if not look.streaks:
        return
    middle, spread = random.random() * 2 * math.pi, 1.0 + 2 * random.random()
    lines, widths = [], []
    for _ in range(int(10 + 8 * random.random())):
        angle = middle + spread * (random.random() - 0.5)
        start, end = look.radius * (0.75 + 0.1 * random.random()), look.radius * (1.1 + 0.22 * random.random())
        stretch = math.sqrt(look.elongation)
        tip = np.array([math.cos(angle) * stretch, math.sin(angle) / stretch])
        lines.append(np.outer((start, end), tip))
        widths.append(0.028 + 0.02 * random.random())
    tint(picture, ground.canvas.strokes(lines, widths) * np.float32(0.85 * look.streaks), (0.38, 0.28, 0.27))


def _scatter(ground: _Ground, count: float, reach: float) -> NDArray[np.float64]:
    """Return ``count`` places [n, 2] spread over the lesion's inner ``reach``, at golden angles with jitter."""
    number = round(count)
    random, look = ground.random, ground.look
    part = (np.arange(number) + random.random(number)) / number
    distance = look.radius * reach * np.sqrt(part)
    angle = np.arange(number) * _GOLDEN_ANGLE + random.random(number) + 2 * math.pi * random.random()
    stretch = math.sqrt(look.elongation)
    return np.stack([distance * np.cos(angle) * stretch, distance * np.sin(angle) / stretch], axis=1)


def _spots(ground: _Ground, count: float, reach: float, low: float, high: float) -> Field:
    centres = _scatter(ground, count, reach)
    return ground.canvas.discs(centres, low + (high - low) * ground.random.random(len(centres)))


def _dark_structures(picture: Field, ground: _Ground) -> None:
    look = ground.look
    if look.globules:
        tint(picture, _spots(ground, look.globules, 0.9, 0.014, 0.04) * np.float32(0.8), BROWN_DOT)
    if look.leaves:
        nests = _leaves(ground) * np.float32(0.8)
        blend(picture, nests * ramp(ground.fine, -0.9, 0.3), BLUE_NEST)
    if look.comedones:
        tint(picture, _spots(ground, look.comedones, 0.85, 0.022, 0.05) * np.float32(0.85), BROWN_DOT)


def _leaves(ground: _Ground) -> Field:
    """Draw ovoid nests, each a few overlapping discs along a short line."""
    random = ground.random
    centres = _scatter(ground, ground.look.leaves, 0.85)
    steps = (np.arange(4) - 1.5) * 0.035
    angles = 2 * math.pi * random.random(len(centres))
    along = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    places = (centres[:, None] + steps[None, :, None] * along[:, None]).reshape(-1, 2)
    return ground.canvas.discs(places, np.repeat(0.025 + 0.035 * random.random(len(centres)), 4))


def _patches(picture: Field, ground: _Ground) -> None:
    """Lay veil, regression and scar over the pigment."""
    look, random = ground.look, ground.random
    if look.veil:
        inside = ramp(ground.depth, 0.05, 0.4) * ramp(ground.coarse - np.float32(0.5) * ground.fine, -0.5, 0.7)
        blend(picture, inside * np.float32(look.veil), BLUE_GREY)
    if look.regression:
        inside = ramp(ground.depth, 0.0, 0.3) * ramp(np.float32(0.6) * ground.fine - ground.coarse, 0.0, 0.8)
        blend(picture, inside * np.float32(look.regression), PALE)
    if look.scar:
        start = 0.35 + 0.2 * random.random()
        middle = ramp(ground.depth + np.float32(0.15) * ground.fine, start - 0.15, start + 0.4)
        blend(picture, middle * np.float32(look.scar), PALE)


def _blood(picture: Field, ground: _Ground) -> None:
    """Draw lacunae, dotted vessels and branching vessels."""
    look = ground.look
    if look.lacunae:
        pools = _spots(ground, look.lacunae, 0.85, 0.05, 0.12)
        blend(picture, pools * np.float32(0.75) * ramp(ground.fine, -1.2, 0.2), BLOOD)
    if look.dotted:
        tint(picture, _spots(ground, look.dotted, 0.9, 0.013, 0.022), VESSEL)
    if look.vessels:
        lines, widths = _vessels(ground)
        tint(picture, ground.canvas.strokes(lines, widths) * ramp(ground.fine, -1.2, 0.3), VESSEL)


def _vessels(ground: _Ground) -> tuple[list[NDArray[np.float64]], list[float]]:
    """Grow trunks that cross the lesion, each with thinner branches."""
    lines: list[NDArray[np.float64]] = []
    widths: list[float] = []
    for root in _scatter(ground, ground.look.vessels, 0.8):
        heading = math.atan2(-root[1], -root[0]) + 1.2 * (ground.random.random() - 0.5)
        trunk = _wander(ground, root, heading, 12)
        lines.append(trunk)
        widths.append(0.018 + 0.012 * ground.random.random())
        for place in (3, 6, 9):
            side = 1.6 * (ground.random.random() - 0.5)
            lines.append(_wander(ground, trunk[place], heading + side, 7))
            widths.append(0.010)
    return lines, widths


def _wander(ground: _Ground, start: NDArray[np.float64], heading: float, steps: int) -> NDArray[np.float64]:
    angles = heading + np.cumsum(ground.random.random(steps) - 0.5) * 0.7
    length = ground.look.radius * 0.11
    moves = np.stack([np.cos(angles), np.sin(angles)], axis=1) * length
    walked: NDArray[np.float64] = start + np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
    return walked


def _keratin(picture: Field, ground: _Ground) -> None:
    """Draw what is white or yellow on top: strawberry pattern, scale and milia."""
    look = ground.look
    if look.strawberry:
        tint(picture, ramp(ground.depth, -0.1, 0.3) * np.float32(look.strawberry), RUST)
        count = 90 * look.radius * look.radius + 12
        blend(picture, _spots(ground, count, 0.95, 0.02, 0.038) * np.float32(0.8 * look.strawberry), CHALK)
    if look.scale:
        flakes = ramp(ground.fine + np.float32(0.4) * ground.coarse, 0.0, 0.9) * ramp(ground.depth, -0.05, 0.2)
        blend(picture, flakes * np.float32(look.scale), CHALK)
    if look.milia:
        blend(picture, _spots(ground, look.milia, 0.85, 0.018, 0.038) * np.float32(0.85), KERATIN)
