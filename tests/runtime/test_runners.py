"""LiteRT and onnxruntime as runners, without TensorFlow and without their packages."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from toys import toy_contract

from melanoma_edge.errors import MachineError, TrustError, UsageError
from melanoma_edge.runtime import open_model, read_record
from melanoma_edge.runtime.artifact import read_artifact, seal, unsealed_document
from melanoma_edge.runtime.base import WrongLabels, WrongShape
from melanoma_edge.runtime.litert import LiteRTRunner
from melanoma_edge.runtime.onnx import OnnxRunner

BOTH = [("tflite", "litert"), ("onnx", "onnxruntime")]


@pytest.mark.parametrize(("form", "name"), BOTH)
def test_a_runner_answers_with_probabilities(toy_artifacts: Any, toy_batch: Any, form: str, name: str) -> None:
    with open_model(toy_artifacts[form, "int8"].path) as runner:
        answers = runner.infer(toy_batch[:5])
        assert runner.infer(toy_batch[:0]).shape == (0, 3)
    assert (runner.name, runner.contract) == (name, toy_contract())
    assert answers.dtype == np.float32 and answers.shape == (5, 3)
    np.testing.assert_allclose(answers.sum(axis=1), 1, atol=1e-5)


@pytest.mark.parametrize(("form", "name"), BOTH)
def test_threads_do_not_change_the_answer(toy_artifacts: Any, toy_batch: Any, form: str, name: str) -> None:
    answers = []
    for threads in (1, 2):
        with open_model(toy_artifacts[form, "int8"].path, threads) as runner:
            answers.append(runner.infer(toy_batch[:8]))
    np.testing.assert_array_equal(*answers)


@pytest.mark.parametrize(("form", "name"), BOTH)
def test_a_batch_of_another_kind_is_our_own_bug(toy_artifacts: Any, toy_batch: Any, form: str, name: str) -> None:
    with open_model(toy_artifacts[form, "float32"].path) as runner:
        for wrong in (toy_batch.astype(np.float32), toy_batch[0], toy_batch[:, :16], toy_batch[..., :1]):
            with pytest.raises(ValueError, match="batch must be uint8"):
                runner.infer(wrong)


@pytest.mark.parametrize(("form", "runner"), [("tflite", LiteRTRunner), ("onnx", OnnxRunner)])
def test_tensors_that_are_not_the_contract_s_are_refused(toy_artifacts: Any, form: str, runner: Any) -> None:
    record, data = read_artifact(toy_artifacts[form, "float32"].path)
    fewer = toy_contract(classes=("MEL", "NV"), class_prior=(0.5, 0.5))
    for wrong, kind in ((toy_contract(input_size=64), WrongShape), (fewer, WrongLabels)):
        with pytest.raises(TrustError, match=r"tensors are not image .* but .*32, 32, 3\]") as caught:
            runner(replace(record, contract=wrong), data)
        assert type(caught.value) is kind


@pytest.mark.parametrize(("form", "runner"), [("tflite", "_interpreter"), ("onnx", "_session")])
def test_a_model_that_fails_while_it_runs_is_not_trusted(
    toy_artifacts: Any, toy_batch: Any, form: str, runner: str
) -> None:
    class Failing:
        def __getattr__(self, name: str) -> Any:
            raise RuntimeError("node 7 failed")

    with open_model(toy_artifacts[form, "float32"].path) as opened:
        setattr(opened, runner, Failing())
        with pytest.raises(TrustError, match="cannot run the file: node 7 failed"):
            opened.infer(toy_batch[:1])


def test_only_onnxruntime_is_set_otherwise_than_by_default(toy_artifacts: Any) -> None:
    options = {}
    for form in ("tflite", "onnx"):
        with open_model(toy_artifacts[form, "int8"].path) as runner:
            options[form] = dict(runner.options)
    assert options == {"tflite": {}, "onnx": {"session.qdqisint8allowed": "1"}}


@pytest.mark.parametrize("suffix", [".tflite", ".onnx"])
def test_a_sealed_file_that_is_no_model_is_refused(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"model{suffix}"
    path.write_bytes(seal(unsealed_document(suffix[1:], "int8", toy_contract(), None).encode()))
    assert read_record(path).format == suffix[1:]
    with pytest.raises(TrustError, match="cannot run the file"):
        open_model(path)


def test_another_kind_of_file_is_refused_and_a_missing_one_is_missing(tmp_path: Path) -> None:
    photo = tmp_path / "photo.jpg"
    photo.write_bytes(b"\xff\xd8")
    with pytest.raises(UsageError, match="cannot tell"):
        open_model(photo)
    with pytest.raises(TrustError, match="missing"):
        open_model(tmp_path / "none.tflite")


@pytest.mark.parametrize(
    ("form", "module", "package"),
    [("tflite", "ai_edge_litert.interpreter", "ai-edge-litert"), ("onnx", "onnxruntime", "onnxruntime")],
)
def test_a_missing_package_is_named(
    toy_artifacts: Any, monkeypatch: pytest.MonkeyPatch, form: str, module: str, package: str
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(MachineError, match=f"pip install {package}") as caught:
        open_model(toy_artifacts[form, "int8"].path)
    assert caught.value.exit_code == 8


@pytest.mark.parametrize(("form", "other"), [("tflite", "onnxruntime"), ("onnx", "ai_edge_litert")])
def test_a_runtime_loads_neither_tensorflow_nor_the_other(
    toy_artifacts: Any, tmp_path: Path, form: str, other: str
) -> None:
    for name in ("tensorflow", "tf_keras", "keras", other):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text(f"raise RuntimeError('{name} was imported')")
    script = (
        "import sys, numpy; from pathlib import Path; from melanoma_edge.runtime import open_model\n"
        "with open_model(Path(sys.argv[1])) as runner:\n"
        "    print(runner.infer(numpy.zeros((1, 32, 32, 3), numpy.uint8)).shape)"
    )
    root = str(Path(__file__).parents[2])
    done = subprocess.run(
        [sys.executable, "-c", script, str(toy_artifacts[form, "int8"].path)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), root])},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (0, "(1, 3)\n", "")


@pytest.mark.parametrize(("form", "name"), BOTH)
def test_opening_writes_nothing_to_the_terminal(
    toy_artifacts: Any, capfd: pytest.CaptureFixture[str], form: str, name: str
) -> None:
    with open_model(toy_artifacts[form, "int8"].path):
        pass
    out, err = capfd.readouterr()
    assert (out, err) == ("", "")


def test_onnxruntime_is_loaded_without_leave_to_report_home(toy_artifacts: Any) -> None:
    code = (
        "import os, pathlib, sys\nfrom melanoma_edge.runtime import open_model\n"
        "with open_model(pathlib.Path(sys.argv[1])):\n    print(os.environ['ORT_DISABLE_TELEMETRY'])"
    )
    clean = {name: value for name, value in os.environ.items() if name != "ORT_DISABLE_TELEMETRY"}
    command = [sys.executable, "-c", code, str(toy_artifacts["onnx", "int8"].path)]
    done = subprocess.run(command, env=clean, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "1"
