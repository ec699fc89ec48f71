"""The commands that put runs side by side and together: report, runs, inspect --verify."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from verdicts import catalog_of_drawn, give_verdicts

from melanoma_edge.contract import read_contract


@pytest.fixture
def copy(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = Path(shutil.copytree(trained.run, tmp_path / "runs/one"))
    give_verdicts([folder / "artifacts/model-int8.tflite"])
    catalog_of_drawn(monkeypatch, read_contract(folder / "contract.json"))
    return folder


def test_report_says_where_it_is_and_what_is_not_done(run: Any, copy: Path, tmp_path: Path) -> None:
    answer = run("report", copy)
    assert answer.code == 0, answer.err
    assert (copy / "report/index.html").is_file() and (copy / "report/MODEL_CARD.md").is_file()
    assert "Not done: robustness" in answer.err and "model card" in answer.out
    shared = run("report", copy, "--no-images", "--out", tmp_path / "page.html", "--json", "--quiet")
    assert (shared.code, shared.err) == (0, "")
    assert shared.document["schema"] == "melanoma-edge/report/1"
    assert (tmp_path / "page.md").is_file() and (tmp_path / "page.json").is_file()
    assert run("report", copy, "--out", tmp_path / "page.html").code == 2
    assert run("report", tmp_path).code == 7


def test_runs_lists_and_names_broken_ones(run: Any, copy: Path, tmp_path: Path) -> None:
    broken = Path(shutil.copytree(copy, tmp_path / "runs/two"))
    (broken / "contract.json").write_text("{}")
    answer = run("runs", tmp_path / "runs")
    assert answer.code == 0
    assert "1 PASS" in answer.out and "broken" in answer.out and "synthetic images" in answer.out
    assert "Broken: " in answer.err and "contract.json" in answer.err
    document = run("runs", tmp_path / "runs", "--json").document
    assert document["schema"] == "melanoma-edge/runs/1"
    assert [bool(one["error"]) for one in document["runs"]] == [False, True]
    assert run("runs", tmp_path / "nowhere").code == 7


def test_runs_compare_judges(run: Any, copy: Path) -> None:
    file = copy / "artifacts/model-float32.tflite"
    answer = run("runs", "compare", copy, file, "--json", "--quiet")
    document = answer.document
    assert document["schema"] == "melanoma-edge/comparison/1"
    assert answer.code == {"PASS": 0, "FAIL": 5, "INCONCLUSIVE": 6}[document["verdict"]]
    assert document["flips"] == [] and document["after"]["sha256"]
    table = run("runs", "compare", copy, file, "--limit", "sensitivity_loss=0.9", "--limit", "decision_agreement=0.5")
    assert "each at its own threshold" in table.out.lower() and "0.9" in table.out


@pytest.mark.parametrize(
    "arguments",
    [("compare",), ("compare", "a"), ("a", "b"), ("--split", "test"), ("a", "--limit", "x=1"), ("a", "--seed", "0")],
)
def test_runs_with_what_means_nothing(run: Any, arguments: tuple[str, ...]) -> None:
    assert run("runs", *arguments).code == 2


def test_inspect_verify_walks_the_chain(run: Any, copy: Path) -> None:
    run("report", copy)
    answer = run("inspect", copy, "--verify")
    assert answer.code == 0
    assert "Chain" in answer.out and "links fits" in answer.err
    for path in (copy, copy / "artifacts/model-int8.tflite"):
        chain = run("inspect", path, "--verify", "--json").document["chain"]
        assert {"name", "parent", "sha256"} == set(chain[0])
        assert chain[-1]["name"] == "report/report.json"
    record = copy / "artifacts/model-int8.tflite.parity.json"
    record.write_text(json.dumps(json.loads(record.read_text()) | {"reference": "0" * 64}))
    broken = run("inspect", copy, "--verify")
    assert broken.code == 7 and "breaks between" in broken.err and "parity.json" in broken.err
    assert run("inspect", copy).code == 0
    assert run("report", copy).code == 7
