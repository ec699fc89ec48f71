"""Verdicts beside the artifacts they judge."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.contract import ModelContract
from melanoma_edge.files import sha256_of
from melanoma_edge.parity import record
from melanoma_edge.parity.answers import PairedAnswers, answers_path
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
        artifacts.append(ArtifactVerdict(str(path), sha256_of(path), 9, path.suffix[1:], "int8", "toy", {}, judgement))
    sizes = (len(drawn.ids), len(drawn.ids), 74)
    return Verdict("run", "test", *sizes, "melanoma", True, "0" * 64, 0.3, Limits(), 50, 0, tuple(artifacts))


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


def test_a_verdict_under_other_limits_says_so(
    tmp_path: Path, verdict: Verdict, contract: ModelContract, drawn: Any
) -> None:
    loose = Limits(melanomas_lost=9, mean_score_change=0.5)
    same = judge(
        drawn.probabilities, drawn.probabilities, drawn.ids, drawn.groups, drawn.labels, contract, loose, 0, 50
    )
    good = replace(verdict.artifacts[0], judgement=same)
    save_verdicts(replace(verdict, limits=loose, artifacts=(good,)))
    assert recorded_verdict(tmp_path / "good.tflite", good.sha256) == "PASS (limits changed)"


def test_a_verdict_on_a_constant_reference_is_found_again(
    tmp_path: Path, verdict: Verdict, contract: ModelContract, drawn: Any
) -> None:
    same = drawn.probabilities[:1].repeat(len(drawn.ids), axis=0)
    found = judge(same, same, drawn.ids, drawn.groups, drawn.labels, contract, Limits(), 0, 50)
    save_verdicts(replace(verdict, artifacts=(replace(verdict.artifacts[0], judgement=found),)))
    assert recorded_verdict(tmp_path / "good.tflite", verdict.artifacts[0].sha256) == "INCONCLUSIVE"


def answered(verdict: Verdict, contract: ModelContract, drawn: Any) -> Verdict:
    """Return the verdict with the answers that its first file was judged by; the other gave none."""
    one = drawn.probabilities.astype("float32")
    good = replace(verdict.artifacts[0], answers=PairedAnswers(drawn.ids, contract.classes, one, one))
    return replace(verdict, artifacts=(good, verdict.artifacts[1]))


def test_answers_stand_beside_the_record_that_was_made_of_them(
    tmp_path: Path, verdict: Verdict, contract: ModelContract, drawn: Any
) -> None:
    good, bad = tmp_path / "good.tflite", tmp_path / "bad.onnx"
    answers_path(bad).write_text("of an older record")
    plain = verdict.to_document()
    save_verdicts(answered(verdict, contract, drawn))
    assert answers_path(good).is_file() and not answers_path(bad).exists()
    assert answered(verdict, contract, drawn).to_document() == plain, "no word of them in the JSON"
    save_verdicts(verdict)
    assert not answers_path(good).exists()


def test_stopped_between_record_and_answers_no_answers_of_another_stay(
    tmp_path: Path, verdict: Verdict, contract: ModelContract, drawn: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    good = tmp_path / "good.tflite"
    for name in ("write_text", "write_answers"):
        save_verdicts(answered(verdict, contract, drawn))
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            patch.setattr(record, name, stop)
            save_verdicts(answered(verdict, contract, drawn))
        assert verdict_path(good).is_file() and not answers_path(good).exists()


def edit(path: Path, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(path.read_text())
    change(document)
    path.write_text(json.dumps(document))


def test_a_verdict_written_by_hand_is_made_again_of_its_checks(tmp_path: Path, verdict: Verdict) -> None:
    (_, path) = save_verdicts(verdict)
    edit(path, lambda document: (document.update(verdict="PASS"), document["artifacts"][0].update(verdict="PASS")))
    assert recorded_verdict(tmp_path / "bad.onnx", verdict.artifacts[1].sha256) == "FAIL"


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["artifacts"][0]["checks"].pop(),
        lambda document: document["artifacts"][0]["checks"][0].update(would_pass_at=0.1),
        lambda document: document["artifacts"][0]["checks"][0].update(limit=0.1),
        lambda document: document["artifacts"][0]["checks"][0].update(would_pass_at=None),
        lambda document: document["artifacts"][0]["checks"][7].update(would_pass_at=30, value=30),
        lambda document: document["limits"].update(class_agreement=0.1),
        lambda document: document.update(split="train"),
        lambda document: document.update(schema="melanoma-edge/parity/2"),
    ],
)
def test_a_record_that_contradicts_itself_is_not_believed(
    tmp_path: Path, verdict: Verdict, change: Callable[[dict[str, Any]], object]
) -> None:
    path, _ = save_verdicts(verdict)
    edit(path, change)
    assert recorded_verdict(tmp_path / "good.tflite", verdict.artifacts[0].sha256) == UNVERIFIED


def test_a_failed_check_cannot_be_called_passed(tmp_path: Path, verdict: Verdict) -> None:
    (_, path) = save_verdicts(verdict)
    edit(path, lambda document: [check.update(status="PASS") for check in document["artifacts"][0]["checks"]])
    assert recorded_verdict(tmp_path / "bad.onnx", verdict.artifacts[1].sha256) == UNVERIFIED


@pytest.mark.parametrize("change", [{"exported": None}, {"exported": None, "flips": []}])
def test_outputs_that_were_not_compared_have_nothing_that_passed(
    tmp_path: Path, verdict: Verdict, change: dict[str, Any]
) -> None:
    path, _ = save_verdicts(verdict)
    edit(path, lambda document: document["artifacts"][0].update(change))
    assert recorded_verdict(tmp_path / "good.tflite", verdict.artifacts[0].sha256) == UNVERIFIED


@pytest.mark.parametrize("change", [{"exported": {}}, {"flips": [{}]}])
def test_what_failed_as_unsound_has_no_numbers(tmp_path: Path, verdict: Verdict, change: dict[str, Any]) -> None:
    (_, path) = save_verdicts(verdict)
    assert json.loads(path.read_text())["artifacts"][0]["exported"] is None
    edit(path, lambda document: document["artifacts"][0].update(change))
    assert recorded_verdict(tmp_path / "bad.onnx", verdict.artifacts[1].sha256) == UNVERIFIED


def test_a_verdict_that_is_no_verdict_does_not_count(tmp_path: Path) -> None:
    document = {"artifacts": [{"sha256": "0" * 64, "verdict": "EXCELLENT"}]}
    verdict_path(tmp_path / "model.tflite").write_text(json.dumps(document))
    assert recorded_verdict(tmp_path / "model.tflite", "0" * 64) == UNVERIFIED
