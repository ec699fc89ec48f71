"""The page of a run: every number has its source, it needs no network, and those who do not see it can use it."""

from __future__ import annotations

import json
import re
import shutil
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import pytest
from pages import Page, drawn, unfounded
from verdicts import give_verdicts

from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.evidence.explanations import Explanations
from melanoma_edge.evidence.rejection_document import Rejection
from melanoma_edge.evidence.reporting import Report, write_report
from melanoma_edge.evidence.robustness import Robustness
from melanoma_edge.files import sha256_of, to_json
from melanoma_edge.parity.layers import LayerReport
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.training.run import Run

SAID = {"95", "0", "0.2", "0.4", "0.6", "0.8", "1", "80", "2022", "2024", "2025"}
"""The level of intervals, the ticks of axes, the sensitivity of the partial AUC, and the years of guidelines."""


def estimate(value: float) -> dict[str, float]:
    return {"value": value, "low": value - 0.0511, "high": value + 0.0322}


def evaluation(run: Run) -> dict[str, Any]:
    """Return an evaluation whose numbers occur nowhere else."""
    part = {
        "positives": 31,
        "others": 217,
        **{name: estimate(0.6123 + place / 97) for place, name in enumerate(("sensitivity", "specificity", "auc"))},
        "pr_auc": estimate(0.5017),
        "partial_auc": 0.1173,
        "ppv_npv": [{"prevalence": 0.02, "ppv": 0.0431, "npv": 0.9917}],
        "decision_curve": [{"threshold": 0.05, "model": 0.0313, "operating_point": 0.0297, "refer_all": 0.0171}],
        "calibration": {
            **{"nll": 0.4151, "brier": 0.1319, "ece_mass": 0.0717, "ece_width": 0.0637, "slope": 1.131},
            "intercept": -0.271,
            "bins": [{"mean": 0.2137, "share": 0.2511, "n": 57, "low": 0.1539, "high": 0.3743}],
        },
        "calibration_shifted": None,
        "roc": [[0, 0], [0.31, 0.87], [1, 1]],
    }
    row = {"n": 83, "targets": 9, "auc": None, "few": True, "estimated": False}
    named = ("accuracy", "balanced_accuracy", "macro_auc", "melanoma_auc", "sensitivity", "specificity", "macro_f1")
    return {
        "schema": "melanoma-edge/evaluation/1",
        "weights_sha256": run.contract.provenance.weights_sha256,
        "catalog_sha256": run.contract.provenance.catalog_sha256,
        "target": "melanoma",
        "operating_point": {"sentence": "No 59 melanomas, no claim."},
        "notes": ["Skin types are not known."],
        "metrics": {name: estimate(0.7117 + place / 83) for place, name in enumerate(named)},
        "binary": {"melanoma": part, "malignant": None},
        "melanoma_vs_nevus": None,
        "subgroups": [
            {"attribute": "sex", "value": "male", **row, "sensitivity": estimate(0.8713), "specificity": None},
            {"attribute": "sex", "value": "female", **row, "sensitivity": None, "specificity": estimate(0.4417)},
        ],
        "refitted": None,
    }


def found_out(run: Run) -> dict[str, Any]:
    """Return what else commands find out about a run, by file, each as its dataclass has it now."""
    random = Random(0)
    kinds = {"robustness": Robustness, "rejection": Rejection, "explanations": Explanations}
    own = run.contract.provenance
    parents = {"weights_sha256": own.weights_sha256, "catalog_sha256": own.catalog_sha256}
    made = {name: drawn(kind, random) | {"schema": f"melanoma-edge/{name}/1"} | parents for name, kind in kinds.items()}
    file = run.path / "artifacts/model-int8.onnx"
    layers = drawn(LayerReport, random) | parents | {"artifact": str(file), "sha256": sha256_of(file)}
    made["model-int8.onnx.layers"] = {
        "schema": "melanoma-edge/layers/1",
        **layers,
        "sentence": "head loses 12 % of its signal",
        "diagnosis": {"sentence": "the channels are swapped"},
    }
    bisected = {"artifact": str(file), "sha256": sha256_of(file), **parents, "verdict": "PASS"}
    found = {"layers": ["stem"], "missed": [], "tried": [{"layers": ["stem"]}]}
    made["model-int8.onnx.bisect"] = {"schema": "melanoma-edge/bisect/1", **bisected, **found}
    made["matrix-test"] = matrix(file, parents)
    return made


