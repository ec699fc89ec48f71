"""The page of a run: every number has its source, it needs no network, and those who do not see it can use it."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import pytest
from pages import Page, drawn, unfounded
from verdicts import drawn_outputs, give_verdicts

from exporters.bisect import Bisection, Trial
from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.evidence import reporting
from melanoma_edge.evidence.explanations import Explanations
from melanoma_edge.evidence.provenance import walk
from melanoma_edge.evidence.rejection_document import Rejection
from melanoma_edge.evidence.reporting import Report, write_report
from melanoma_edge.evidence.robustness import Robustness
from melanoma_edge.files import sha256_of, to_json
from melanoma_edge.parity.comparison import judge
from melanoma_edge.parity.faults import Diagnosis
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.layers import LayerReport
from melanoma_edge.parity.layers import to_document as layers_document
from melanoma_edge.parity.matrix import Between, Cell, Matrix
from melanoma_edge.parity.matrix_document import matrix_document
from melanoma_edge.parity.outputs import failed_outputs
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.parity.runtimes import Absent
from melanoma_edge.parity.statistics import Statistics, SubgroupChange
from melanoma_edge.parity.verdict import Judgement
from melanoma_edge.report.page import Link, own_name, render
from melanoma_edge.report.words import interval
from melanoma_edge.runtime.artifact import read_record
from melanoma_edge.strictjson import from_plain, to_plain
from melanoma_edge.training.run import Run

SAID = {"90", "95", "0", "0.2", "0.4", "0.6", "0.8", "1", "80", "2022", "2024", "2025"}
"""The levels of intervals, the ticks of axes, the sensitivity of the partial AUC, and the years of guidelines."""


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
    named = {"artifact": str(file), "sha256": sha256_of(file), **parents}
    layers = from_plain(LayerReport, drawn(LayerReport, random) | named)
    made["model-int8.onnx.layers"] = layers_document(layers, drawn(Diagnosis, random))
    trials = (Trial((), False, ("sensitivity_loss",)), Trial(("stem",), True, ()))
    found = Bisection("melanoma-edge/bisect/1", "run", **named, split="test", layers=("stem",), tried=trials)
    made["model-int8.onnx.bisect"] = to_plain(found)
    made["matrix-test"] = matrix(run, file)
    return made


def matrix(run: Run, file: Path) -> dict[str, Any]:
    """Return the matrix of a file that decides well in one runtime, badly in the next, and not at all in the last."""
    random = Random(1)
    record = read_record(file)
    good, bad = (judgement(run, worse) for worse in (False, True))
    none = replace(bad, checks=failed_outputs(TrustError("it died", fix="-")), flips=(), exported_metrics=None)
    parts = (
        from_plain(Statistics, drawn(Statistics, random)),
        (from_plain(SubgroupChange, drawn(SubgroupChange, random)),),
    )
    cells = [Cell(record, "onnxruntime", "1.2.3", good, parts[0], {}, parts[1], 1.37, 0.11, 12)]
    cells += [Cell(record, "litert", "1.2.3", bad, parts[0], {}, (), 1.39, 0.12, 13)]
    cells += [Cell(record, "emulated", "1.2.3", none, None, {}, (), 1.41, 0.13, 14)]
    return matrix_document(
        Matrix(
            run=run,
            folds=(),
            reference=run.contract.provenance.reference_sha256,
            split="test",
            images=880,
            groups=880,
            melanomas=80,
            limits=Limits(),
            resamples=50,
            seed=0,
            float_metrics=good.float_metrics,
            runtimes=tuple({"name": name} for name in ("onnxruntime", "litert", "emulated", "none")),
            absent=(Absent("none", "not prepared"),),
            cells=tuple(cells),
            between=(from_plain(Between, drawn(Between, random)),),
        )
    )


def judgement(run: Run, worse: bool) -> Judgement:
    """Judge drawn outputs against themselves, or against others."""
    outputs, labels = drawn_outputs(run.contract, 80)
    names = [f"image_{place:04}" for place in range(len(labels))]
    exported = np.roll(outputs, 7, axis=0) if worse else outputs
    return judge(outputs, exported, names, names, labels, run.contract, Limits(), 0, 50)


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
        "Smallest set of layers",
        "the last that did not pass missed sensitivity_loss",
        "not prepared",
        "not run",
        *(documents_of(documents, "layers")["sentence"], documents_of(documents, "layers")["diagnosis"]["sentence"]),
    )
    assert [text for text in shown if text not in page] == []
    for kind in ("robustness", "rejection", "explanations"):
        for model in documents_of(documents, kind)["models"]:
            assert page.count(model["name"]) >= 2
    robustness = json.loads((full.path / "report/robustness.json").read_text())
    assert f"{robustness['changes'][1]['models'][0]['auc_change']['value']:.3f}" in page


def documents_of(documents: list[Any], kind: str) -> Any:
    (document,) = (one for one in documents if one.get("schema", "").split("/")[1] == kind)
    return document


def test_intervals_at_another_level_than_the_others_say_so(full: Run) -> None:
    text = Page(write_report(full).page.read_text()).text
    title = text[text.index("lesions lost and gained, with one-sided") :][:160]
    assert "a 90 % interval" in title and "95 % intervals" in title
    assert "Images are counted, not lesions" in text


def test_a_bisection_without_layers_is_shown(full: Run) -> None:
    (full.path / "report/model-int8.onnx.layers.json").unlink()
    page = Page(write_report(full).page.read_text()).text
    assert "Smallest set of layers" in page and "--layers" in page


def test_the_worst_runtime_makes_the_verdict_and_its_lesions_are_listed(run: Run) -> None:
    """A file that passes where it was tested first loses melanomas in another runtime."""
    for path in (run.path / "artifacts").glob("*.onnx*"):
        path.unlink()
    file = run.path / "artifacts/model-int8.tflite"
    give_verdicts([file, run.path / "artifacts/model-float32.tflite"])
    assert write_report(run).document["verdict"] == "PASS"
    document = matrix(run, file)
    document["cells"] = document["cells"][:2]
    (run.path / "report/matrix-test.json").write_text(to_json(document))
    report = write_report(run)
    lost = sum(flip["melanoma_lost"] for flip in document["cells"][1]["flips"])
    assert lost > 1 and report.document["verdict"] == "FAIL"
    assert report.document["counts"]["most_lost"] == report.document["counts"]["lost"] == lost
    assert (
        f"1 FAIL (model-int8.tflite in litert); at most {lost} melanoma lost (model-int8.tflite in litert)"
        in (report.document["sentence"])
    )
    page, card = report.page.read_text(), report.card.read_text()
    assert page.count('<li class="lost">') == lost and "model-int8.tflite in litert:" in page
    assert card.index("in one of the runtimes") < card.index("## Identity")


def test_nothing_is_said_to_be_lost_or_kept_where_nothing_was_compared(run: Run) -> None:
    path = verdict_path(run.path / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    broken = to_plain(failed_outputs(TrustError("it died", fix="-")))
    document["artifacts"][0] |= {"checks": broken, "flips": [], "exported": None}
    path.write_text(to_json(document))
    report = write_report(run)
    assert report.document["counts"]["most_lost"] is None and report.document["verdict"] == "FAIL"
    assert "no melanoma lost where it could be counted, not counted for" in report.document["sentence"]
    assert "none loses" not in report.page.read_text()
    kept = {path.name, "model-int8.onnx", "model-int8.onnx.json"}
    for other in (run.path / "artifacts").iterdir():
        if other.name not in kept:
            other.unlink()
    assert write_report(run).document["sentence"].endswith(": melanoma lost could not be counted.")


def test_the_card_is_text_and_no_markup(run: Run) -> None:
    path = verdict_path(run.path / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    document["artifacts"][0]["checks"][0]["why"] = "<script>x</script> | [a](b)\n# `c`"
    path.write_text(to_json(document))
    card = write_report(run).card.read_text()
    assert "<script" not in card and "\n# `c" not in card
    assert r"| &lt;script>x&lt;/script> \| \[a\](b) # \`c\` |" in card


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
    sensitivity = interval(run.record.metrics["test"]["sensitivity"])
    assert text.index("How good the model itself is") < text.index(f"sensitivity {sensitivity}") < text.index("<main>")
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


def test_rounded_weights_are_not_called_the_float_model(full: Run) -> None:
    assert own_name({"method": "quantize"}) == "rounded weights in float"
    text = write_report(full).page.read_text()
    assert '<th scope="row">float model</th>' in text and "rounded weights" not in text
    robustness = json.loads((full.path / "report/robustness.json").read_text())
    assert all(f"float model, {one['name']}" in text for one in robustness["models"] if one["artifact"] is None)


def test_the_float_model_stands_beside_rounded_weights(run: Run) -> None:
    """Of a run made by ``quantize``: what files were judged against is not the run's own weights."""
    documents, chain = walk(run)
    rounded = replace(documents.run, content={**documents.run.content, "method": "quantize"})
    material = reporting._material(run, replace(documents, run=rounded), chain, shared=False)
    html = render(material, lambda _: "")
    judged = json.loads(verdict_path(run.path / "artifacts/model-int8.tflite").read_text())["artifacts"][0]["float"]
    row = html[html.index("float model that files are judged against") :].partition("</tr>")[0]
    assert "rounded weights in float" in html and f"{judged['sensitivity']['value']:.3f}" in row
    assert "files are judged against" not in write_report(run).page.read_text()


