"""The loss: cross-entropy on logits raised by the class prior, so that rare classes are not drowned."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.model.legacy_keras import load_tensorflow


def class_prior(labels: NDArray[np.integer[Any]], classes: int) -> NDArray[np.float64]:
    """Return the share of each class among ``labels``, float64 ``[classes]``."""
    counts = np.bincount(labels, minlength=classes)
    return np.asarray(counts / counts.sum(), np.float64)


def source_priors(
    labels: NDArray[np.integer[Any]], sources: Sequence[str], classes: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Return the class shares of each source, float64 ``[sources, classes]``, and the source of each image, ``[n]``.

    A source counts as if it had one image more, mixed as all sources together, so that no class is impossible there.

    Args:
        labels: class index of each image, ``[n]``.
        sources: data set of each image, ``[n]``.
        classes: number of classes.
    """
    names, of_image = np.unique(np.asarray(sources, str), return_inverse=True)
    counts = np.zeros((len(names), classes))
    np.add.at(counts, (of_image, labels), 1)
    return _shares(counts + class_prior(labels, classes)), np.asarray(of_image, np.int64)


def _shares(counts: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(counts / counts.sum(axis=1, keepdims=True))


def adjusted_loss(logits: Any, labels: Any, prior: Any, smoothing: float) -> Any:
    """Return the logit-adjusted cross-entropy of each image (Menon et al. 2021, tau = 1).

    The plain logits then describe a world in which every class is equally common, the one that balanced
    accuracy is measured in. Where the prior is that of the image's own source, what the source alone tells about the
    class is in the prior already, and nothing is won by recognising the camera. Labels are smoothed *towards the
    prior*: uniform smoothing would give rare classes more mass than they have and make their logits overshoot.

    Args:
        logits: float32 ``[n, classes]``.
        labels: int ``[n]``.
        prior: share of each class where the image comes from, ``[classes]`` or ``[n, classes]``.
        smoothing: mass moved from the label to the prior, 0 to 0.5.

    Returns:
        float32 ``[n]``.
    """
    tf, _ = load_tensorflow()
    shares = tf.cast(prior, tf.float32)
    target = (1 - smoothing) * tf.one_hot(labels, shares.shape[-1]) + smoothing * shares
    return tf.nn.softmax_cross_entropy_with_logits(target, tf.cast(logits, tf.float32) + tf.math.log(shares))


def distillation_loss(logits: Any, answers: Any, temperature: float) -> Any:
    """Return how far each image's softened answer is from the teacher's: T^2 times the Kullback-Leibler divergence.

    Source: Hinton et al. 2015, "Distilling the knowledge in a neural network"; the square keeps the size of the
    gradients whatever the temperature.

    Args:
        logits: of the pupil, float32 ``[n, classes]``.
        answers: logits of the teacher, float32 ``[n, classes]``.
        temperature: T, above 0; a high one shows how the teacher ranks what it thinks unlikely.

    Returns:
        float32 ``[n]``; 0 where both answer alike.
    """
    tf, _ = load_tensorflow()
    wanted = tf.nn.log_softmax(tf.cast(answers, tf.float32) / temperature)
    given = tf.nn.log_softmax(tf.cast(logits, tf.float32) / temperature)
    return temperature**2 * tf.reduce_sum(tf.exp(wanted) * (wanted - given), axis=-1)
