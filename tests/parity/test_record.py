"""Verdicts beside the artifacts they judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.contract import ModelContract
from melanoma_edge.files import sha256_of
from melanoma_edge.parity.comparison import judge
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.record import UNVERIFIED, recorded_verdict, save_verdicts, verdict_path
from melanoma_edge.parity.verdict import ArtifactVerdict, Verdict


@pytest.fixture
def verdict(tmp_path: Path, contract: ModelContract, drawn: Any) -> Verdict:
    """Judge two files: one that answers like the reference, and one that answers the same to every image."""
    common = (drawn.ids, drawn.groups, drawn.labels, contract, Limits(), 0, 50)
    good = judge(drawn.probabilities, drawn.probabilities, *common)
    bad = judge(drawn.probabilities, drawn.probabilities[:1].repeat(len(drawn.ids), axis=0), *common)
    artifacts = []
    for name, judgement in (("good.tflite", good), ("bad.onnx", bad)):
        path = tmp_path / name
        path.write_text(name)
        artifacts.append(ArtifactVerdict(str(path), sha256_of(path), 9, path.suffix[1:], "int8", "toy", judgement))
    sizes = (len(drawn.ids), len(drawn.ids), 74)
    return Verdict("run", "test", *sizes, "melanoma", "0" * 64, 0.3, Limits(), 50, 0, tuple(artifacts))


def test_each_file_gets_its_own_verdict(tmp_path: Path, verdict: Verdict) -> None:
    paths = save_verdicts(verdict)
    assert paths == [tmp_path / "good.tflite.parity.json", tmp_path / "bad.onnx.parity.json"]
    good, bad = (json.loads(path.read_text()) for path in paths)
    assert (good["verdict"], bad["verdict"], verdict.verdict.value) == ("PASS", "FAIL", "FAIL")
    assert [len(document["artifacts"]) for document in (good, bad)] == [1, 1]
    assert bad["artifacts"] == verdict.to_document()["artifacts"][1:]
    assert next(iter(good.items())) == ("schema", "melanoma-edge/parity/1")


def test_the_verdict_is_found_again(tmp_path: Path, verdict: Verdict) -> None:
    save_verdicts(verdict)
    assert recorded_verdict(tmp_path / "good.tflite", sha256_of(tmp_path / "good.tflite")) == "PASS"
    assert recorded_verdict(tmp_path / "bad.onnx", sha256_of(tmp_path / "bad.onnx")) == "FAIL"


def test_other_bytes_are_unverified(tmp_path: Path, verdict: Verdict) -> None:
    save_verdicts(verdict)
    assert recorded_verdict(tmp_path / "good.tflite", "f" * 64) == UNVERIFIED


def test_a_new_verdict_replaces_the_old_one(tmp_path: Path, verdict: Verdict) -> None:
    verdict_path(tmp_path / "good.tflite").write_text("old")
    save_verdicts(verdict)
    assert recorded_verdict(tmp_path / "good.tflite", sha256_of(tmp_path / "good.tflite")) == "PASS"


@pytest.mark.parametrize(
    "text", [None, "", "[]", "{}", "null", '"text"', '{"artifacts": null}', '{"artifacts": []}', '{"artifacts": [1]}']
)
def test_without_a_readable_verdict_a_file_is_unverified(tmp_path: Path, text: str | None) -> None:
    if text is not None:
        verdict_path(tmp_path / "model.tflite").write_text(text)
    assert recorded_verdict(tmp_path / "model.tflite", "0" * 64) == UNVERIFIED


def test_a_verdict_that_is_no_verdict_does_not_count(tmp_path: Path) -> None:
    document = {"artifacts": [{"sha256": "0" * 64, "verdict": "EXCELLENT"}]}
    verdict_path(tmp_path / "model.tflite").write_text(json.dumps(document))
    assert recorded_verdict(tmp_path / "model.tflite", "0" * 64) == UNVERIFIED