def test_a_run_with_nothing_but_files_has_a_page(trained: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    report = write_report(Run.open(folder))
    assert report.document["verdict"] == "unverified"
    assert "nothing proves" in report.page.read_text()
    shutil.rmtree(folder / "artifacts")
    assert "melanoma-edge export" in write_report(Run.open(folder)).page.read_text()


def test_for_sharing_no_picture_and_no_name_is_left(full: Run, tmp_path: Path) -> None:
    run = full
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


def test_for_sharing_no_word_of_a_user_is_left(full: Run, tmp_path: Path) -> None:
    """Whatever stands in a text that users, or names of theirs, can get into: nothing of it is on the page."""
    odd = "Jane O'Brien 12"
    for path in (*full.path.glob("report/*.json"), *full.path.glob("artifacts/*.parity.json")):
        document = json.loads(path.read_text())
        _spoil(document, odd)
        path.write_text(to_json(document))
    file = full.path / "artifacts/model-int8.tflite"
    for path in full.path.glob("artifacts/model-int8.tflite*"):
        path.rename(path.with_name(path.name.replace(file.name, f"{odd}.tflite")))
    read = Run.open(full.path)
    record = replace(read.record, configuration=replace(read.record.configuration, data=(odd,)))
    read = replace(read, record=record, contract=replace(read.contract, name=odd))
    documents, chain = walk(full)
    left_out = {**documents.run.content, "images_left_out": [f"/data/clinic A/{odd}.png: broken"]}
    left_out["configuration"] |= {"data": [odd], "init": odd}
    noted = {**documents.catalog.content, "notes": [f"unreadable: ../{odd}", "5 images"]}
    documents = replace(
        documents,
        run=replace(documents.run, content=left_out),
        catalog=replace(documents.catalog, content=noted),
    )
    chain = (*chain, Link("weights", f"weights of {odd}", "0" * 64))
    material = reporting._material(read, documents, chain, shared=True)
    texts = (
        render(material, lambda _: ""),
        reporting._card(material),
        to_json(reporting._document(material, {}, False)),
    )
    for text in texts:
        found = [re.findall(rf".{{0,40}}{word}.{{0,40}}", text) for word in ("Jane", "Brien", "clinic A")]
        assert found == [[], [], []]
    assert "1 images that cannot be decoded" in texts[0] and "2 notes" in texts[0]
    told = render(reporting._material(read, documents, chain, shared=False), lambda _: "")
    assert min(told.count(word) for word in ("Jane", "Brien", "clinic A")) > 0


def _spoil(value: Any, odd: str) -> None:
    """Put a name into everything of a document that users have a word in."""
    for item in value if isinstance(value, list) else value.values() if isinstance(value, dict) else ():
        _spoil(item, odd)
    if isinstance(value, dict):
        value |= {
            key: odd
            for key in ("run", "why", "image_id", "group", "picture", "value")
            if isinstance(value.get(key), str)
        }
        value |= {key: [odd] for key in ("notes",) if key in value}
        for key in ("others", "models", "answers"):
            for one in value.get(key) or () if isinstance(value.get(key), list) else ():
                one["name"] = odd


def test_the_page_of_a_user_ends_with_html(run: Run, tmp_path: Path) -> None:
    for name in ("page.md", "page.json", "page"):
        with pytest.raises(UsageError, match="page is HTML"):
            write_report(run, tmp_path / name)
    assert list(tmp_path.glob("page*")) == []
    assert write_report(run, tmp_path / "page.HTM").page.read_text().startswith("<!doctype html>")


@pytest.mark.parametrize(
    ("name", "spoil"),
    [
        ("model-int8.onnx.parity.json", lambda one: one["artifacts"][0].pop("flips")),
        ("model-int8.onnx.parity.json", lambda one: one["artifacts"][0].update(flips="none")),
        ("model-int8.onnx.parity.json", lambda one: one["artifacts"][0]["exported"].pop("sensitivity")),
        ("model-int8.onnx.json", lambda one: one.pop("precision")),
        ("model-int8.onnx.json", lambda one: one.update(bytes="few")),
    ],
)
@pytest.mark.parametrize("pictures", [True, False])
def test_a_damaged_document_is_refused_and_never_a_traceback(run: Run, name: str, spoil: Any, pictures: bool) -> None:
    path = run.path / "artifacts" / name
    document = json.loads(path.read_text())
    spoil(document)
    path.write_text(to_json(document))
    with pytest.raises(TrustError):
        write_report(run, pictures=pictures)


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
