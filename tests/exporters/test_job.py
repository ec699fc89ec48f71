"""Whole exports: what is written, what is inside, and that it decides as Keras does."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import exporters
from exporters import job, material, proof
from exporters.inventory import take
from melanoma_edge.errors import ExportError, UsageError
from melanoma_edge.files import locked
from melanoma_edge.runtime import open_model

PRECISIONS = [precision.value for precision in exporters.Precision]
BOTH = ["tflite", "onnx"]
IN_BOTH = [precision for precision in PRECISIONS if precision != "int8x16"]
PAIRS = [*(("onnx", precision) for precision in IN_BOTH), *(("tflite", precision) for precision in PRECISIONS)]


def infer(path: Path, batch: Any) -> Any:
    with open_model(path) as runner:
        return runner.infer(batch)


@pytest.mark.parametrize(("form", "precision"), PAIRS)
def test_every_pair_is_written_and_bears_its_record(toy_artifacts: Any, form: str, precision: str) -> None:
    artifact = toy_artifacts[form, precision]
    assert artifact.path.name == f"model-{precision}.{form}"
    record = json.loads((artifact.path.parent / f"{artifact.path.name}.json").read_text())
    assert record["schema"] == "melanoma-edge/export/1"
    assert record["sha256"] == artifact.sha256 and record["bytes"] == artifact.path.stat().st_size
    assert record["input_levels"] == 256
    assert (record["calibration"] is not None) == (precision in ("int8", "int8-full", "int8x16"))


@pytest.mark.parametrize("form", BOTH)
def test_float_files_agree_with_keras(toy_artifacts: Any, toy_batch: Any, toy_expected: Any, form: str) -> None:
    assert np.abs(infer(toy_artifacts[form, "float32"].path, toy_batch) - toy_expected).max() < 1e-5


@pytest.mark.parametrize("precision", IN_BOTH)
def test_onnx_decides_as_tflite_does(toy_artifacts: Any, toy_batch: Any, precision: str) -> None:
    lite, onnx = (infer(toy_artifacts[form, precision].path, toy_batch) for form in BOTH)
    assert (lite.argmax(axis=1) == onnx.argmax(axis=1)).mean() >= 0.98
    assert np.abs(lite - onnx).mean() < 2e-3


@pytest.mark.parametrize("form", BOTH)
def test_bytes_in_and_floats_in_give_equal_numbers(toy_artifacts: Any, toy_batch: Any, form: str) -> None:
    whole, mixed = (infer(toy_artifacts[form, precision].path, toy_batch) for precision in ("int8-full", "int8"))
    np.testing.assert_array_equal(whole, mixed)


@pytest.mark.parametrize("precision", PRECISIONS[1:])
def test_other_precisions_are_near_keras_and_are_not_the_float_file(
    toy_artifacts: Any, toy_batch: Any, toy_expected: Any, precision: str
) -> None:
    difference = np.abs(infer(toy_artifacts["tflite", precision].path, toy_batch) - toy_expected)
    assert 1e-6 < difference.max() < 0.2


@pytest.mark.parametrize("precision", ["float32", "float16"])
def test_float_weights_of_both_formats_are_equal(toy_artifacts: Any, precision: str) -> None:
    lite, onnx = ({row[0]: row[1] for row in _weights(toy_artifacts[form, precision].path)} for form in BOTH)
    assert lite.keys() == onnx.keys() and "stem" in lite
    for layer, values in lite.items():
        np.testing.assert_array_equal(np.sort(values.ravel()), np.sort(onnx[layer].ravel()))


def _weights(path: Path) -> list[tuple[str, Any]]:
    if path.suffix == ".onnx":
        import onnx

        model = onnx.load(str(path))
        return [
            (re.sub("/weights(_half)?$", "", constant.name), onnx.numpy_helper.to_array(constant))
            for constant in model.graph.initializer
            if re.search("/weights(_half)?$", constant.name)
        ]
    from exporters import flatbuffer

    model = flatbuffer.load(path.read_bytes())
    found = []
    for tensor in model.subgraphs[0].tensors:
        values, name = flatbuffer.constant(model, tensor), flatbuffer.tensor_name(tensor)
        if values is not None and name.endswith("/weights"):
            found.append((name.removesuffix("/weights"), values))
    return found


def test_exporting_again_gives_equal_bytes(toy_run: Any, toy_artifacts: Any) -> None:
    asked = [("tflite", "int8"), ("onnx", "int8"), ("tflite", "float32")]
    again = exporters.export_many(toy_run, asked, calibration_images=12, force=True)
    for artifact in again:
        assert artifact.sha256 == toy_artifacts[artifact.format, artifact.precision.value].sha256


def test_an_existing_file_is_kept_unless_forced(toy_run: Any, toy_artifacts: Any) -> None:
    with pytest.raises(UsageError, match="refusing to overwrite"):
        exporters.export(toy_run, "tflite", "float32")


def test_all_existing_files_are_named_with_what_to_do(toy_run: Any, toy_artifacts: Any) -> None:
    asked = [("tflite", "float32"), ("onnx", "int8")]
    with pytest.raises(UsageError, match=r"model-float32\.tflite, .*model-int8\.onnx") as caught:
        exporters.planned(toy_run, asked)
    assert "--force" in caught.value.fix and "name" not in caught.value.fix


def test_a_second_export_into_the_same_run_is_refused(toy_run: Any, tmp_path: Path) -> None:
    run = _elsewhere(toy_run, tmp_path)
    with locked(run.artifacts / ".lock", wait=False), pytest.raises(UsageError, match="another export writes"):
        exporters.export(run, "tflite", "float32", force=True)
    assert [path.name for path in run.artifacts.iterdir()] == [".lock"]


def test_a_file_that_another_export_wrote_meanwhile_is_kept(
    toy_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _elsewhere(toy_run, tmp_path)
    theirs = run.artifacts / "model-float32.tflite"

    @contextmanager
    def after_another(folder: Path) -> Iterator[None]:
        folder.mkdir()
        theirs.write_text("theirs")
        yield

    monkeypatch.setattr(job, "alone", after_another)
    with pytest.raises(UsageError, match="refusing to overwrite"):
        exporters.export(run, "tflite", "float32")
    assert theirs.read_text() == "theirs"


def test_what_a_killed_export_left_is_removed(toy_run: Any, tmp_path: Path) -> None:
    run = _elsewhere(toy_run, tmp_path)
    run.artifacts.mkdir()
    (run.artifacts / ".model-int8.tflite.4711.part").write_text("half")
    (run.artifacts / ".model-int8.tflite.json.4711.part").write_text("half")
    (run.artifacts / ".notes").write_text("the user's")
    exporters.export(run, "tflite", "float32")
    found = sorted(path.name for path in run.artifacts.iterdir())
    assert found == [".notes", "model-float32.tflite", "model-float32.tflite.json"]


def test_a_verdict_on_other_bytes_does_not_survive(toy_run: Any, toy_artifacts: Any) -> None:
    path = toy_artifacts["onnx", "float16"].path
    found_out = [
        path.with_name(f"{path.name}.{ending}") for ending in ("parity.json", "evaluation.json", "answers.csv")
    ]
    for one in found_out:
        one.write_text("{}")
    exporters.export(toy_run, "onnx", "float16", force=True)
    assert not any(one.exists() for one in found_out)


def test_an_export_stopped_after_its_file_leaves_no_record_of_another(
    toy_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    run = _elsewhere(toy_run, tmp_path)
    path = exporters.export(run, "ort", "float32").path
    verdict = path.with_name(f"{path.name}.parity.json")
    verdict.write_text("{}")
    assert len(list(run.artifacts.iterdir())) > 2
    monkeypatch.setattr(job, "_record", stop)
    with pytest.raises(KeyboardInterrupt):
        exporters.export(run, "ort", "float32", force=True)
    assert list(run.artifacts.iterdir()) == [path]


def test_an_export_that_fails_leaves_the_former_file_with_its_record(
    toy_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = _elsewhere(toy_run, tmp_path)
    path = exporters.export(run, "tflite", "float32").path
    path.with_name(f"{path.name}.parity.json").write_text("{}")
    before = {one.name: one.read_bytes() for one in run.artifacts.iterdir()}
    monkeypatch.setattr(proof, "_FLOAT_TOLERANCE", -1.0)
    with pytest.raises(ExportError):
        exporters.export(run, "tflite", "float32", force=True)
    assert {one.name: one.read_bytes() for one in run.artifacts.iterdir()} == before and len(before) == 3


def test_free_and_larger_batches_for_onnx(toy_run: Any, toy_batch: Any, toy_expected: Any, tmp_path: Path) -> None:
    for batch in (None, 5):
        artifact = exporters.export(_elsewhere(toy_run, tmp_path), "onnx", "float32", batch=batch, force=True)
        answers = infer(artifact.path, toy_batch)
        assert answers.shape == toy_expected.shape
        assert np.abs(answers - toy_expected).max() < 1e-5


@pytest.mark.parametrize("precision", ["float32", "int8"])
def test_a_file_that_lies_about_its_precision_is_not_left_behind(
    toy_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, precision: str
) -> None:
    other = exporters.Precision.INT8_DYNAMIC
    honest = material.quantized
    monkeypatch.setattr(material, "quantized", lambda source, asked, *rest: honest(source, other))
    run = _elsewhere(toy_run, tmp_path)
    with pytest.raises(ExportError, match=f"is not {precision}: .*stem computes float32 with int8 weights"):
        exporters.export(run, "tflite", precision, calibration_images=4)
    assert list(run.artifacts.iterdir()) == []


def test_a_float_file_with_other_numbers_is_an_error(
    toy_run: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(proof, "_FLOAT_TOLERANCE", -1.0)
    with pytest.raises(ExportError, match="litert runs the file, but probabilities differ from Keras"):
        exporters.export(_elsewhere(toy_run, tmp_path), "tflite", "float32")


def test_the_census_counts_int8_and_the_float_head(toy_artifacts: Any) -> None:
    for form, convolution in (("tflite", "CONV_2D"), ("onnx", "Conv")):
        data = toy_artifacts[form, "int8"].path.read_bytes()
        rows = {(row.op, row.activation, row.weights): row for row in take(data, form).census()}
        assert rows[convolution, "float32", "float32"].count == 1
        assert rows[convolution, "int8", "int8"].count >= 6


def test_export_says_what_it_does_and_ends_at_the_total(toy_run: Any, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []
    run = _elsewhere(toy_run, tmp_path)
    exporters.export(run, "tflite", "int8", calibration_images=3, progress=lambda *step: told.append(step))
    assert {task for task, _, _ in told} >= {"converting", "measuring ranges", "exporting"}
    assert told[-1] == ("exporting", 1, 1)


def test_nothing_of_the_tools_reaches_stderr(toy_run: Any, tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    run = _elsewhere(toy_run, tmp_path)
    exporters.export_many(run, [("tflite", "int8"), ("onnx", "int8")], calibration_images=3)
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def _elsewhere(run: Any, folder: Path) -> Any:
    return type(run)(folder, run.contract, run.catalog)
