"""``export --max-loss``."""

from __future__ import annotations

import json
import shutil
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from exporters.search import Judged
from melanoma_edge.cli import searching
from melanoma_edge.compression.quantize import quantize
from melanoma_edge.errors import Interrupted
from melanoma_edge.parity.gate import Limits
from melanoma_edge.training.run import Run

FAST = ("--format", "tflite", "--rounding", "nearest", "--no-check-calibration", "--calibration-images", "16")
LOOSE = {name: -1.0 if "accuracy" in name or "auc" in name else 1.0 for name in asdict(Limits())} | {
    "class_agreement": 0.0,
    "decision_agreement": 0.1,
    "melanomas_lost": 99,
}
ANYTHING = [word for name, value in LOOSE.items() for word in ("--max-loss", f"{name}={value}")]


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run", ignore=shutil.ignore_patterns("artifacts")))


def test_limits_that_plain_int8_keeps_leave_nothing_in_float(run: Any, copy: Path) -> None:
    answer = run("export", copy, *FAST, *ANYTHING)
    assert answer.code in (0, 5, 6), answer.err
    assert "Search on validation" in answer.out and "plain int8" in answer.out
    assert "nothing stays in float" in answer.err
    record = json.loads((copy / "artifacts/model-int8.tflite.search.json").read_text())
    assert record["limits"] == LOOSE and record["chosen"] == 0
    assert (record["format"], record["runtime"]) == ("tflite", "litert")


def test_the_test_split_has_no_part_in_the_search(run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, images = [], Run.images

    def told(self: Run, split: str, *rest: Any) -> Any:
        assert split != "test"
        asked.append(split)
        return images(self, split, *rest)

    monkeypatch.setattr(Run, "images", told)
    answer = run("export", copy, *FAST, *ANYTHING, "--no-parity", "--json")
    assert answer.code == 0, answer.err
    assert set(asked) == {"validation"}
    record = copy / "artifacts/model-int8.tflite.search.json"
    assert answer.document["search"] == {"records": [str(record)], "float_units": [], "price": None}


def test_a_verdict_names_what_stayed_in_float_and_its_price(
    run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def content(_: object, path: Path) -> Judged:
        good = path.stem.endswith("-1")
        return Judged(good, {}, () if good else ("decision_agreement",))

    monkeypatch.setattr(searching.Judge, "__call__", content)
    fast = ["onnx" if word == "tflite" else word for word in FAST]
    answer = run("export", copy, *fast, *ANYTHING, "--json")
    assert answer.code in (0, 5, 6), answer.err
    assert {"split", "verdict", "artifacts"} <= answer.document.keys()
    path, said = copy / "artifacts/model-int8.onnx.search.json", answer.document["search"]
    record = json.loads(path.read_text())
    assert said["records"] == [str(path)]
    assert said["float_units"] == record["candidates"][1]["float_units"] != []
    assert said["price"] == record["price"] and record["price"]["latency_ratio"] > 0
    assert (record["format"], record["runtime"]) == ("tflite", "litert")


def test_limits_that_nothing_keeps_end_with_all_that_was_tried(run: Any, copy: Path) -> None:
    impossible = ("--max-loss", "mean_score_change=0", "--json")
    answer = run("export", copy, *FAST, *impossible)
    assert answer.code == 5
    assert "misses mean_score_change" in answer.err and "Fix: " in answer.err
    assert answer.document["schema"] == "melanoma-edge/search/1"
    assert len(answer.document["candidates"]) > 1 and answer.document["chosen"] is None
    assert answer.document["limits"] == asdict(Limits()) | {"mean_score_change": 0}
    assert list((copy / "artifacts").iterdir()) == []


def test_a_dry_run_says_what_is_asked(run: Any, copy: Path) -> None:
    answer = run("export", copy, *FAST, "--max-loss", "class_agreement=0.99", "--dry-run", "--json")
    assert answer.code == 0
    assert answer.document["max_loss"] == ["class_agreement=0.99"] and answer.document["rounding"] == "nearest"
    assert not (copy / "artifacts").exists()


def test_a_stopped_search_leaves_nothing(run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(searching.Judge, "__call__", stop)
    answer = run("export", copy, *FAST, "--max-loss", "class_agreement=0.99")
    assert answer.code == Interrupted.exit_code
    assert list((copy / "artifacts").iterdir()) == []


@pytest.mark.parametrize("dry", [(), ("--dry-run",)])
@pytest.mark.parametrize(
    ("precisions", "said"),
    [
        (("float32",), "a search without int8"),
        (("int8", "int8-full"), "int8-full would keep no layer in float"),
        (("int8", "float32", "int8x16", "int8-full"), "int8x16, int8-full would keep no layer in float"),
    ],
)
def test_a_search_that_not_all_files_could_follow_is_refused(
    run: Any, copy: Path, precisions: tuple[str, ...], said: str, dry: tuple[str, ...]
) -> None:
    asked = [word for precision in precisions for word in ("--precision", precision)]
    answer = run("export", copy, *FAST, *asked, "--max-loss", "class_agreement=0.9", *dry)
    assert answer.code == 2 and said in answer.err and "Fix: " in answer.err
    assert not (copy / "artifacts").exists()


def test_float_files_may_be_asked_beside_a_search(run: Any, copy: Path) -> None:
    both = ("--precision", "int8", "--precision", "float32")
    assert run("export", copy, *FAST, *both, "--max-loss", "class_agreement=0.9", "--dry-run").code == 0


def test_weights_that_are_rounded_keep_their_rounding(run: Any, copy: Path, tmp_path: Path) -> None:
    child = quantize(Run.open(copy), tmp_path / "int8", images=16).path
    said = run("export", child, "--format", "tflite", "--dry-run", "--json").document
    assert said["rounding"] == "as the run"
    answer = run("export", child, *FAST, "--dry-run")
    assert answer.code == 2 and "weights are rounded already" in answer.err and "leave out --rounding" in answer.err
