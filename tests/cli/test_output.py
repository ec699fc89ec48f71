"""What commands print: one JSON document or a table on stdout, everything else on stderr, and nothing when quiet."""

from __future__ import annotations

import json
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

NUMBERS = re.compile(r"^-?\d+(\.\d+)?(e-?\d+)?$", re.IGNORECASE)


def _strings(document: Any) -> list[str]:
    if isinstance(document, dict):
        return [text for value in document.values() for text in _strings(value)]
    if isinstance(document, list):
        return [text for value in document for text in _strings(value)]
    return [document] if isinstance(document, str) else []


def _check(document: Any, kind: str) -> None:
    assert next(iter(document)) == "schema"
    assert document["schema"] == f"melanoma-edge/{kind}/1"


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run"))


def test_inspect_of_a_run(run: Any, trained: Any) -> None:
    answer = run("inspect", trained.run, "--json")
    assert (answer.code, answer.err) == (0, "")
    _check(answer.document, "inspection")
    assert answer.document["kind"] == "run"
    assert answer.document["contract"]["input_size"] == 64
    assert isinstance(answer.document["record"]["metrics"]["test"]["accuracy"]["value"], float)


@pytest.mark.parametrize("name", ["model-int8.tflite", "model-float32.onnx"])
def test_inspect_of_an_artifact(run: Any, trained: Any, name: str) -> None:
    answer = run("inspect", trained.artifact(name), "--json")
    assert (answer.code, answer.err) == (0, "")
    _check(answer.document, "inspection")
    found = answer.document
    assert (found["kind"], found["parity"]) == ("artifact", "unverified")
    assert found["bytes"] == trained.artifact(name).stat().st_size
    assert found["input_levels"] == 256
    assert sum(row["count"] for row in found["census"]) > 20


def test_doctor(run: Any) -> None:
    answer = run("doctor", "--json", "--quiet")
    _check(answer.document, "doctor")
    assert (answer.code == 0) is answer.document["ok"]
    fixes = {finding["what"]: finding["fix"] for finding in answer.document["findings"]}
    assert {"python", "free disk", "tensorflow"} <= set(fixes)
    assert fixes["emulated cortex-a76"] == ""  # nothing needs it


def test_predict_gives_one_object_per_line(run: Any, trained: Any, tmp_path: Path) -> None:
    good, bad = trained.photo(), tmp_path / "bad.jpg"
    bad.write_text("no image")
    answer = run("predict", trained.artifact("model-int8.tflite"), good, bad, good, "nowhere.jpg", "--json")
    first, second, third, missing = (json.loads(line) for line in answer.out.splitlines())
    assert (missing["image"], "does not exist" in missing["error"]) == ("nowhere.jpg", True)
    assert answer.code == 3
    for line in (first, second, third):
        _check(line, "prediction")
    assert first == third
    assert set(second) == {"schema", "image", "artifact", "error"}
    assert (second["image"], second["artifact"]) == (str(bad), str(trained.artifact("model-int8.tflite")))
    assert set(first) == {
        *("schema", "image", "artifact", "probabilities", "target_score", "melanoma_score", "malignant_score"),
        *("threshold", "decision", "quality", "warnings"),
    }
    assert sum(first["probabilities"].values()) == pytest.approx(1, abs=1e-5)
    assert first["quality"]["short_side"] == 48  # the model's input has 64, but so small were all it learned from
    assert first["decision"] in {"refer", "no-sign", "not-assessable"}


def test_predict_answers_alike_from_every_file(run: Any, trained: Any) -> None:
    models = [trained.run, trained.artifact("model-float32.tflite"), trained.artifact("model-float32.onnx")]
    keras, tflite, onnx = (run("predict", model, trained.photo(), "--json").document for model in models)
    assert tflite["probabilities"] == pytest.approx(keras["probabilities"], abs=1e-5)
    assert onnx["probabilities"] == pytest.approx(keras["probabilities"], abs=1e-5)


