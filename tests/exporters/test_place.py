"""Where files go, and which outputs they have unasked."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import around

from exporters import export, planned
from melanoma_edge.bundle.checks import lacks_embedding
from melanoma_edge.errors import UsageError
from melanoma_edge.runtime import open_model, read_record

PAIRS = [("tflite", "float32")]


@pytest.fixture
def limited(toy_run: Any, tmp_path: Path) -> Any:
    """Return the toy run with a contract that has limits of strangeness."""
    features = toy_run.network.features
    limits = around((0.0,) * features, 1.0)
    safeguards = replace(toy_run.contract.effective_safeguards, outlier=limits)
    return replace(toy_run, path=tmp_path / "run", contract=replace(toy_run.contract, safeguards=safeguards))


@pytest.mark.parametrize(
    ("extras", "plain", "named"),
    [
        ((), "model-float32.tflite", "model-float32.tflite"),
        (("embedding",), "model-float32-embedding.tflite", "model-float32.tflite"),
        (("cam",), "model-float32-cam.tflite", "model-float32-cam.tflite"),
        (("cam", "embedding"), "model-float32-embedding-cam.tflite", "model-float32-cam.tflite"),
    ],
)
def test_a_name_says_what_was_asked_for_beyond_what_the_contract_needs(
    toy_run: Any, limited: Any, extras: tuple[str, ...], plain: str, named: str
) -> None:
    assert planned(replace(toy_run, path=limited.path), PAIRS, extras=extras)[0].name == plain
    assert planned(limited, PAIRS, extras=extras)[0].name == named


def test_a_file_answers_what_the_limits_of_its_contract_are_of(limited: Any, toy_batch: Any) -> None:
    artifact = export(limited, "tflite", "float32")
    record = read_record(artifact.path)
    assert record.extras == artifact.record.outputs[1:] == ("embedding",)
    assert not lacks_embedding(record, record.contract.effective_safeguards)
    with open_model(artifact.path) as runner:
        assert runner.infer_all(toy_batch[:2])["embedding"].shape == (2, limited.network.features)


def test_what_cannot_have_the_output_is_refused_with_the_way_out(limited: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    zeros = {name: np.zeros_like(array) for name, array in limited.weights().items()}
    monkeypatch.setattr(type(limited), "weights", lambda self: zeros)
    with pytest.raises(UsageError, match="embedding as output cannot be stored sparse") as caught:
        planned(limited, PAIRS, sparse=True)
    assert "--no-outlier-limits" in (caught.value.fix or "")
