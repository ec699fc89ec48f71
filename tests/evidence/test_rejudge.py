"""Records made again of the answers beside the files: every number of them, whoever edits it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import TrustError
from melanoma_edge.evidence.provenance import walk, walk_file
from melanoma_edge.evidence.rejudge import Rejudge
from melanoma_edge.evidence.reporting import write_report
from melanoma_edge.files import to_json
from melanoma_edge.parity.answers import PairedAnswers, answers_path, forget_answers, read_answers, write_answers
from melanoma_edge.parity.comparison import compare
from melanoma_edge.parity.record import save_verdicts, verdict_path
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.training.run import Run

ONNX, TFLITE = "artifacts/model-int8.onnx", "artifacts/model-int8.tflite"


@pytest.fixture(scope="module")
def judged(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give a copy of the run with verdicts on two files, by the runtimes themselves."""
    copy = Path(shutil.copytree(trained.run, tmp_path_factory.mktemp("judged") / "run"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        save_verdicts(compare(Run.open(copy), [copy / ONNX, copy / TFLITE], resamples=50, seed=3))
    return copy


@pytest.fixture
def folder(judged: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(judged, tmp_path / "run"))


def made_again(folder: Path) -> dict[str, str]:
    return {link.name: link.parent for link in walk(Run.open(folder), answers=True)[1]}


def kept(file: Path) -> PairedAnswers:
    run = Run.open(file.parents[1])
    found = read_answers(file, [row.image_id for row in run.catalog.part("test")], run.contract.classes)
    assert found is not None
    return found


def test_a_record_is_made_again_of_the_answers(folder: Path) -> None:
    images = len(Run.open(folder).catalog.part("test"))
    parents = made_again(folder)
    for file in (ONNX, TFLITE):
        wanted = f"{Path(file).name}, reference; made again from the answers to {images} images"
        assert parents[f"{file}.parity.json"] == wanted
    plain = {link.name: link.parent for link in walk(Run.open(folder))[1]}
    assert plain[f"{ONNX}.parity.json"] == "model-int8.onnx, reference", "a report makes nothing again"


def test_without_answers_the_chain_says_what_was_not_made_again(folder: Path) -> None:
    forget_answers(folder / ONNX)
    parents = made_again(folder)
    assert parents[f"{ONNX}.parity.json"].endswith("no answers, so its counts alone were made again")
    assert "made again from the answers" in parents[f"{TFLITE}.parity.json"]


Change = Callable[[Any], object]


def of_check(name: str, key: str, change: Callable[[Any], Any]) -> Change:
    def edit(document: Any) -> None:
        check = next(one for one in document["artifacts"][0]["checks"] if one["name"] == name)
        check[key] = change(check[key])

    return edit


def of_metric(side: str, name: str, end: str) -> Change:
    def edit(document: Any) -> None:
        document["artifacts"][0][side][name][end] += 1e-6

    return edit


def of_file(**values: Any) -> Change:
    return lambda document: document["artifacts"][0].update(values)


def better(value: float) -> float:
    return value + 1e-6


CHANGES: dict[str, Change] = {
    "checks.melanoma_auc_change.value": of_check("melanoma_auc_change", "value", better),
    "checks.macro_auc_change.would_pass_at": of_check("macro_auc_change", "would_pass_at", better),
    "checks.mean_score_change.value": of_check("mean_score_change", "value", lambda value: value / 2),
    "checks.calibration_change.value": of_check("calibration_change", "value", better),
    "checks.constant_output.value": of_check("constant_output", "value", better),
    "float.accuracy.low": of_metric("float", "accuracy", "low"),
    "float.melanoma_auc.value": of_metric("float", "melanoma_auc", "value"),
    "exported.melanoma_auc.value": of_metric("exported", "melanoma_auc", "value"),
    "exported.macro_auc.high": of_metric("exported", "macro_auc", "high"),
    "exported.sensitivity.low": of_metric("exported", "sensitivity", "low"),
    "exported.brier.value": of_metric("exported", "brier", "value"),
    "exported.ece.value": of_metric("exported", "ece", "value"),
    "images": lambda document: document.update(images=document["images"] + 1),
    "seed": lambda document: document.update(seed=4),
    "resamples": lambda document: document.update(resamples=51),
    "verdict": lambda document: document.update(verdict="PASS"),
    "precision": of_file(precision="float32"),
    "bytes": of_file(bytes=5),
    "note": of_file(note="tested in three hospitals"),
}
BY_CONSEQUENCE = {"seed", "resamples"}
"""What no answers know; other draws give other intervals."""


@pytest.mark.parametrize("name", CHANGES)
def test_an_edited_number_is_named(folder: Path, name: str) -> None:
    path = verdict_path(folder / ONNX)
    document = json.loads(path.read_text())
    before = to_json(document)
    CHANGES[name](document)
    assert to_json(document) != before
    path.write_text(to_json(document))
    with pytest.raises(TrustError, match=r"parity\.json is (not what the answers to|damaged)|the catalog") as caught:
        made_again(folder)
    assert caught.value.exit_code == 7
    assert caught.value.fix == f"melanoma-edge parity {folder} {folder / ONNX}"
    said = str(caught.value)
    assert "_change." in said or "low is" in said if name in BY_CONSEQUENCE else name in said


def test_answers_edited_alone_are_noticed(folder: Path) -> None:
    found = kept(folder / ONNX)
    other = found.exported.copy()
    other[0] = other[0][::-1]
    write_answers(folder / ONNX, replace(found, exported=other))
    with pytest.raises(TrustError, match="is not what the answers to"):
        made_again(folder)


def test_answers_to_other_images_are_refused(folder: Path) -> None:
    path = answers_path(folder / ONNX)
    first, second, third, *rest = path.read_text().splitlines(keepends=True)
    path.write_text("".join([first, third, second, *rest]))
    with pytest.raises(TrustError, match="answers are damaged: image 1 is"):
        made_again(folder)


def test_files_of_one_run_share_one_float_model(folder: Path) -> None:
    """The record of the second file follows from its answers; its float model is another than the first's."""
    other = kept(folder / TFLITE)
    moved = other.reference + np.float32(2e-3)
    write_answers(folder / TFLITE, replace(other, reference=moved))
    with pytest.raises(TrustError, match=r"float model's answers differ by .* from those beside model-int8\.onnx"):
        made_again(folder)


def test_the_last_digits_of_another_machine_are_no_other_float_model(folder: Path) -> None:
    other = kept(folder / TFLITE)
    write_answers(folder / TFLITE, replace(other, reference=other.reference * np.float32(1 + 1e-5)))
    path = verdict_path(folder / TFLITE)
    record = json.loads(path.read_text())
    again = kept(folder / TFLITE)
    run = Run.open(folder)
    judge = Rejudge(run.contract, run.catalog)
    path.write_text(to_json(judge._judged(record, read_record(folder / TFLITE), again)))
    assert "made again from the answers" in made_again(folder)[f"{TFLITE}.parity.json"]


def forged(folder: Path, change: Change, answers: bool = False) -> None:
    """Edit the record of the ONNX file, and put its answers away unless they are to stay."""
    path = verdict_path(folder / ONNX)
    document = json.loads(path.read_text())
    change(document)
    path.write_text(to_json(document))
    if not answers:
        forget_answers(folder / ONNX)


@pytest.mark.parametrize("name", ["images", "groups", "melanomas"])
def test_lesions_are_counted_in_the_catalog_and_not_in_the_record(folder: Path, name: str) -> None:
    forged(folder, lambda document: document.update({name: document[name] * 10}), answers=True)
    for look in (walk, write_report):
        with pytest.raises(TrustError, match=rf"between the catalog \({name}\) and {ONNX}\.parity\.json"):
            look(Run.open(folder))


@pytest.mark.parametrize("key", ["image_id", "group", "label"])
def test_lesions_that_changed_must_stand_in_the_catalog(folder: Path, key: str) -> None:
    row = Run.open(folder).catalog.part("test")[0]
    flip = {"image_id": row.image_id, "group": row.group, "label": row.label, key: "of another"}
    forged(folder, lambda document: document["artifacts"][0].update(flips=[flip]))
    with pytest.raises(TrustError, match=r"the catalog \(flips of model-int8\.onnx in onnxruntime\)"):
        walk(Run.open(folder))


def test_words_are_not_compared(folder: Path) -> None:
    forged(folder, of_check("balanced_accuracy_change", "why", lambda why: f"{why}!"), answers=True)
    assert "made again from the answers" in made_again(folder)[f"{ONNX}.parity.json"]


def test_a_pass_without_outputs_is_not_believed(folder: Path) -> None:
    forged(folder, lambda document: document["artifacts"][0].update(exported=None, flips=[]))
    with pytest.raises(TrustError, match="between its exported file and"):
        walk(Run.open(folder))


def test_answers_without_a_record_are_no_evidence(folder: Path) -> None:
    verdict_path(folder / ONNX).unlink()
    with pytest.raises(TrustError, match=r"record of parity, which is missing, and model-int8\.onnx\.answers\.csv"):
        made_again(folder)


def test_answers_are_no_artifact_and_no_document(folder: Path) -> None:
    documents = {one.path for one in walk(Run.open(folder))[0]}
    assert f"{ONNX}.parity.json" in documents and not any("answers" in name for name in documents)
    assert not any("answers" in name for name in write_report(Run.open(folder)).document["made_of"])


def test_a_lone_file_has_no_labels_to_be_judged_by(folder: Path, tmp_path: Path) -> None:
    lone = tmp_path / "lone/model-int8.onnx"
    lone.parent.mkdir()
    for path in (folder / "artifacts").glob(f"{lone.name}*"):
        shutil.copy(path, lone.parent)
    assert walk_file(read_record(lone))[-1].parent.endswith("; no run, so its counts alone were made again")
