"""What ``export`` and ``parity`` answer when files lie, cannot run, or the user stops the work."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scenes import resealed

import exporters
from exporters import flatbuffer
from melanoma_edge.runtime.artifact import read_record, seal, unsealed_document

LIMITS = ("--limit", "sensitivity_loss=1", "--limit", "specificity_loss=1", "--limit", "macro_auc_change=-1")


@pytest.fixture
def copy(trained: Any, tmp_path: Path) -> Path:
    """Give a copy of the run that may be written to."""
    return Path(shutil.copytree(trained.run, tmp_path / "run"))


def put(trained: Any, path: Path, old: bytes, new: bytes) -> Path:
    """Write the float file with some text replaced, and its seal made again."""
    path.write_bytes(resealed(old, new)(trained.artifact("model-float32.tflite").read_bytes()))
    return path


def with_nan_head(data: bytes) -> bytes:
    """Put NaN into the last layer's bias, as a forger or a broken converter could."""
    model = flatbuffer.load(data)
    for tensor in model.subgraphs[0].tensors:
        if flatbuffer.tensor_name(tensor) == "head/bias":
            values = np.full_like(flatbuffer.constant(model, tensor), np.nan)
            model.buffers[tensor.buffer].data = np.frombuffer(values.tobytes(), np.uint8)
    packed = flatbuffer.pack(model)
    digits = json.loads(packed[packed.index(b'{"schema"') :].decode("latin-1").partition("\0")[0].rstrip())["sha256"]
    return seal(packed.replace(digits.encode(), b"0" * 64))


def test_a_file_that_is_not_of_its_stated_precision_is_refused(run: Any, trained: Any, tmp_path: Path) -> None:
    path = put(trained, tmp_path / "lie.tflite", b'"precision": "float32"', b'"precision": "float16"')
    for more in ([], ["--dry-run"]):
        answer = run("parity", trained.run, path, *more)
        assert answer.code == 7
        assert "not of the precision they state" in answer.err and "is not float16" in answer.err


def test_a_file_with_another_intended_use_is_refused(run: Any, trained: Any, tmp_path: Path) -> None:
    path = put(trained, tmp_path / "lie.tflite", b"never for use on people", b"always for all people!!")
    answer = run("parity", trained.run, path)
    assert (answer.code, "another model: intended_use" in answer.err) == (7, True)


def test_a_missing_file_is_refused_by_a_dry_run_too(run: Any, trained: Any, tmp_path: Path) -> None:
    answer = run("parity", trained.run, tmp_path / "none.tflite", "--dry-run")
    assert (answer.code, "artifact missing" in answer.err) == (7, True)


def test_broken_files_fail_with_reasons_and_the_good_one_is_judged(run: Any, trained: Any, tmp_path: Path) -> None:
    good, empty, nan = trained.artifact("model-float32.tflite"), tmp_path / "empty.tflite", tmp_path / "nan.tflite"
    contract = read_record(good).contract
    empty.write_bytes(seal(unsealed_document("tflite", "float32", contract, None).encode()))
    nan.write_bytes(with_nan_head(good.read_bytes()))
    answer = run("parity", trained.run, empty, good, nan, "--split", "validation", "--json")
    assert answer.code == 5
    first, second, third = answer.document["artifacts"]
    assert (first["verdict"], third["verdict"], first["exported"]) == ("FAIL", "FAIL", None)
    assert second["verdict"] != "FAIL" and second["float"] == first["float"]
    assert all(second["exported"][name] == pytest.approx(found, abs=1e-5) for name, found in second["float"].items())
    assert ["cannot run the file" in check["why"] for check in first["checks"]] == [True]
    assert "values are not finite" in next(c["why"] for c in third["checks"] if c["name"] == "finite_outputs")
    answer = run("predict", nan, trained.photo())
    assert (answer.code, answer.out, "no probabilities" in answer.err) == (7, "", True)


def test_a_verdict_under_loosened_limits_is_shown_as_such(run: Any, copy: Path) -> None:
    path = copy / "artifacts/model-float32.tflite"
    verdict = run("parity", copy, path, *LIMITS, "--json").document["verdict"]
    shown = run("inspect", path, "--json").document["parity"]
    assert shown == f"{verdict} (limits changed)"


def test_synthetic_images_and_runtime_options_are_said(run: Any, copy: Path) -> None:
    path = copy / "artifacts/model-int8.onnx"
    found = run("parity", copy, path, "--json")
    assert found.document["synthetic"] is True
    assert found.document["artifacts"][0]["runtime_options"] == {"session.qdqisint8allowed": "1"}
    assert "synthetic" in run("parity", copy, path).err


@pytest.mark.parametrize(
    ("written", "force", "advice"),
    [
        ((), (), "run the same command again\n"),
        (("model-float16.onnx",), (), "again with --force; written so far: model-float16.onnx"),
        (("model-float16.onnx",), ("--force",), "run the same command again\n"),
        (("model-float16.onnx", "model-float16.tflite"), (), "judge the files with `melanoma-edge parity"),
    ],
)
def test_after_ctrl_c_the_advice_can_be_followed(
    run: Any, copy: Path, monkeypatch: pytest.MonkeyPatch, written: tuple[str, ...], force: tuple[str, ...], advice: str
) -> None:
    def stopped(*arguments: Any, **options: Any) -> None:
        for name in written:
            (copy / "artifacts" / name).write_text("whole")
        raise KeyboardInterrupt

    monkeypatch.setattr(exporters, "export_many", stopped)
    answer = run("export", copy, "--format", "onnx", "--format", "tflite", "--precision", "float16", *force)
    assert (answer.code, advice in answer.err) == (130, True), answer.err