def matrix(file: Path, parents: dict[str, str]) -> dict[str, Any]:
    named = {"path": str(file), "sha256": sha256_of(file)}
    changes = {"n": 81, "lost": 2, "gained": 1, "loss": estimate(0.0123), "mcnemar_exact": 0.8751}
    group = {"attribute": "sex", "value": "male", "n": 41, "melanomas": 7, "lost": 1, "gained": 0, "few": True}
    group |= {"sensitivity_loss": None, "decision_agreement": estimate(0.9537)}
    cell = {
        **named,
        **{"runtime": "onnxruntime", "version": "1.2.3", "verdict": "PASS", "sensitivity": changes},
        **{"specificity": None, "decision_agreement": estimate(0.9713), "seconds": 1.37, "reused": 12},
        "subgroups": [group],
        "score": {"mean_difference": -0.0017, "low": -0.0231, "high": 0.0197, "largest": 0.0519},
    }
    failed = cell | {"runtime": "litert", "verdict": "FAIL", "sensitivity": None, "score": None}
    between = {"first": "a", "second": "b", "lesions": 83, "same_class": 82, "same_decision": 81}
    return {
        "schema": "melanoma-edge/parity-matrix/1",
        **parents,
        **{"verdict": "FAIL", "groups": 83, "melanomas": 81, "target": "melanoma", "split": "test"},
        "runtimes": [{"name": "onnxruntime"}, {"name": "litert"}, {"name": "none"}],
        "cells": [cell, failed],
        "between": [{**named, **between, "largest_difference": 0.000123}],
        "absent": [{"runtime": "emulated", "why": "not prepared"}],
    }


@pytest.fixture
def full(run: Run) -> Run:
    """Give a run of which everything was found out."""
    for name, document in found_out(run).items():
        (run.path / f"report/{name}.json").write_text(to_json(document))
    return run


@pytest.fixture
def run(trained: Any, tmp_path: Path) -> Run:
    """Give a run with verdicts, one of them FAIL, and an evaluation."""
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    give_verdicts([folder / "artifacts/model-int8.tflite", folder / "artifacts/model-float32.onnx"])
    give_verdicts([folder / "artifacts/model-int8.onnx"], worse=True)
    _name_images(folder)
    opened = Run.open(folder)
    (folder / "report").mkdir()
    (folder / "report/evaluation-test.json").write_text(to_json(evaluation(opened)))
    return opened


