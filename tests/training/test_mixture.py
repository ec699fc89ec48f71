"""The mixture that probabilities are for: chosen, put into the head, and taken out again."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from toys import toy_contract

from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.training.mixture import STRENGTH, levelled, mixture, moved, shift


def test_classes_as_common_as_one_another_stay_so() -> None:
    assert mixture([7, 7, 7, 7]) == (0.25,) * 4


def test_a_mixture_lies_between_the_data_and_classes_alike() -> None:
    counts = [491, 4323, 264, 183, 583, 60, 80]
    found, data = np.array(mixture(counts)), np.array(counts) / sum(counts)
    assert found.sum() == pytest.approx(1)
    assert (np.argsort(found) == np.argsort(data)).all()
    np.testing.assert_allclose(np.log(found[1] / found[5]), STRENGTH * np.log(4323 / 60))


@pytest.mark.parametrize("temperature", [0.3, 1.0, 2.5])
def test_shifted_logits_are_the_probabilities_of_the_mixture(temperature: float) -> None:
    logits = np.random.default_rng(0).normal(0, 3, (50, 3))
    prior = (0.7, 0.2, 0.1)
    alike = softmax(logits / temperature)
    wanted = alike * prior / (alike * prior).sum(axis=1, keepdims=True)
    np.testing.assert_allclose(softmax((logits + shift(prior, temperature)) / temperature), wanted, rtol=1e-9)


def test_levelled_weights_are_those_from_before_the_shift() -> None:
    contract = replace(toy_contract(), temperature=0.8)
    bias = np.linspace(-1, 1, len(contract.classes)).astype(np.float32)
    weights = {"head/bias": bias, "head/kernel": np.ones((2, 2), np.float32)}
    shifted = moved(weights, shift(contract.class_prior, contract.temperature))
    assert np.abs(shifted["head/bias"] - bias).max() > 0.1
    again = levelled(shifted, contract)
    np.testing.assert_allclose(again["head/bias"], bias, atol=1e-6)
    assert again["head/kernel"] is weights["head/kernel"]


def test_weights_for_classes_alike_are_left_as_they_are() -> None:
    contract = toy_contract()
    alike = replace(contract, class_prior=(1 / len(contract.classes),) * len(contract.classes))
    bias = np.random.default_rng(1).normal(size=len(contract.classes)).astype(np.float32)
    np.testing.assert_array_equal(levelled({"head/bias": bias}, alike)["head/bias"], bias)
