"""The toy models of the Kotlin engine's tests, and that their answers are still Python's."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[1]))

from android.engine_models import FOLDER, MODELS, answers

from melanoma_edge.runtime import read_record


def test_the_folder_holds_the_models_and_nothing_else() -> None:
    assert {path.name for path in FOLDER.iterdir()} == {*MODELS, "image.rgb", "answers.json"}


@pytest.mark.parametrize("name", MODELS)
def test_python_answers_as_noted(name: str) -> None:
    noted = json.loads((FOLDER / "answers.json").read_text("utf-8"))[name]
    found = answers(FOLDER / name)
    assert {key: found[key] for key in ("input_size", "classes")} == {
        key: noted[key] for key in ("input_size", "classes")
    }
    assert list(found["outputs"]) == list(noted["outputs"])
    for output, one in found["outputs"].items():
        assert one["shape"] == noted["outputs"][output]["shape"]
        np.testing.assert_allclose(one["values"], noted["outputs"][output]["values"], atol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_the_models_are_what_their_names_say(name: str) -> None:
    record = read_record(FOLDER / name)
    precision, extras = MODELS[name]
    assert (record.precision, record.extras) == (precision.value, extras)