def _name_images(folder: Path) -> None:
    """Let the flips of the failed file be images of the run."""
    path = verdict_path(folder / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    rows = Run.open(folder).catalog.part("test")
    for flip, row in zip(document["artifacts"][0]["flips"], rows, strict=False):
        flip |= {"image_id": row.image_id, "group": row.group}
    path.write_text(to_json(document))


def _documents(run: Run, report: Report) -> list[Any]:
    made_of = [json.loads((run.path / name).read_text()) for name in report.document["made_of"]]
    return [*made_of, json.loads(report.record.read_text())]


def test_every_number_stands_in_the_json(run: Run) -> None:
    report = write_report(run)
    page = Page(report.page.read_text())
    documents = _documents(run, report)
    shown = len(re.findall(r"\d", page.text))
    assert shown > 1000
    assert unfounded(page.text, documents, SAID | _tallies()) == set()
    assert unfounded(report.card.read_text(), documents, SAID) == set()


def test_everything_that_was_found_out_is_shown(full: Run) -> None:
    report = write_report(full)
    page = Page(report.page.read_text()).text
    documents = _documents(full, report)
    assert set(report.document["not_done"]) == {"benchmark"}
    assert unfounded(page, documents, SAID | _tallies() | {"100"}) == set()
    shown = (
        "head loses 12 %",
        "the channels are swapped",
        "Smallest set of layers",
        "not prepared",
        "not run",
        "2 lost",
    )
    assert [text for text in shown if text not in page] == []
    for kind in ("robustness", "rejection", "explanations"):
        (document,) = (one for one in documents if one.get("schema", "").split("/")[1] == kind)
        for model in document["models"]:
            assert page.count(model["name"]) >= 2
    robustness = json.loads((full.path / "report/robustness.json").read_text())
    assert f"{robustness['changes'][1]['models'][0]['auc_change']['value']:.3f}" in page


def _checklists() -> str:
    from importlib.resources import files

    return files("melanoma_edge.report").joinpath("checklists.json").read_text("utf-8")


def _tallies() -> set[str]:
    """Return what checklists count: their own topics."""
    most = max(len(one["items"]) for one in json.loads(_checklists()).values())
    return {str(count) for count in range(most + 1)}


def test_a_number_from_nowhere_is_found(run: Run) -> None:
    report = write_report(run)
    text = Page(report.page.read_text()).text
    documents = _documents(run, report)
    assert unfounded(f"{text} 0.98765", documents, SAID | _tallies()) == {"0.98765"}
    assert unfounded(f"{text} 98.7\N{NO-BREAK SPACE}%", documents, SAID | _tallies())


def test_the_page_needs_no_network_and_is_small(run: Run) -> None:
    html = write_report(run).page.read_text()
    page = Page(html)
    addresses = [found.get(key) or "" for _, found in page.tags for key in ("src", "href")]
    assert all(one.startswith(("#", "data:image/jpeg;base64,")) for one in addresses if one)
    assert not {"script", "link", "iframe"} & {name for name, _ in page.tags}
    assert "http" not in html and "url(" not in html and "@import" not in html
    assert len(html) < 3_000_000


def test_those_who_do_not_see_it_can_use_it(run: Run) -> None:
    page = Page(write_report(run).page.read_text())
    levels = [int(name[1]) for name, _ in page.tags if re.fullmatch(r"h\d", name)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert {"header", "nav", "main", "footer"} <= {name for name, _ in page.tags}
    ids = [found["id"] for _, found in page.tags if "id" in found]
    assert len(ids) == len(set(ids))
    assert all((found["href"] or "")[1:] in ids for found in page.named("a"))
    assert all("scope" in found for found in page.named("th"))
    assert all(found.get("alt") for found in page.named("img"))
    assert all(found.get("aria-label") or found.get("aria-hidden") for found in page.named("svg"))
    assert page.named("html")[0]["lang"] == "en"
    assert len(page.named("caption")) == len(page.named("table"))


def test_the_verdict_names_what_fails_and_lost_lesions_come_first(run: Run) -> None:
    report = write_report(run)
    assert report.document["verdict"] == "FAIL"
    assert "1 FAIL (model-int8.onnx)" in report.document["sentence"]
    text = report.page.read_text()
    assert text.index(report.document["sentence"]) < text.index("<main>")
    lost = report.document["counts"]["lost"]
    assert lost > 0 and text.count('<li class="lost">') == lost
    assert text.rindex('<li class="lost">') < text.index('<li>\n<div class="top">')


def test_stamps_and_what_is_not_done_are_seen(run: Run) -> None:
    report = write_report(run)
    page = Page(report.page.read_text()).text
    assert "Trained on synthetic images" in page
    assert set(report.document["not_done"]) == {
        *("parity-matrix", "layers", "robustness", "rejection", "explanations", "benchmark")
    }
    for command in report.document["not_done"].values():
        assert command in page and command in report.card.read_text()
    assert "not done" in page and "59 melanomas" in page and "(few)" in page


def test_a_run_with_nothing_but_files_has_a_page(trained: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    report = write_report(Run.open(folder))
    assert report.document["verdict"] == "unverified"
    assert "nothing proves" in report.page.read_text()
    shutil.rmtree(folder / "artifacts")
    assert "melanoma-edge export" in write_report(Run.open(folder)).page.read_text()


def test_for_sharing_no_picture_and_no_name_is_left(run: Run, tmp_path: Path) -> None:
    with_pictures = write_report(run)
    assert "data:image" in with_pictures.page.read_text()
    names = {name for row in run.catalog.rows for name in (row.image_id, row.group)}
    assert any(name in with_pictures.page.read_text() for name in names)
    shared = write_report(run, tmp_path / "shared.html", pictures=False)
    for path in (shared.page, shared.card, shared.record):
        text = path.read_text()
        assert "data:image" not in text and "<img" not in text
        assert str(run.path.parent) not in text and str(Path(run.catalog.rows[0].path).parent) not in text
        assert [name for name in names if re.search(rf"(?<!\w){re.escape(name)}(?!\w)", text)] == []
    assert shared.document["counts"] == with_pictures.document["counts"]
    again = write_report(run, tmp_path / "again.html", pictures=False)
    assert again.page.read_text() != shared.page.read_text()  # another salt


def test_two_reports_of_one_run_are_equal(run: Run, tmp_path: Path) -> None:
    first, second = (write_report(run, tmp_path / f"{name}/page.html") for name in "ab")
    assert first.page.read_bytes() == second.page.read_bytes()
    assert first.document == second.document


def test_what_the_user_named_is_not_overwritten(run: Run, tmp_path: Path) -> None:
    out = tmp_path / "page.html"
    write_report(run, out)
    with pytest.raises(UsageError, match="overwrite"):
        write_report(run, out)
    write_report(run, out, force=True)
    write_report(run)
    write_report(run)  # inside the run the newest counts


def test_a_picture_that_was_changed_is_not_shown(run: Run) -> None:
    before = write_report(run).page.read_text().count("<img")
    flip = json.loads(verdict_path(run.path / "artifacts/model-int8.onnx").read_text())["artifacts"][0]["flips"][0]
    (row,) = (row for row in run.catalog.rows if row.image_id == flip["image_id"])
    whole = Path(row.path).read_bytes()
    Path(row.path).write_bytes(whole + b"\0")
    try:
        assert write_report(run).page.read_text().count("<img") == before - 1
    finally:
        Path(row.path).write_bytes(whole)


def test_a_document_of_another_make_is_refused(run: Run) -> None:
    path = run.path / "report/evaluation-test.json"
    whole = json.loads(path.read_text())
    del whole["binary"]
    path.write_text(to_json(whole))
    with pytest.raises(TrustError, match="binary"):
        write_report(run)
    path.write_text("[]")
    with pytest.raises(TrustError, match="kind evaluation"):
        write_report(run)
    path.write_text('{"schema": NaN}')
    with pytest.raises(TrustError, match="not JSON"):
        write_report(run)


def test_names_in_documents_are_text_and_never_markup(run: Run) -> None:
    path = verdict_path(run.path / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    document["artifacts"][0]["flips"][0]["image_id"] = "<script>alert(1)</script>"
    path.write_text(to_json(document))
    html = write_report(run).page.read_text()
    assert "<script" not in html and "&lt;script&gt;" in html
