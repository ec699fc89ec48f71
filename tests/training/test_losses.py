"""The loss, against NumPy by hand."""

from __future__ import annotations

import numpy as np
import pytest

from melanoma_edge.training.losses import adjusted_loss, class_prior, distillation_loss

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
