"""The page of a run: every number has its source, it needs no network, and those who do not see it can use it."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import pairwise
from typing import Any

from found_out import matrix
from pages import Page, unfounded
from verdicts import give_verdicts

from melanoma_edge.errors import TrustError
from melanoma_edge.evidence import reporting
from melanoma_edge.evidence.provenance import walk
from melanoma_edge.evidence.reporting import Report, write_report
from melanoma_edge.files import to_json
from melanoma_edge.parity.outputs import failed_outputs
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.report.card import model_card
from melanoma_edge.report.page import own_name, render
from melanoma_edge.report.summary import sections
from melanoma_edge.report.words import digits, interval
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.run import Run

SAID = {"90", "95", "0", "0.2", "0.4", "0.6", "0.8", "1", "80", "2022", "2024", "2025"}
"""The levels of intervals, the ticks of axes, the sensitivity of the partial AUC, and the years of guidelines."""


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
    assert set(report.document["not_done"]) == {"benchmark", "parity-matrix"}, "the matrix ran one of the files"
    assert unfounded(page, documents, SAID | _tallies() | {"100"}) == set()
    shown = (
        "Smallest set of layers",
        "the last that did not pass missed sensitivity_loss",
        "not prepared",
        "cannot run it",
        *(documents_of(documents, "layers")["sentence"], documents_of(documents, "layers")["diagnosis"]["sentence"]),
    )
    assert [text for text in shown if text not in page] == []
    for kind in ("robustness", "rejection", "explanations"):
        for model in documents_of(documents, kind)["models"]:
            assert page.count(model["name"]) >= 2
    robustness = json.loads((full.path / "report/robustness.json").read_text())
    changed = robustness["changes"][1]["models"][0]
    assert f"{changed['auc_change']['value']:+.3f}" in page
    loss = changed["sensitivity_loss"]
    assert f"{-loss['value']:+.3f} {-loss['high']:+.3f} to {-loss['low']:+.3f}" in " ".join(page.split()), "one sign"


def documents_of(documents: list[Any], kind: str) -> Any:
    (document,) = (one for one in documents if one.get("schema", "").split("/")[1] == kind)
    return document


def test_intervals_at_another_level_than_the_others_say_so(full: Run) -> None:
    text = Page(write_report(full).page.read_text()).text
    title = text[text.index("lesions lost and gained, with one-sided") :][:160]
    assert "a 90 % interval" in title and "95 % intervals" in title
    assert "Images are counted, not lesions" in text


def test_the_lesions_that_hold_the_threshold_down_are_shown_where_a_run_names_them(run: Run) -> None:
    lowest = run.record.lowest_targets[0]
    page = write_report(run).page.read_text()
    row = page[page.index("of lowest score on validation") :]
    assert row.index(lowest.image_id) < row.index(f"{lowest.score:.4f}") < row.index("</tr>", row.index("<tbody>"))
    record = json.loads((run.path / "run.json").read_text())
    del record["lowest_targets"]
    (run.path / "run.json").write_text(to_json(record))
    assert "of lowest score" not in write_report(Run.open(run.path)).page.read_text(), "a run of an earlier version"


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
        "1 of 2 files run in 2 runtimes, 2 pairs: 1 PASS, 1 FAIL (model-int8.tflite in litert-plain); "
        f"not run there: model-float32.tflite; at most {lost} melanoma lost (model-int8.tflite in litert-plain)"
        in (report.document["sentence"])
    )
    page, card = report.page.read_text(), report.card.read_text()
    assert page.count('<li class="lost">') == lost and "model-int8.tflite in litert-plain:" in page
    assert card.index("in one of the runtimes") < card.index("## Identity")


def test_files_that_no_runtime_of_the_matrix_ran_are_not_done(run: Run) -> None:
    document = matrix(run, run.path / "artifacts/model-int8.onnx")
    (run.path / "report/matrix-test.json").write_text(to_json(document))
    documents, _ = walk(run)
    left = [one.name for one in documents.artifacts if one.name != "model-int8.onnx"]
    report = write_report(run)
    text = " ".join(Page(report.page.read_text()).text.split())
    assert left and f"over 1 of {len(left) + 1} files in 3 runtimes" in text
    assert f"every runtime of {', '.join(left)}" in text and f"in other runtimes: {', '.join(left)}" in text
    command = f"melanoma-edge parity {run.path} --runtimes all"
    assert report.document["not_done"]["parity-matrix"] == command and command in text
    document["cells"] += [{**document["cells"][0], "path": f"artifacts/{name}"} for name in left]
    whole = replace(documents, matrices={"test": replace(documents.matrices["test"], content=document)})
    assert sections(whole, "RUN")["parity-matrix"] == "", "once every file was run nothing is left to do"


def test_what_is_not_done_can_be_pasted(run: Run) -> None:
    left = write_report(run).document["not_done"]
    assert "ARTIFACT" not in " ".join(left.values()) and "--force" not in " ".join(left.values())
    assert left["layers"] == f"melanoma-edge parity {run.path} model-int8.onnx --layers"
    assert f"{run.path}/artifacts/model-int8.onnx " in left["benchmark"], "every format"


def test_scores_near_the_threshold_are_told_from_it(run: Run) -> None:
    documents, chain = walk(run)
    material = reporting._material(run, documents, chain, shared=False)
    (bad,) = [one for one in material.models if one.name == "model-int8.onnx"]
    judged = json.loads(verdict_path(run.path / "artifacts/model-int8.onnx").read_text())
    threshold = run.contract.threshold
    near, below = threshold + 2e-7, threshold - 2e-7
    flip = next(one for one in judged["artifacts"][0]["flips"] if one["melanoma_lost"])
    flip |= {"float_score": near, "exported_score": below}
    places = digits(threshold, (near, below))
    assert f"{below:.{places}f}" < f"{threshold:.{places}f}" < f"{near:.{places}f}"
    text = render(replace(material, models=[replace(bad, parity=judged)]), lambda _: "")
    assert f"{below:.{places}f}, <em>no longer referred" in text and f"threshold {threshold:.{places}f}" in text
    assert digits(0.5, (0.1, 0.5, None)) == 4


def test_the_card_says_whose_numbers_are_the_evidence(run: Run) -> None:
    material = reporting._material(run, *walk(run), shared=False)
    judged = {one.name: one.parity["artifacts"][0] for one in material.models if one.parity}
    evidence = model_card(run.contract, material.models).partition("## Evidence")[2].partition("## ")[0]
    assert "The float model that the files are judged against, on" in evidence
    assert interval(judged["model-int8.tflite"]["float"]["melanoma_auc"]) in evidence
    (bad,) = [one for one in material.models if one.name == "model-int8.onnx"]
    evidence = model_card(run.contract, [bad]).partition("## Evidence")[2].partition("## ")[0]
    assert "`model-int8.onnx`, on" in evidence
    assert interval(judged[bad.name]["exported"]["melanoma_auc"]) in evidence


def test_each_interval_of_the_auc_names_its_method(run: Run) -> None:
    text = " ".join(Page(write_report(run).page.read_text()).text.split())
    assert "by bootstrap over lesions" in text and "by DeLong on the logit" in text


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