def test_parity(run: Any, copy: Path) -> None:
    answer = run("parity", copy, copy / "artifacts/model-float32.tflite", "--json", "--quiet")
    assert answer.err == ""
    found = answer.document
    _check(found, "parity")
    assert answer.code == {"PASS": 0, "FAIL": 5, "INCONCLUSIVE": 6}[found["verdict"]]
    (judged,) = found["artifacts"]
    assert {check["status"] for check in judged["checks"]} <= {"PASS", "FAIL", "INCONCLUSIVE"}
    assert not [
        text for check in judged["checks"] for text in (check["value"], check["limit"]) if isinstance(text, str)
    ]
    assert judged["float"]["accuracy"] == judged["exported"]["accuracy"]
    assert judged["flips"] == []
    recorded = json.loads((copy / "artifacts/model-float32.tflite.parity.json").read_text())
    assert recorded["artifacts"] == found["artifacts"]
    again = run("inspect", copy / "artifacts/model-float32.tflite", "--json")
    assert again.document["parity"] == judged["verdict"]


def test_parity_for_people_is_a_table_and_quiet_leaves_only_that(run: Any, copy: Path) -> None:
    answer = run("parity", copy, copy / "artifacts/model-int8.onnx", "--quiet")
    assert answer.code in (0, 5, 6)
    assert answer.err == ""
    assert "model-int8.onnx" in answer.out and "Status." not in answer.out


