"""Render one view of one lesion."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.data.synthetic.canvas import Canvas
from melanoma_edge.data.synthetic.classes import draw_look
from melanoma_edge.data.synthetic.lesion import paint_lesion
from melanoma_edge.data.synthetic.scene import (
    draw_patient,
    draw_scene,
    expose,
    light,
    paint_clutter,
    paint_hair,
    paint_skin,
)
from melanoma_edge.data.synthetic.spec import LARGEST, SMALLEST, Stream, SyntheticSpec, View, generator
from melanoma_edge.errors import UsageError


def render(spec: SyntheticSpec, view: View) -> NDArray[np.uint8]:
    """Return the view as it is stored: uint8 [image_size, width, 3], RGB."""
    return photo(spec, view, spec.width, spec.image_size)


def photo(spec: SyntheticSpec, view: View, width: int, height: int) -> NDArray[np.uint8]:
    """Return the same view at any size: uint8 [height, width, 3], RGB; only the camera's grain differs.

    Raises:
        UsageError: when a side is out of range or more than twice the other.
    """
    _check_size(width, height)
    patient, scene = draw_patient(spec.seed, view.lesion), draw_scene(spec.seed, view.lesion, view.view)
    canvas = Canvas(width, height, scene.pose)
    appearance = generator(spec.seed, Stream.APPEARANCE, view.lesion)
    picture = paint_skin(canvas, patient)
    paint_lesion(picture, canvas, draw_look(view.label, appearance), appearance)
    paint_hair(picture, canvas, patient)
    paint_clutter(picture, canvas, scene)
    light(picture, canvas, scene)
    return expose(picture, canvas, scene, generator(spec.seed, Stream.SENSOR, view.lesion, view.view))


def _check_size(width: int, height: int) -> None:
    short, long = sorted((width, height))
    if short < SMALLEST or long > 2 * LARGEST or long > 2 * short:
        fix = f"give sides from {SMALLEST} to {2 * LARGEST} pixels, none more than twice the other"
        raise UsageError(f"cannot render a photo of {width} x {height} pixels", fix=fix)
