"""What the lesions of each class tend to look like.

The signs are those dermoscopy is taught by (Kittler et al., "Standardization of terminology in dermoscopy",
JAAD 2016). None is certain and none belongs to one class alone: each is a chance and a range, and a share of the
lesions is drawn as a look-alike of another class, so that no reader of these pictures can be right every time.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import NamedTuple

import numpy as np

Colour = tuple[float, float, float]
"""Red, green and blue, 0..1; for pigment the part of the skin's light that comes through."""

AMBIGUOUS = 0.08
"""The share of lesions that look like another class."""

LOOKALIKES = {
    "AK": ("BCC", "BKL"),
    "BCC": ("AK", "MEL", "VASC"),
    "BKL": ("MEL", "NV", "AK"),
    "DF": ("NV", "BKL"),
    "MEL": ("NV", "NV", "BKL", "BCC"),
    "NV": ("MEL", "MEL", "BKL", "DF"),
    "VASC": ("BCC", "MEL"),
}


class Chance(NamedTuple):
    """Say how often a sign is present and between which values it then lies."""

    share: float
    low: float
    high: float


NEVER = Chance(0.0, 0.0, 1.0)


def _always(low: float, high: float) -> Chance:
    return Chance(1.0, low, high)


@dataclass(frozen=True)
class Profile:
    """Hold the chances of one class. Lengths are in skin coordinates, strengths 0..1, counts in things."""

    palette: tuple[Colour, ...]
    radius: Chance
    elongation: Chance
    lobes: Chance
    ragged: Chance
    softness: Chance
    patchy: Chance
    asymmetry: Chance
    core: Chance
    blotches: Chance
    halo: Chance
    network: Chance
    atypia: Chance
    streaks: Chance
    veil: Chance
    regression: Chance
    globules: Chance
    leaves: Chance
    lacunae: Chance
    milia: Chance
    comedones: Chance
    vessels: Chance
    dotted: Chance
    scar: Chance
    scale: Chance
    strawberry: Chance


@dataclass(frozen=True)
class Look:
    """Hold the values drawn for one lesion; a sign that is absent is 0."""

    colour: Colour
    radius: float
    elongation: float
    lobes: float
    ragged: float
    softness: float
    patchy: float
    asymmetry: float
    core: float
    blotches: float
    halo: float
    network: float
    atypia: float
    streaks: float
    veil: float
    regression: float
    globules: float
    leaves: float
    lacunae: float
    milia: float
    comedones: float
    vessels: float
    dotted: float
    scar: float
    scale: float
    strawberry: float


PLAIN = Profile(
    palette=((0.7, 0.5, 0.4),),
    radius=_always(0.36, 0.68),
    elongation=_always(1.0, 1.35),
    lobes=_always(0.03, 0.09),
    ragged=_always(0.06, 0.16),
    softness=_always(0.15, 0.35),
    patchy=NEVER,
    asymmetry=_always(0.0, 0.3),
    core=Chance(0.4, 0.2, 0.6),
    blotches=NEVER,
    halo=NEVER,
    network=NEVER,
    atypia=_always(0.0, 0.3),
    streaks=NEVER,
    veil=NEVER,
    regression=NEVER,
    globules=NEVER,
    leaves=NEVER,
    lacunae=NEVER,
    milia=NEVER,
    comedones=NEVER,
    vessels=NEVER,
    dotted=NEVER,
    scar=NEVER,
    scale=NEVER,
    strawberry=NEVER,
)
"""A brown spot without any sign, from which each class departs."""

