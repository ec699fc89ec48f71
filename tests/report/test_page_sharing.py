"""The page for sharing: no picture, no name, and no word that a user had a say in."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.evidence import reporting
from melanoma_edge.evidence.judged_on import JudgedOn
from melanoma_edge.evidence.provenance import walk
from melanoma_edge.evidence.reporting import write_report
from melanoma_edge.files import to_json
from melanoma_edge.report.page import Link, render
from melanoma_edge.training.run import Run


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


def test_for_sharing_no_word_of_a_user_is_left(full: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever stands in a text that users, or names of theirs, can get into: nothing of it is on the page."""
    monkeypatch.setattr(JudgedOn, "knows", lambda *_: True)  # no catalog has the odd names
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
