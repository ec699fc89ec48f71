"""The cells of a matrix counted again, and its verdicts made again of their checks."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import found_out
import pytest
from verdicts import catalog_of_drawn, give_verdicts

from melanoma_edge.errors import TrustError
from melanoma_edge.evidence.provenance import walk
from melanoma_edge.evidence.recount import contradicted_cells
from melanoma_edge.evidence.reporting import write_report
from melanoma_edge.files import to_json
from melanoma_edge.training.run import Run

FILE = "model-int8.onnx"
WELL, ILL = f"{FILE} in onnxruntime-untuned", f"{FILE} in litert-plain"


@pytest.fixture
def matrix(trained: Any) -> tuple[Any, Any]:
    """Give the matrix of a file that decides well in one runtime and badly in another, and its contract."""
    run = Run.open(trained.run)
    return json.loads(to_json(found_out.matrix(run, trained.artifact(FILE)))), run.contract


def check(document: Any, cell: int, name: str) -> Any:
    return next(one for one in document["cells"][cell]["checks"] if one["name"] == name)


def test_a_matrix_as_it_was_written_fits(matrix: tuple[Any, Any]) -> None:
    assert matrix[0]["verdict"] == "FAIL" and matrix[0]["cells"][0]["verdict"] == "PASS"
    assert contradicted_cells(*matrix) == []


def passed(document: Any) -> None:
    """Call everything of the bad cell passed, as somebody would who wants a PASS."""
    for one in document["cells"][1]["checks"]:
        one["status"] = "PASS"
    document["cells"][1]["verdict"] = document["verdict"] = "PASS"


CHANGES: dict[str, tuple[Callable[[Any], object], str]] = {
    "a check": (lambda d: check(d, 1, "class_agreement").update(value=0.99), f"class_agreement of {ILL}"),
    "a bound": (lambda d: check(d, 0, "sensitivity_loss").update(would_pass_at=0.01), f"sensitivity_loss of {WELL}"),
    "a status": (lambda d: check(d, 1, "melanoma_auc_change").update(status="PASS"), f"melanoma_auc_change of {ILL}"),
    "a limit": (lambda d: check(d, 0, "macro_auc_change").update(limit=-0.5), f"macro_auc_change of {WELL}"),
    "every status": (passed, f"melanomas_lost of {ILL}"),
    "a check left out": (lambda d: d["cells"][0]["checks"].pop(0), f"class_agreement of {WELL}"),
    "lesions lost": (lambda d: d["cells"][1]["flips"][0].update(melanoma_lost=False), f"melanomas_lost of {ILL}"),
    "no flips": (lambda d: d["cells"][1].update(flips=[]), f"decision_agreement of {ILL}"),
    "a score": (lambda d: d["cells"][1]["flips"][0].update(exported_score=1.0), f"sensitivity_loss of {ILL}"),
    "a metric": (lambda d: d["cells"][0]["exported"]["sensitivity"].update(value=0.9), f"sensitivity of {WELL}"),
    "the float model": (lambda d: d["float"]["specificity"].update(value=0.1), f"specificity of {WELL}"),
    "fewer lesions": (lambda d: d.update(groups=800), f"class_agreement of {WELL}"),
    "looser limits": (lambda d: d["limits"].update(melanomas_lost=70), f"melanomas_lost of {WELL}"),
    "a cell's verdict": (lambda d: d["cells"][1].update(verdict="PASS"), f"verdict of {ILL}"),
    "the verdict": (lambda d: d.update(verdict="PASS"), "verdict"),
    "cells left out": (lambda d: d.update(cells=d["cells"][:1]), "verdict"),
    "lesions lost as shown": (
        lambda d: d["cells"][1]["sensitivity"].update(lost=0),
        f"sensitivity.lost of {ILL}",
    ),
    "an interval": (lambda d: d["cells"][1]["specificity"]["loss"].update(high=0.1), f"specificity.loss.high of {ILL}"),
    "a test": (lambda d: d["cells"][1]["sensitivity"].update(equivalent=True), f"sensitivity.equivalent of {ILL}"),
    "decisions kept": (
        lambda d: d["cells"][1]["decision_agreement"].update(value=0.99),
        f"decision_agreement.value of {ILL}",
    ),
    "no outputs": (lambda d: d["cells"][0].update(exported=None, flips=[]), f"exported of {WELL}"),
    "numbers of nothing": (lambda d: d["cells"][2].update(kl={}), f"kl of {FILE} in emulated"),
    "flips of nothing": (lambda d: d["cells"][2].update(flips=d["cells"][1]["flips"]), f"flips of {FILE} in emulated"),
    "the threshold": (lambda d: d.update(threshold=0.123), "threshold"),
}


@pytest.mark.parametrize("name", CHANGES)
def test_an_edited_cell_is_named_with_its_check(matrix: tuple[Any, Any], name: str) -> None:
    document, contract = matrix
    change, wanted = CHANGES[name]
    change(document)
    assert wanted in contradicted_cells(document, contract)


def test_lesions_of_folds_are_counted_at_the_threshold_of_their_own(matrix: tuple[Any, Any]) -> None:
    document, contract = matrix
    own, other = contract.threshold, contract.threshold / 2
    document |= {"threshold": None, "runs": [{"threshold": own}, {"threshold": other}]}
    flips = document["cells"][1]["flips"]
    for flip in flips:
        flip["threshold"] = own
    # At another threshold the same change of scores is another change of decisions.
    assert (
        contradicted_cells(
            document, replace(contract, operating_point=replace(contract.operating_point, threshold=0.9))
        )
        == []
    )
    lost = next(flip for flip in flips if flip["melanoma_lost"] and flip["exported_score"] >= other)
    lost["threshold"] = other
    assert f"sensitivity_loss of {ILL}" in contradicted_cells(document, contract)
    lost["threshold"] = own + 1e-9
    assert contradicted_cells(document, contract) == [f"flips of {ILL}"]


@pytest.fixture
def folder(trained: Any, tmp_path: Path, matrix: tuple[Any, Any], monkeypatch: pytest.MonkeyPatch) -> Path:
    catalog_of_drawn(monkeypatch, matrix[1])
    copy = Path(shutil.copytree(trained.run, tmp_path / "run"))
    (copy / "report").mkdir()
    (copy / "report/matrix-test.json").write_text(to_json(matrix[0]))
    return copy


def rewritten(folder: Path, change: Callable[[Any], object]) -> None:
    path = folder / "report/matrix-test.json"
    document = json.loads(path.read_text())
    change(document)
    path.write_text(to_json(document))


def test_the_chain_and_the_report_refuse_an_edited_matrix(folder: Path) -> None:
    assert walk(Run.open(folder))[1][-1].name == "report/matrix-test.json"
    rewritten(folder, CHANGES["a check"][0])
    for look in (walk, write_report):
        with pytest.raises(TrustError, match=f"class_agreement of {ILL}.* and report/matrix-test.json") as caught:
            look(Run.open(folder))
        assert caught.value.exit_code == 7 and "--runtimes all" in caught.value.fix


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d.update(images=5), r"the catalog \(images\) and"),
        (lambda d: d.update(melanomas=700), r"the catalog \(melanomas\) and"),
        (lambda d: d["cells"][1]["flips"][0].update(group="x"), rf"the catalog \(flips of {ILL}\) and"),
        (lambda d: d["cells"][1]["flips"].append(d["cells"][1]["flips"][0]), rf"the catalog \(flips of {ILL}\) and"),
        (lambda d: d.update(reference="0" * 64), "the reference's weights and"),
        (lambda d: d.update(synthetic=False), "the contract's stamps and"),
        (lambda d: d.update(target="malignant"), "the contract's target and"),
        (lambda d: d["cells"][0].pop("checks"), "matrix-test.json is damaged"),
        (lambda d: d["cells"][0].update(verdict="GREAT"), "matrix-test.json is damaged"),
        (lambda d: d["limits"].update(class_agreement=7), "matrix-test.json is damaged"),
        (lambda d: d["cells"].append(None), "matrix-test.json is damaged"),
    ],
)
def test_a_matrix_of_something_else_or_damaged_is_refused(
    folder: Path, change: Callable[[Any], object], says: str
) -> None:
    rewritten(folder, change)
    with pytest.raises(TrustError, match=says):
        walk(Run.open(folder))


def beside_a_record(folder: Path) -> None:
    """Let the bad cell be of the runtime in which the file was judged, as its record says."""
    file = folder / "artifacts" / FILE
    give_verdicts([file], worse=True)
    rewritten(folder, lambda document: document["cells"][1].update(runtime="onnxruntime"))


def test_a_cell_agrees_with_the_record_beside_its_file(folder: Path) -> None:
    beside_a_record(folder)
    assert walk(Run.open(folder))[1][-1].name == "report/matrix-test.json"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda d: d["cells"][1].update(d["cells"][0], runtime="onnxruntime"), "flips.count is 0, in the record"),
        (
            lambda d: check(d, 1, "melanoma_auc_change").update(value=-0.2),
            "checks.melanoma_auc_change.value is -0.2",
        ),
        (lambda d: d["cells"][1]["exported"]["melanoma_auc"].update(value=0.9), "exported.melanoma_auc.value is 0.9"),
    ],
)
def test_a_cell_that_contradicts_the_record_beside_its_file_is_refused(
    folder: Path, change: Callable[[Any], object], says: str
) -> None:
    beside_a_record(folder)
    rewritten(folder, change)
    with pytest.raises(TrustError, match=f"the records of parity .{FILE} in onnxruntime: {says}"):
        walk(Run.open(folder))


def test_cells_of_other_draws_share_their_lesions_with_the_record_alone(folder: Path) -> None:
    beside_a_record(folder)
    rewritten(folder, lambda d: (d.update(seed=1), check(d, 1, "melanoma_auc_change").update(value=-0.2)))
    walk(Run.open(folder))
    rewritten(folder, lambda d: d["cells"][1].update(d["cells"][0], runtime="onnxruntime"))
    with pytest.raises(TrustError, match=r"flips\.count is 0, in the record"):
        walk(Run.open(folder))


def pooled(folder: Path, **changes: Any) -> None:
    """Call the matrix that of two folds, of which the run is the first."""
    threshold = Run.open(folder).contract.threshold
    folds = [{"threshold": threshold, "images": images} for images in (880, 880)]
    rewritten(folder, lambda d: d.update({"runs": folds, "threshold": None, "images": 1760, "split": "validation"}))
    rewritten(folder, lambda d: [flip.update(threshold=threshold) for cell in d["cells"] for flip in cell["flips"]])
    rewritten(folder, lambda d: d.update(changes))


def test_folds_of_which_the_run_is_the_first_are_added_up(folder: Path) -> None:
    pooled(folder)
    walk(Run.open(folder))
    pooled(folder, images=880)
    with pytest.raises(TrustError, match=r"the catalog \(images\) and"):
        walk(Run.open(folder))
    pooled(folder, split="test")
    with pytest.raises(TrustError, match=r"the catalog \(images\) and"):
        walk(Run.open(folder))
    pooled(folder, runs=[{"threshold": 0.1234, "images": 880}, {"threshold": 0.2, "images": 880}])
    with pytest.raises(TrustError, match=r"the catalog \(runs\) and"):
        walk(Run.open(folder))
