"""Augmentation on the accelerator, drawn from (seed, epoch, step) alone so that a resumed run repeats it.

Dermoscopy has no upright and no handedness: any rotation and reflection shows the same lesion. Distance,
lighting and white balance differ between cameras and are varied mildly.
"""

from __future__ import annotations

from typing import Any

from melanoma_edge.model.legacy_keras import load_tensorflow

ZOOM = (0.6, 1.05)
"""Share of the source square's side that is seen."""
SHIFT = 0.08
"""Largest shift of the centre, as a share of the side."""
GAIN, CONTRAST, SATURATION, BRIGHTNESS = 0.12, 0.3, 0.35, 25.0


def augmented(images: Any, size: int, seed: Any) -> Any:
    """Return randomly turned, flipped, zoomed, shifted and recoloured squares.

    Args:
        images: uint8 ``[n, S, S, 3]``.
        size: pixels per side of the result.
        seed: int32 ``[2]``; equal seeds give equal pictures.

    Returns:
        float32 ``[n, size, size, 3]`` in 0..255.
    """
    tensorflow, _ = load_tensorflow()
    places, colours = seed + tensorflow.constant([0, 1 << 20]), seed + tensorflow.constant([0, 1 << 21])
    return _recoloured(tensorflow, _placed(tensorflow, images, size, places), colours)


def _placed(tf: Any, images: Any, size: int, seed: Any) -> Any:
    count, side = tf.shape(images)[0], images.shape[1]
    draw = tf.random.stateless_uniform([5, count], seed)
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


def _recoloured(tf: Any, images: Any, seed: Any) -> Any:
    count = tf.shape(images)[0]
    draw = tf.random.stateless_uniform([6, count, 1, 1, 1], seed, -1.0, 1.0)
    gain = 1 + GAIN * tf.concat([draw[0], draw[1], draw[2]], axis=-1)
    grey = tf.reduce_mean(images, axis=-1, keepdims=True)
    level = tf.reduce_mean(grey, axis=[1, 2], keepdims=True)
    images = grey + (images - grey) * (1 + SATURATION * draw[3])
    images = level + (images - level) * (1 + CONTRAST * draw[4])
    return tf.clip_by_value(images * gain + BRIGHTNESS * draw[5], 0.0, 255.0)
