"""``benchmark`` and ``inspect --layers``: what they print, and what becomes of a file that cannot run."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path
from typing import Any

import pytest
from scenes import contradicting

QUICK = ("--repeats", "4", "--starts", "1")


def test_benchmark_prints_one_document(run: Any, trained: Any) -> None:
    paths = [str(trained.artifact(name)) for name in ("model-float32.tflite", "model-int8.onnx")]
    answer = run("benchmark", *paths, *QUICK, "--json", "--quiet")
    assert (answer.code, answer.err) == (0, "")
    found = answer.document
    assert next(iter(found.items())) == ("schema", "melanoma-edge/benchmark/1")
    assert [one["path"] for one in found["files"]] == paths
    assert found["files"][0]["macs"] == found["files"][1]["macs"] > 10_000
    assert all(0 <= one["zero_share"] < 1 and 0 < one["deflated_bytes"] < one["bytes"] for one in found["files"])
    runtimes = [(row["path"], row["runtime"]) for row in found["rows"]]
    assert runtimes == [(paths[0], "litert"), (paths[1], "onnxruntime"), (paths[1], "onnxruntime-untuned")]
    assert found["rows"][0]["ratio"] == {"value": 1, "low": 1, "high": 1}
    assert all(row["inferences"] == 4 and row["p50_ms"] > 0 for row in found["rows"])


def test_a_document_is_kept_whole_or_not_at_all(
    run: Any, trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A measurement of a minute must not end in an empty file, nor over one that nobody meant to lose."""
    path, out = trained.artifact("model-int8.tflite"), tmp_path / "report" / "benchmark.json"
    answer = run("benchmark", path, *QUICK, "--out", out, "--json")
    assert answer.code == 0 and f"Written: {out}" in answer.err
    kept = out.read_text()
    assert json.loads(kept) == answer.document
    again = run("benchmark", path, *QUICK, "--out", out)
    assert (again.code, "refusing to overwrite" in again.err) == (2, True)
    missing = run("benchmark", tmp_path / "no.tflite", "--out", out, "--force")
    assert (missing.code, out.read_text()) == (7, kept)
    assert run("benchmark", path, *QUICK, "--out", out, "--force", "--quiet").code == 0
    assert out.read_text() != kept and sorted(tmp_path.rglob("*")) == [out.parent, out]
    assert run("benchmark", path, "--force").code == 2


def test_benchmark_for_people_is_two_tables_and_a_word_of_caution(run: Any, trained: Any) -> None:
    path = trained.artifact("model-int8.tflite")
    answer = run("benchmark", path, *QUICK, "--runtime", "litert-plain")
    assert answer.code == 0
    assert re.search(r"model-int8.tflite +│ +int8 │", answer.out)
    assert re.search(r"model-int8.tflite +│ +litert-plain │ +1 │.*│ +1\.00 \(1\.00-1\.00\) │ +1\.00 │", answer.out)
    assert "promise nothing about a phone" in answer.err and "ai-edge-litert" in answer.err
    assert run("benchmark", path, *QUICK, "--quiet").err == ""


def test_files_of_one_name_are_told_apart(run: Any, trained: Any, tmp_path: Path) -> None:
    again = shutil.copy(trained.artifact("model-int8.tflite"), tmp_path)
    answer = run("benchmark", trained.artifact("model-int8.tflite"), again, *QUICK, "--json")
    first, second = answer.document["files"]
    assert first["path"] != second["path"] and first["sha256"] == second["sha256"]


def test_a_file_that_cannot_run_is_a_row_beside_the_others(run: Any, trained: Any, tmp_path: Path) -> None:
    broken, good = tmp_path / "broken.tflite", trained.artifact("model-int8.tflite")
    broken.write_bytes(contradicting(good.read_bytes()))
    answer = run("benchmark", broken, good, *QUICK, "--json")
    assert answer.code in (7, 8)
    row, other = answer.document["rows"]
    assert set(row) == {"path", "runtime", "threads", "error"} and row["error"]
    assert other["ratio"]["value"] == 1
    assert answer.document["files"][0]["macs"] is None
    assert f"Error: {row['error']}" in answer.err and "Fix: " in answer.err
    shown = run("benchmark", broken, good, *QUICK).out
    assert re.search(r"broken.tflite .*error", shown) and "ratios to row 2, the first without an error" in shown
    assert "ratios to row" not in run("benchmark", good, broken, *QUICK).out


def test_a_dry_run_measures_nothing(run: Any, trained: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr("melanoma_edge.runtime.benchmark.Worker")
    path = trained.artifact("model-int8.tflite")
    answer = run("benchmark", path, "--threads", "1,1", "--seconds", "9", "--dry-run", "--json")
    assert (answer.code, answer.err) == (0, "")
    plan = answer.document
    assert (plan["schema"], plan["artifacts"]) == ("melanoma-edge/plan/1", [str(path)])
    assert (plan["seconds"], plan["repeats"], plan["threads"]) == (9, None, [1, 1])


@pytest.mark.parametrize(("form", "convolution"), [("tflite", "CONV_2D"), ("onnx", "Conv")])
def test_inspect_counts_operators_and_lists_layers(run: Any, trained: Any, form: str, convolution: str) -> None:
    path = trained.artifact(f"model-int8.{form}")
    found = run("inspect", path, "--layers", "--json").document
    assert "layers" not in run("inspect", path, "--json").document
    (head,) = (one for one in found["layers"] if one["layer"] == "head")
    assert (head["op"], head["weights"], head["macs"]) == (convolution, "float32", head["weight_count"])
    for key in ("macs", "weight_bytes"):
        assert sum(row[key] for row in found["census"]) == sum(one[key] for one in found["layers"])
        assert found["totals"][key] == sum(row[key] for row in found["census"]) > 0
    assert found["totals"]["operators"] == len(found["layers"])
    shown = run("inspect", path, "--layers").out
    macs = f"{found['totals']['macs']:,}"
    assert re.search(rf"│ all .*{macs} │", shown) and re.search(rf"│ stem +│ +{convolution} │ +int8 │ +int8 │", shown)
    assert "Layers" not in run("inspect", path).out
