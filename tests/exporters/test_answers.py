from __future__ import annotations

from typing import Any

import numpy as np

from exporters.answers import answers


def test_a_model_without_a_document_answers_as_keras_does(toy_material: Any, toy_batch: Any) -> None:
    told: list[tuple[str, int, int]] = []
    found = answers(toy_material.source, toy_batch[:5], lambda *step: told.append(step), "trying")
    expected = toy_material.model(toy_batch[:5].astype(np.float32), training=False)
    np.testing.assert_allclose(found, expected, atol=1e-5)
    assert told == [("trying", done, 5) for done in range(1, 6)]
