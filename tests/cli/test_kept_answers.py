"""What ``export`` and ``parity`` keep beside a file, and what ``inspect --verify`` makes of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.parity.answers import answers_path
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.runtime.artifact import read_record, seal, unsealed_document


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run"))


def test_parity_keeps_answers_of_which_verify_makes_its_record_again(run: Any, copy: Path) -> None:
    path = copy / "artifacts/model-int8.onnx"
    assert run("parity", copy, path, "--quiet").code == 6
    for place in (copy, path):
        chain = {link["name"]: link["parent"] for link in run("inspect", place, "--verify", "--json").document["chain"]}
        images = len(answers_path(path).read_text().splitlines()) - 1
        assert f"made again from the answers to {images} images" in chain["artifacts/model-int8.onnx.parity.json"]
    record = json.loads(verdict_path(path).read_text())
    record["artifacts"][0]["exported"]["melanoma_auc"]["value"] = 0.99
    verdict_path(path).write_text(json.dumps(record))
    answer = run("inspect", copy, "--verify", "--quiet")
    assert (answer.code, "exported.melanoma_auc.value is 0.99, made again" in answer.err) == (7, True)
    assert f"Fix: melanoma-edge parity {copy} {path}" in answer.err.replace("\n", " ")


def test_a_file_without_comparable_outputs_keeps_none_of_an_older_one(run: Any, copy: Path) -> None:
    contract = read_record(copy / "artifacts/model-int8.onnx").contract
    path = copy / "artifacts/empty.tflite"
    path.write_bytes(seal(unsealed_document("tflite", "float32", contract, None).encode()))
    answers_path(path).write_text("of the file that stood here before")
    assert run("parity", copy, path, "--quiet").code == 5
    assert verdict_path(path).is_file() and not answers_path(path).exists()


def test_exporting_again_replaces_answers(run: Any, copy: Path) -> None:
    path = answers_path(copy / "artifacts/model-float32.onnx")
    path.write_text("of other bytes")
    assert run("export", copy, "--format", "onnx", "--precision", "float32", "--force", "--quiet").code == 6
    assert path.read_text().startswith("image_id,float:")