PROFILES = {
    "NV": replace(
        PLAIN,
        palette=((0.72, 0.52, 0.42), (0.58, 0.40, 0.32), (0.45, 0.29, 0.24), (0.78, 0.55, 0.50)),
        radius=_always(0.28, 0.62),
        lobes=_always(0.01, 0.06),
        core=Chance(0.7, 0.2, 0.7),
        network=Chance(0.65, 0.35, 0.9),
        globules=Chance(0.35, 8, 30),
        atypia=_always(0.0, 0.25),
        asymmetry=_always(0.0, 0.3),
        blotches=Chance(0.2, 0.2, 0.5),
        dotted=Chance(0.06, 10, 20),
        veil=Chance(0.03, 0.2, 0.5),
        halo=Chance(0.15, 0.2, 0.5),
    ),
    "MEL": replace(
        PLAIN,
        palette=((0.42, 0.28, 0.24), (0.28, 0.20, 0.20), (0.55, 0.38, 0.32), (0.66, 0.42, 0.40)),
        radius=_always(0.42, 0.86),
        elongation=_always(1.0, 1.6),
        lobes=_always(0.06, 0.17),
        ragged=_always(0.12, 0.34),
        softness=_always(0.08, 0.25),
        asymmetry=_always(0.3, 0.9),
        core=Chance(0.5, 0.2, 0.7),
        blotches=Chance(0.85, 0.5, 1.0),
        network=Chance(0.55, 0.35, 0.9),
        atypia=_always(0.35, 1.0),
        streaks=Chance(0.35, 0.4, 1.0),
        veil=Chance(0.55, 0.3, 0.75),
        regression=Chance(0.35, 0.4, 0.8),
        globules=Chance(0.45, 8, 30),
        dotted=Chance(0.2, 10, 25),
        halo=Chance(0.2, 0.2, 0.6),
        milia=Chance(0.04, 3, 8),
    ),
    "BKL": replace(
        PLAIN,
        palette=((0.84, 0.68, 0.46), (0.68, 0.52, 0.40), (0.60, 0.50, 0.44), (0.46, 0.34, 0.28)),
        radius=_always(0.38, 0.78),
        lobes=_always(0.03, 0.11),
        ragged=_always(0.08, 0.26),
        softness=_always(0.04, 0.13),
        core=Chance(0.15, 0.1, 0.4),
        blotches=Chance(0.35, 0.2, 0.6),
        patchy=Chance(0.3, 0.2, 0.6),
        milia=Chance(0.65, 6, 26),
        comedones=Chance(0.6, 5, 20),
        network=Chance(0.15, 0.2, 0.5),
        scale=Chance(0.1, 0.3, 0.6),
        veil=Chance(0.05, 0.2, 0.5),
        regression=Chance(0.08, 0.2, 0.5),
    ),
    "BCC": replace(
        PLAIN,
        palette=((0.97, 0.74, 0.74), (0.92, 0.66, 0.64), (0.90, 0.74, 0.68)),
        radius=_always(0.32, 0.72),
        lobes=_always(0.04, 0.12),
        softness=_always(0.12, 0.35),
        core=NEVER,
        asymmetry=_always(0.0, 0.5),
        vessels=Chance(0.72, 3, 8),
        leaves=Chance(0.62, 3, 14),
        veil=Chance(0.12, 0.2, 0.6),
        scar=Chance(0.1, 0.2, 0.5),
        regression=Chance(0.15, 0.3, 0.6),
        scale=Chance(0.1, 0.3, 0.6),
        blotches=Chance(0.15, 0.2, 0.5),
    ),
    "AK": replace(
        PLAIN,
        palette=((0.94, 0.62, 0.60), (0.90, 0.54, 0.54), (0.84, 0.62, 0.50), (0.95, 0.72, 0.66)),
        radius=_always(0.45, 0.95),
        elongation=_always(1.0, 1.5),
        lobes=_always(0.05, 0.14),
        ragged=_always(0.25, 0.5),
        softness=_always(0.3, 0.6),
        core=NEVER,
        patchy=Chance(0.7, 0.4, 0.9),
        scale=Chance(0.65, 0.4, 0.9),
        strawberry=Chance(0.6, 0.4, 0.9),
        dotted=Chance(0.15, 10, 30),
        blotches=Chance(0.3, 0.2, 0.6),
        vessels=Chance(0.08, 2, 4),
    ),
    "DF": replace(
        PLAIN,
        palette=((0.80, 0.60, 0.52), (0.86, 0.64, 0.60), (0.70, 0.52, 0.44)),
        radius=_always(0.28, 0.55),
        elongation=_always(1.0, 1.25),
        lobes=_always(0.01, 0.05),
        softness=_always(0.35, 0.65),
        core=NEVER,
        network=Chance(0.65, 0.2, 0.5),
        scar=Chance(0.78, 0.5, 0.95),
        halo=Chance(0.3, 0.3, 0.6),
        dotted=Chance(0.12, 8, 16),
    ),
    "VASC": replace(
        PLAIN,
        palette=((0.80, 0.26, 0.36), (0.66, 0.22, 0.34), (0.46, 0.22, 0.36), (0.86, 0.40, 0.48)),
        radius=_always(0.20, 0.52),
        elongation=_always(1.0, 1.3),
        lobes=_always(0.02, 0.10),
        softness=_always(0.06, 0.25),
        core=Chance(0.3, 0.2, 0.5),
        lacunae=Chance(0.75, 5, 18),
        veil=Chance(0.2, 0.2, 0.5),
        halo=Chance(0.4, 0.2, 0.6),
        scale=Chance(0.06, 0.2, 0.5),
    ),
}


def draw_look(label: str, random: np.random.Generator) -> Look:
    """Draw what a lesion of class ``label`` looks like, now and then as another class."""
    profile = PROFILES[_apparent(label, random)]
    shade = profile.palette[int(random.integers(len(profile.palette)))]
    red, green, blue = (part + 0.06 * (2 * random.random() - 1) for part in shade)
    signs = {sign.name: _draw(getattr(profile, sign.name), random) for sign in fields(Look)[1:]}
    return Look(colour=(red, green, blue), **signs)


def _apparent(label: str, random: np.random.Generator) -> str:
    ambiguous, which = random.random() < AMBIGUOUS, random.random()
    others = LOOKALIKES[label]
    return others[int(which * len(others))] if ambiguous else label


def _draw(chance: Chance, random: np.random.Generator) -> float:
    present, where = random.random() < chance.share, random.random()
    return chance.low + where * (chance.high - chance.low) if present else 0.0
