"""A run's files in every runtime, and folds pooled."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from melanoma_edge.contract import OperatingPoint
from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.metrics import measured
from melanoma_edge.files import to_json
from melanoma_edge.parity import matrix as module
from melanoma_edge.parity.blocks import Answers
from melanoma_edge.parity.comparison import compare
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.matrix import compare_matrix
from melanoma_edge.parity.matrix_document import matrix_document
from melanoma_edge.parity.pooling import Share, joined_cases, joined_lesions
from melanoma_edge.runtime.artifact import ArtifactRecord
from melanoma_edge.training.run import Run

HERE = ("litert", "litert-plain", "onnxruntime")


@pytest.fixture(scope="module")
def found(trained: Any, tmp_path_factory: pytest.TempPathFactory) -> Any:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path_factory.getbasetemp() / "cache"))
        return compare_matrix([Run.open(trained.run)], runtimes=HERE, split="train", resamples=50)


def test_every_file_stands_in_every_runtime_that_runs_it(found: Any) -> None:
    cells = {(cell.record.path.name, cell.runtime) for cell in found.cells}
    tflite = {(f"model-{kind}.tflite", name) for kind in ("float32", "int8") for name in HERE[:2]}
    assert cells == tflite | {(f"model-{kind}.onnx", "onnxruntime") for kind in ("float32", "int8")}
    assert {(one.first, one.second) for one in found.between} == {("litert", "litert-plain")}


def test_a_cell_says_what_plain_parity_says(found: Any, trained: Any) -> None:
    run = Run.open(trained.run)
    path = trained.artifact("model-int8.tflite")
    plain = compare(run, path, "train", resamples=50).artifacts[0].judgement
    (cell,) = [one for one in found.cells if one.record.path == path and one.runtime == "litert"]
    assert cell.judgement == plain


def test_a_second_time_nothing_is_computed(found: Any, trained: Any) -> None:
    again = compare_matrix([Run.open(trained.run)], runtimes=HERE, split="train", resamples=50)
    assert {cell.reused for cell in again.cells} == {found.images}
    assert [cell.judgement for cell in again.cells] == [cell.judgement for cell in found.cells]


def test_the_document_is_json_whose_rows_name_their_file(found: Any) -> None:
    document = json.loads(to_json(matrix_document(found)))
    assert next(iter(document.items())) == ("schema", "melanoma-edge/parity-matrix/1")
    contract = found.run.contract
    assert document["weights_sha256"] == contract.provenance.weights_sha256
    for cell in document["cells"]:
        assert len(cell["sha256"]) == 64 and cell["version"]
        for check in cell["checks"]:
            assert (check["more"] is None) == (check["deciding"] is None)
            assert check["deciding"] is None or str(check["deciding"]) in check["why"]


def test_without_a_fitting_file_the_runs_are_named(trained: Any) -> None:
    with pytest.raises(UsageError, match="no file to compare"):
        compare_matrix([Run.open(trained.run)], [trained.artifact("model-int8.onnx")], ("litert",), "train")


def folds(drawn: Any, contract: Any) -> list[Share]:
    """Return two halves of a split, each with its own threshold."""
    shares = []
    for half, threshold in ((slice(0, None, 2), 0.3), (slice(1, None, 2), 0.5)):
        point = OperatingPoint(threshold, 0.95, 80, 0, True)
        ids, groups, labels = drawn.ids[half], drawn.groups[half], drawn.labels[half]
        images = SimpleNamespace(ids=ids, groups=groups, labels=labels, rows=())
        run: Any = SimpleNamespace(path=Path("fold"), contract=replace(contract, operating_point=point))
        expected = drawn.probabilities[half].astype(np.float32)
        shares.append(Share(run, images, lesions(groups, labels), "0" * 64, expected, ()))
    return shares


def test_folds_are_pooled_each_at_its_own_threshold(drawn: Any, contract: Any) -> None:
    shares = folds(drawn, contract)
    pooled = joined_cases([share.cases(share.expected) for share in shares])
    unit = joined_lesions([share.unit for share in shares])
    assert len(unit) == len(pooled.labels) == len(drawn.ids)
    wanted = sum(int(share.cases(share.expected).referred.sum()) for share in shares)
    assert int(pooled.referred.sum()) == wanted
    assert wanted not in [int((pooled.scores >= one).sum()) for one in (0.3, 0.5)], "one threshold gives another number"


def test_a_flip_is_told_at_the_threshold_of_its_own_fold(
    drawn: Any, contract: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """0.55 to 0.45 crosses 0.5 and not 0.3: a melanoma is lost in the second fold alone."""
    record = ArtifactRecord(Path("model.tflite"), "tflite", "int8", contract, None, (), None, {}, "", "", 0)
    shares, answers = [], []
    for share in folds(drawn, contract):
        expected, found = share.expected.copy(), share.expected.copy()
        expected[0], found[0] = (0.55, 0.45, 0, 0), (0.45, 0.55, 0, 0)
        shares.append(replace(share, expected=expected, records=(record,)))
        answers.append(Answers(found))
    given, kept = iter(shares), iter(answers)
    monkeypatch.setattr(module, "share_of", lambda *_: next(given))
    monkeypatch.setattr(module, "_answers", lambda *_: next(kept))
    monkeypatch.setattr(module, "judging", lambda run, _: run)
    matrix = compare_matrix([share.run for share in shares], runtimes=("litert",), resamples=20)
    document = json.loads(to_json(matrix_document(matrix)))
    (cell,) = document["cells"]
    told = {flip["threshold"]: (flip["kind"], flip["melanoma_lost"], flip["margin"]) for flip in cell["flips"]}
    assert told[0.3] == ("class only", False, pytest.approx(0.15))
    assert told[0.5] == ("melanoma lost", True, pytest.approx(-0.05))
    assert document["threshold"] is None and cell["sensitivity"]["lost"] == 1


def test_pooled_folds_decide_what_one_cannot(drawn: Any, contract: Any) -> None:
    """37 melanomas of one fold without a flip are too few; the 74 of both are enough."""
    verdicts = []
    for some in (folds(drawn, contract)[:1], folds(drawn, contract)):
        before = joined_cases([share.cases(share.expected) for share in some])
        unit = joined_lesions([share.unit for share in some])
        same = np.concatenate([share.expected for share in some])
        metrics = measured(before, len(same), contract.classes, 0, 50)
        judgement, _, paired = module._judged(some, unit, before, same, metrics, Limits(), 0, 50)
        assert paired is not None
        verdicts.append({check.name: check.status.value for check in judgement.checks}["sensitivity_loss"])
    assert verdicts == ["INCONCLUSIVE", "PASS"]
