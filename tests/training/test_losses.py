"""The loss, against NumPy by hand."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.model.legacy_keras import load_tensorflow
from melanoma_edge.training.losses import adjusted_loss, class_prior, distillation_loss, source_priors

PRIOR = (0.7, 0.2, 0.1)


def by_hand(logits: np.ndarray, labels: list[int], smoothing: float) -> np.ndarray:
    raised = np.exp(logits + np.log(PRIOR))
    log_probability = np.log(raised / raised.sum(axis=1, keepdims=True))
    target = (1 - smoothing) * np.eye(3)[labels] + smoothing * np.array(PRIOR)
    return np.asarray(-(target * log_probability).sum(axis=1))


@pytest.mark.parametrize("smoothing", [0.0, 0.05, 0.5])
def test_the_loss_is_that_of_the_formula(smoothing: float) -> None:
    logits, labels = np.random.default_rng(0).normal(0, 3, (20, 3)), [0, 1, 2, 0] * 5
    found = adjusted_loss(logits.astype(np.float32), np.array(labels), PRIOR, smoothing).numpy()
    np.testing.assert_allclose(found, by_hand(logits, labels, smoothing), rtol=1e-5)


def test_uniform_logits_lose_the_surprise_of_the_prior() -> None:
    found = adjusted_loss(np.full((3, 3), 4.2, np.float32), np.arange(3), PRIOR, 0.0).numpy()
    np.testing.assert_allclose(found, -np.log(PRIOR), rtol=1e-5)


def test_with_all_the_mass_smoothed_the_prior_itself_is_the_best_answer() -> None:
    """Equal logits say "as common as the prior": smoothing must not pull rare classes up."""
    flat = float(adjusted_loss(np.zeros((1, 3), np.float32), np.array([2]), PRIOR, 1.0)[0])
    for step in np.eye(3, dtype=np.float32):
        for sign in (-0.1, 0.1):
            assert float(adjusted_loss(sign * step[None], np.array([2]), PRIOR, 1.0)[0]) > flat


def test_float16_logits_lose_no_more_than_their_rounding() -> None:
    logits = np.array([[10.0, -10.0, 3.0]], np.float32)
    found = adjusted_loss(logits.astype(np.float16), np.array([1]), PRIOR, 0.05)
    assert found.dtype.name == "float32"
    np.testing.assert_allclose(found.numpy(), by_hand(logits, [1], 0.05), rtol=1e-5)


def test_the_prior_is_the_share_of_each_class() -> None:
    np.testing.assert_array_equal(class_prior(np.array([0, 0, 2, 0]), 3), [0.75, 0.0, 0.25])


def test_distillation_is_the_softened_divergence_times_the_square_of_the_temperature() -> None:
    generator = np.random.default_rng(0)
    logits, answers = generator.normal(0, 3, (2, 9, 4)).astype(np.float32)
    for temperature in (1.0, 2.0, 5.0):
        p, q = (np.exp(z / temperature) for z in (answers.astype(np.float64), logits.astype(np.float64)))
        p, q = p / p.sum(axis=1, keepdims=True), q / q.sum(axis=1, keepdims=True)
        wanted = temperature**2 * (p * np.log(p / q)).sum(axis=1)
        np.testing.assert_allclose(distillation_loss(logits, answers, temperature), wanted, rtol=1e-4)
    np.testing.assert_allclose(distillation_loss(answers + 7, answers, 2.0), 0, atol=1e-5)


def test_each_source_has_the_shares_of_its_own_classes() -> None:
    labels, sources = np.array([0] * 8 + [1] * 2 + [1] * 5), ["a"] * 10 + ["b"] * 5
    priors, of_image = source_priors(labels, sources, 2)
    np.testing.assert_allclose(priors, [[8 + 8 / 15, 2 + 7 / 15], [8 / 15, 5 + 7 / 15]] / np.array([[11], [6]]))
    np.testing.assert_array_equal(of_image, [0] * 10 + [1] * 5)
    assert (priors > 0).all()


def test_one_source_alone_has_the_shares_of_all() -> None:
    labels = np.array([0, 0, 2, 1, 0])
    priors, of_image = source_priors(labels, ["x"] * 5, 3)
    np.testing.assert_allclose(priors, [class_prior(labels, 3)])
    assert (of_image == 0).all()


def test_every_image_may_have_a_prior_of_its_own() -> None:
    logits, labels = np.random.default_rng(0).normal(0, 3, (2, 3)).astype(np.float32), np.array([0, 2])
    each = np.array([PRIOR, (0.1, 0.1, 0.8)])
    found = adjusted_loss(logits, labels, each, 0.05).numpy()
    alone = [adjusted_loss(logits[i : i + 1], labels[i : i + 1], each[i], 0.05).numpy()[0] for i in range(2)]
    np.testing.assert_allclose(found, alone, rtol=1e-6)


@pytest.mark.parametrize("balanced", [True, False])
def test_where_the_class_is_the_source_the_camera_is_not_learned(balanced: bool) -> None:
    """Nine of ten of a class come from one camera: logistic regression on what the lesion and what the camera shows."""
    tensorflow, _ = load_tensorflow()
    generator = np.random.default_rng(0)
    labels = np.arange(2000) % 2
    cameras = np.where(generator.random(2000) < 0.9, labels, 1 - labels)
    seen = np.stack([labels + generator.normal(0, 1, 2000), cameras], axis=1).astype(np.float32)
    priors, of_image = source_priors(labels, [str(camera) for camera in cameras] if balanced else [""] * 2000, 2)
    weights, bias = tensorflow.Variable(np.zeros((2, 2), np.float32)), tensorflow.Variable(np.zeros(2, np.float32))
    for _ in range(300):
        with tensorflow.GradientTape() as tape:
            loss = tensorflow.reduce_mean(adjusted_loss(seen @ weights + bias, labels, priors[of_image], 0.0))
        for variable, gradient in zip((weights, bias), tape.gradient(loss, (weights, bias)), strict=True):
            variable.assign_sub(gradient)
    lesion, camera = (weights[:, 1] - weights[:, 0]).numpy()
    assert lesion == pytest.approx(1, abs=0.25)  # by which two normal distributions one apart differ
    assert camera == pytest.approx(0 if balanced else 2 * np.log(9), abs=0.4)
