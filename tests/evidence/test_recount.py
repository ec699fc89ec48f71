"""A record counted again: whatever of its own lesions it no longer says is named."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from verdicts import give_verdicts

from melanoma_edge.evidence.recount import contradicted
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.runtime.artifact import read_record


@pytest.fixture
def record(trained: Any, tmp_path: Path) -> tuple[Any, Any]:
    """Give the record of a file that loses lesions, and its contract."""
    file = Path(shutil.copy(trained.artifact("model-int8.tflite"), tmp_path))
    give_verdicts([file], worse=True)
    return json.loads(verdict_path(file).read_text()), read_record(file).contract


def test_a_record_as_it_was_written_fits(record: tuple[Any, Any]) -> None:
    assert contradicted(*record) == []


def test_a_lesion_that_is_left_out_or_bettered_is_noticed(record: tuple[Any, Any]) -> None:
    document, contract = record
    flips = document["artifacts"][0]["flips"]
    lost = next(place for place, flip in enumerate(flips) if flip["melanoma_lost"])
    flips[lost]["melanoma_lost"] = False
    assert contradicted(document, contract) == ["melanomas_lost"]
    flips[lost]["exported_score"] = 1.0
    assert {"decision_agreement", "sensitivity_loss", "sensitivity"} <= set(contradicted(document, contract))
    flips.clear()
    wanted = {"class_agreement", "decision_agreement", "sensitivity_loss", "specificity_loss", "melanomas_lost"}
    assert wanted <= set(contradicted(document, contract))


def test_outputs_that_could_not_be_compared_have_nothing_to_count(record: tuple[Any, Any]) -> None:
    document, contract = record
    document["artifacts"][0] |= {"exported": None, "flips": []}
    assert contradicted(document, contract) == []