def test_export_without_parity(run: Any, copy: Path) -> None:
    options = ("--format", "tflite", "--precision", "float16", "--no-parity")
    answer = run("export", copy, *options, "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    _check(answer.document, "exported")
    (made,) = answer.document["artifacts"]
    assert Path(made["path"]).stat().st_size == made["bytes"]
    assert made["verdict"] == "unverified"


@pytest.mark.parametrize(
    "command",
    [
        "train --preset tiny --data {data} --out {new}",
        "prune {run} --sparsity 0.5 --out {new}",
        "export {run} --format onnx --precision float16",
        "parity {run}",
        "quickstart --out {new}",
    ],
)
def test_a_dry_run_prints_the_plan_and_writes_nothing(run: Any, trained: Any, tmp_path: Path, command: str) -> None:
    names = {"data": trained.data, "run": trained.run, "new": tmp_path / "new"}
    arguments = [part.format(**names) for part in command.split()]
    if command.startswith("export"):
        arguments[-1] = "float32"
        arguments.append("--force")
    before = sorted(trained.run.rglob("*"))
    answer = run(*arguments, "--dry-run", "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    _check(answer.document, "plan")
    for_people = run(*arguments, "--dry-run")
    assert (for_people.code, "Plan: nothing was written" in for_people.out) == (0, True)
    assert not (tmp_path / "new").exists()
    assert sorted(trained.run.rglob("*")) == before


@pytest.mark.parametrize(
    "command",
    [
        "train --preset tiny --data {data} --out {run}",
        "train --preset tiny --data {data} --out {run} --resume",
        "prune {run} --sparsity 0.5 --out {data}",
        "thin {run} --keep 0.6 --out {data}",
        "quickstart --out {data}",
        "quickstart --out {data} --force",
    ],
)
def test_a_dry_run_refuses_what_would_be_refused(run: Any, trained: Any, command: str) -> None:
    arguments = [part.format(data=trained.data, run=trained.run) for part in command.split()]
    dry, wet = run(*arguments, "--dry-run"), run(*arguments)
    assert (dry.code, dry.out) == (2, "")
    assert dry.err.splitlines()[-2:] == wet.err.splitlines()[-2:]


def test_a_dry_run_of_the_synthetic_set_draws_nothing(
    run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MELANOMA_EDGE_CACHE", str(tmp_path / "cache"))
    answer = run("train", "--out", tmp_path / "out", "--dry-run", "--json", "--quiet")
    assert (answer.code, list(tmp_path.iterdir())) == (0, [])
    assert sum(answer.document["images"].values()) == sum(answer.document["classes"].values()) > 2400


def test_inspect_shows_the_sparsity_of_each_layer(run: Any, copy: Path) -> None:
    layers = {"block_0_project/kernel": {"weights": 1000, "zeros": 500, "share": 0.5, "two_of_four": 0.6}}
    record = json.loads((copy / "run.json").read_text())
    record["compression"] = {
        **{"reached": 0.5, "pruned_weights": 1000, "all_weights": 2000, "layers": layers},
        **{"pattern": "unstructured", "meaning": "no time", "dense": {"stem/kernel": "3x3", "head/kernel": "head"}},
        "deflated_bytes": {"before": 4000, "after": 3000},
        "int8_deflated_bytes": {"before": None, "after": 900},
    }
    (copy / "run.json").write_text(json.dumps(record))
    answer = run("inspect", copy)
    assert answer.code == 0
    assert re.search(r"block_0_project +│ +1,000 │ +500 │ +50\.0% │ +60\.0%", answer.out)
    assert re.search(r"float32 │ +4,000 │ +3,000 │ +-25%", answer.out)
    assert re.search(r"int8 +│ +│ +900 │ +│", answer.out)
    assert re.search(r"3x3 +│ +1", answer.out)
    assert "pattern unstructured. no time" in answer.err
    record["compression"] = {"kind": "weights on the int8 grid", "weights_against_float": {"class_agreement": 0.97}}
    (copy / "run.json").write_text(json.dumps(record))
    assert "97.0% of classes" in run("inspect", copy).err
    record["compression"] = {"reached": "half", "layers": {"a": 1}}
    (copy / "run.json").write_text(json.dumps(record))
    answer = run("inspect", copy)
    assert (answer.code, "run.json is damaged: compression" in answer.err) == (7, True)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("predict {int8} {photo}", 0),
        ("predict {int8} {photo} {missing}", 3),
        ("inspect {run}", 0),
        ("inspect {int8}", 0),
    ],
)
def test_quiet_says_nothing_but_the_result_with_its_warnings_and_errors(
    run: Any, trained: Any, command: str, code: int
) -> None:
    names = {"int8": trained.artifact("model-int8.tflite"), "photo": trained.photo(), "run": trained.run}
    answer = run(*(part.format(**names, missing="nowhere.jpg") for part in command.split()), "--quiet")
    assert answer.code == code
    told = [line for line in answer.err.splitlines() if not line.startswith("Warning: ")]
    assert answer.out != "" and (told == []) is (code == 0)
    assert ("Warning: " in answer.err) is command.startswith("predict"), "a warning belongs to its answer"


def test_people_are_warned_of_synthetic_training_on_stderr(run: Any, trained: Any) -> None:
    answer = run("predict", trained.artifact("model-int8.tflite"), trained.photo())
    assert "Warning: the model was trained on synthetic images" in answer.err
    assert "Warning" not in answer.out and "Decisions" in answer.out


@pytest.mark.parametrize("command", ["inspect {run}", "inspect {int8}", "doctor"])
def test_numbers_are_numbers(run: Any, trained: Any, command: str) -> None:
    names = {"int8": trained.artifact("model-int8.tflite"), "run": trained.run}
    document = run(*(part.format(**names) for part in command.split()), "--json").document
    assert [text for text in _strings(document) if NUMBERS.match(text)] == []


def test_a_leaky_run_is_shown_as_one(trained: Any, capsys: pytest.CaptureFixture[str]) -> None:
    from melanoma_edge.cli.results import describe_run
    from melanoma_edge.training.run import Run

    run = Run.open(trained.run)
    describe_run(run, as_json=False)
    shown = capsys.readouterr().out
    assert "LEAKY" not in shown
    assert "Melanoma lesions of lowest score on validation" in shown
    assert f"{run.record.lowest_targets[0].score:.4f}" in shown
    provenance = replace(run.contract.provenance, leaky=True)
    describe_run(replace(run, contract=replace(run.contract, provenance=provenance)), as_json=False)
    said = capsys.readouterr()
    assert "(LEAKY split, synthetic images): value" in said.out
    assert "a leaky split certifies nothing" in said.err
