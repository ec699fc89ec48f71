"""What is said of a file's answers; the files themselves are those of the mutations."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from melanoma_edge.parity.faults import _alike, _begins_there, _sentence, _unsound
from melanoma_edge.parity.mistakes import favoured

CLASSES = ("MEL", "NV", "BKL", "BCC")


def logits(seed: int = 0) -> Any:
    return np.random.default_rng(seed).normal(size=(40, 4)) * 2


def probabilities(values: Any) -> Any:
    raised = np.exp(values)
    return raised / raised.sum(axis=1, keepdims=True)


def test_words_tell_rounding_from_preparation() -> None:
    assert "rounding this file is not the reason" in _sentence(0.2, None, 0.2)
    assert "does not move so" in _sentence(0.2, None, 0.05), "a compressed run's float file moves a little"
    assert _sentence(0.0001, None, None).endswith("nothing to explain")
    assert "this run" not in _sentence(0.2, None, 0.05), "the float32 file may have been made for the comparison"


def test_a_file_that_differs_by_rounding_is_not_accused() -> None:
    def said(noise: float, float_change: float | None) -> str:
        layers = SimpleNamespace(large=0.1, layers=[SimpleNamespace(noise=0.001), SimpleNamespace(noise=noise)])
        return _sentence(0.0036, None, float_change, layers)  # type: ignore[arg-type]

    assert said(0.008, 1e-7).startswith("No fault found: ") and "mistake" not in said(0.008, 1e-7)
    assert said(0.008, None).startswith("No fault found: ")
    assert said(0.2, 1e-7).endswith("the difference lies in this file's numbers")
    assert said(0.008, 0.0036).endswith("rounding this file is not the reason"), "float moves alike: no rounding"


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (probabilities(logits() * 0), "every image alike"),
        (probabilities(logits()) * np.nan, "no numbers"),
        (logits(), "no probabilities: softmax is missing"),
        (logits(1), "no probabilities"),
        (probabilities(logits())[:, :3], "shape [40, 3], wanted [40, 4]"),
    ],
)
def test_the_obvious_is_said_before_a_mistake_is_tried(found: Any, says: str) -> None:
    assert (_unsound(probabilities(logits()), found, CLASSES) or "").endswith(says)


@pytest.mark.parametrize("found", [probabilities(logits(1)), np.roll(probabilities(logits()), 1, axis=1)])
def test_what_can_be_compared_is_not_unsound(found: Any) -> None:
    assert _unsound(probabilities(logits()), found, CLASSES) is None


def test_a_file_that_nearly_always_says_one_thing_is_not_taken_for_the_float_model_moved() -> None:
    expected = probabilities(logits())
    found = probabilities(logits(1) + np.array([9.0, 0, 0, 0]))
    moved = favoured(expected, found)[1]
    assert np.abs(moved - found).mean() < 0.1 * np.abs(expected - found).mean(), "its answers are near"
    assert abs(_alike(moved, found)) < 0.5, "but do not change from image to image as the file's do"
    real = probabilities(logits() + np.array([9.0, 0, 0, 0]))
    assert _alike(favoured(expected, real)[1], real) > 0.99
    assert _alike(expected, np.ones_like(expected)) == 0


def test_a_mistake_begins_at_its_place() -> None:
    ops = {
        "scaled": "MUL",
        "stem": "CONV_2D",
        "block_0_depthwise": "DEPTHWISE_CONV_2D",
        "head": "Conv",
        "end": "SOFTMAX",
    }
    layers = [SimpleNamespace(name=name, op=op) for name, op in ops.items()]

    def begins(mistake: str, first: str | None) -> bool:
        return _begins_there(mistake, SimpleNamespace(layers=layers, first_large=first))  # type: ignore[arg-type]

    assert [begins("channel_order", name) for name in (*ops, None)] == [True, True, False, False, False, True]
    assert [begins("favoured", name) for name in (*ops, None)] == [False, False, False, True, True, True]
    assert _begins_there("squashed", None)
