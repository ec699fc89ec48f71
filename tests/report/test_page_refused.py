"""What a page is not made of, nor written over: documents of another make, changed pictures, files of the user."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.evidence.judged_on import JudgedOn
from melanoma_edge.evidence.reporting import write_report
from melanoma_edge.files import to_json
from melanoma_edge.parity.record import verdict_path
from melanoma_edge.training.run import Run


def test_the_card_is_text_and_no_markup(run: Run) -> None:
    path = verdict_path(run.path / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    document["artifacts"][0]["checks"][0]["why"] = "<script>x</script> | [a](b)\n# `c`"
    path.write_text(to_json(document))
    card = write_report(run).card.read_text()
    assert "<script" not in card and "\n# `c" not in card
    assert r"| &lt;script>x&lt;/script> \| \[a\](b) # \`c\` |" in card


def test_a_run_with_nothing_but_files_has_a_page(trained: Any, tmp_path: Path) -> None:
    folder = Path(shutil.copytree(trained.run, tmp_path / "run"))
    report = write_report(Run.open(folder))
    assert report.document["verdict"] == "unverified"
    assert "nothing proves" in report.page.read_text()
    shutil.rmtree(folder / "artifacts")
    assert "melanoma-edge export" in write_report(Run.open(folder)).page.read_text()


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


def test_names_in_documents_are_text_and_never_markup(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JudgedOn, "knows", lambda *_: True)  # as if the catalog had the name
    path = verdict_path(run.path / "artifacts/model-int8.onnx")
    document = json.loads(path.read_text())
    document["artifacts"][0]["flips"][0]["image_id"] = "<script>alert(1)</script>"
    path.write_text(to_json(document))
    html = write_report(run).page.read_text()
    assert "<script" not in html and "&lt;script&gt;" in html
