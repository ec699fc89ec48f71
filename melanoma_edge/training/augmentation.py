"""Augmentation on the accelerator, drawn from (seed, epoch, step) alone so that a resumed run repeats it.

Dermoscopy has no upright and no handedness: any rotation and reflection shows the same lesion. Distance,
lighting and white balance differ between cameras and are varied mildly.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from melanoma_edge.model.legacy_keras import load_tensorflow

ZOOM = (0.6, 1.05)
"""Share of the source square's side that is seen."""
SHIFT = 0.08
"""Largest shift of the centre, as a share of the side."""
GAIN, CONTRAST, SATURATION, BRIGHTNESS = 0.12, 0.3, 0.35, 25.0


@dataclass(frozen=True)
class Turn:
    """Say which images of a batch of ``count`` are at hand: every ``replicas``-th from ``first`` on."""

    first: Any
    replicas: int
    count: int


def augmented(images: Any, size: int, seed: Any, turn: Turn | None = None) -> Any:
    """Return randomly turned, flipped, zoomed, shifted and recoloured squares.

    Args:
        images: uint8 ``[n, S, S, 3]``.
        size: pixels per side of the result.
        seed: int32 ``[2]``; equal seeds give equal pictures.
        turn: where the images stand in their batch, all of which is drawn for; left out, they are the batch.

    Returns:
        float32 ``[n, size, size, 3]`` in 0..255.
    """
    tensorflow, _ = load_tensorflow()
    places, colours = seed + tensorflow.constant([0, 1 << 20]), seed + tensorflow.constant([0, 1 << 21])
    return _recoloured(tensorflow, _placed(tensorflow, images, size, places, turn), colours, turn)


def resized(images: Any, size: int, seed: Any, turn: Turn | None = None) -> Any:
    """Return squares as they are but for their size; arguments and result as of ``augmented``, the seed without use."""
    tensorflow, _ = load_tensorflow()
    images = tensorflow.cast(images, tensorflow.float32)
    return images if images.shape[1] == size else tensorflow.image.resize(images, (size, size), antialias=True)


def _drawn(tf: Any, numbers: int, images: Any, seed: Any, turn: Turn | None) -> Any:
    """Return float32 ``[numbers, n]`` in 0..1: of all that the batch draws, what falls to the images at hand."""
    if turn is None:
        return tf.random.stateless_uniform([numbers, tf.shape(images)[0]], seed)
    return tf.random.stateless_uniform([numbers, turn.count], seed)[:, turn.first :: turn.replicas]


def _placed(tf: Any, images: Any, size: int, seed: Any, turn: Turn | None) -> Any:
    side = images.shape[1]
    draw = _drawn(tf, 5, images, seed, turn)
    angle = draw[0] * 6.2831853
    flip = tf.where(draw[1] < 0.5, -1.0, 1.0)
    step = (ZOOM[0] + draw[2] * (ZOOM[1] - ZOOM[0])) * side / size
    cos, sin = tf.cos(angle) * step, tf.sin(angle) * step
    # Rows of the matrix that takes a place in the result to a place in the source, about both centres.
    a, b, d, e = cos * flip, -sin, sin * flip, cos
    middle, centre = (size - 1) / 2, (side - 1) / 2
    right = centre + (draw[3] * 2 - 1) * SHIFT * side - middle * (a + b)
    down = centre + (draw[4] * 2 - 1) * SHIFT * side - middle * (d + e)
    zero = tf.zeros_like(a)
    return tf.raw_ops.ImageProjectiveTransformV3(
        images=tf.cast(images, tf.float32),
        transforms=tf.stack([a, b, right, d, e, down, zero, zero], axis=1),
        output_shape=[size, size],
        fill_value=0.0,
        interpolation="BILINEAR",
        fill_mode="REFLECT",
    )


def _recoloured(tf: Any, images: Any, seed: Any, turn: Turn | None) -> Any:
    draw = _drawn(tf, 6, images, seed, turn) * 2 - 1
    gain, saturation, contrast = 1 + GAIN * draw[:3], 1 + SATURATION * draw[3], 1 + CONTRAST * draw[4]
    level = tf.reduce_mean(images, axis=[1, 2, 3])
    # Away from grey, away from the picture's level, times the gains, plus brightness: all linear, so that one matrix of
    # colours a picture does in one pass over the pixels what would take ten.
    away = saturation[:, None, None] * tf.eye(3) + (1 - saturation)[:, None, None] / 3
    matrix = contrast[:, None, None] * away * tf.transpose(gain)[:, None, :]
    offset = ((1 - contrast) * level)[:, None] * tf.transpose(gain) + BRIGHTNESS * draw[5][:, None]
    shape = tf.shape(images)
    mixed = tf.matmul(tf.reshape(images, [shape[0], -1, 3]), matrix) + offset[:, None, :]
    return tf.reshape(tf.clip_by_value(mixed, 0.0, 255.0), shape)
