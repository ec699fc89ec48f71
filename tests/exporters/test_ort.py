"""ORT files: the same decisions as ONNX, the same bytes in every process, and what a reduced build needs."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from toy_files import sealed, toy_tflite

from exporters import ort
from exporters.ort import required_operators, write_ort
from exporters.precision import Precision
from exporters.registry import checked
from melanoma_edge.errors import ExportError, UsageError
from melanoma_edge.runtime import open_model

__all__ = ["sealed", "toy_tflite"]

OFFERED = ["float32", "int8-dynamic", "int8", "int8-full"]


@pytest.mark.parametrize("precision", OFFERED)
def test_an_ort_file_answers_as_its_onnx_file(sealed: Any, toy_batch: Any, precision: str) -> None:
    answers = []
    for form in ("onnx", "ort"):
        with open_model(sealed(form, precision)) as runner:
            assert runner.name == "onnxruntime"
            answers.append(runner.infer(toy_batch))
    np.testing.assert_allclose(*answers, atol=1e-6)


def test_int8_is_decided_when_written_and_not_by_session_options(sealed: Any, toy_batch: Any) -> None:
    path = sealed("ort", "int8")
    plain = onnxruntime.InferenceSession(path.read_bytes(), providers=["CPUExecutionProvider"])
    with open_model(path) as runner:
        ours = runner.infer(toy_batch[:8])
    theirs = [plain.run(None, {"image": image[None].astype(np.float32)})[0][0] for image in toy_batch[:8]]
    np.testing.assert_array_equal(ours, np.stack(theirs))


@pytest.mark.parametrize("precision", ["float16", "int8x16"])
def test_what_would_not_be_what_it_says_is_refused(precision: str) -> None:
    with pytest.raises(UsageError, match=f"ort {precision}: "):
        checked([("ort", precision)], 1)


_WRITE = """
import sys, hashlib
from pathlib import Path
from exporters.ort import write_ort
from exporters.precision import Precision
for precision, path in zip(("int8", "float32"), sys.argv[1:]):
    print(hashlib.sha256(write_ort(Path(path).read_bytes(), "{}", Precision(precision), 1)).hexdigest())
"""


def test_two_processes_write_equal_bytes(toy_tflite: Any, tmp_path: Path) -> None:
    """A hash map's order changes with the addresses that a process is given, so one process proves nothing."""
    paths, here = [], []
    for precision in ("int8", "float32"):
        paths.append(tmp_path / f"{precision}.tflite")
        paths[-1].write_bytes(toy_tflite(precision))
        here.append(hashlib.sha256(write_ort(toy_tflite(precision), "{}", Precision(precision), 1)).hexdigest())
    root = Path(__file__).parents[2]
    done = subprocess.run(
        [sys.executable, "-c", _WRITE, *map(str, paths)], cwd=root, capture_output=True, text=True, check=True
    )
    assert done.stdout.split() == here


def test_the_operators_of_a_reduced_build_are_those_of_the_file(sealed: Any) -> None:
    ((ending, text),) = required_operators(sealed("ort", "int8").read_bytes()).items()
    assert ending == ".required_operators.config" and "#" not in text and "/tmp" not in text
    lines = [line.split(";", 2) for line in text.splitlines()]
    assert {domain for domain, _, _ in lines} == {"ai.onnx", "com.microsoft"}
    operators = {name for _, _, listed in lines for name in re.findall(r"[A-Z]\w+", listed)}
    assert {"QLinearConv", "QLinearAdd", "Conv", "Softmax"} <= operators and "FusedConv" not in operators
    assert '10;QLinearConv{"inputs": {"0": ["int8_t"]}}' in text


def test_nothing_belongs_to_one_kind_of_processor(sealed: Any) -> None:
    """``com.microsoft.nchwc`` is how onnxruntime lays tensors out for x86 alone."""
    for precision in OFFERED:
        text = required_operators(sealed("ort", precision).read_bytes())[ort.CONFIG]
        assert "nchwc" not in text and "nhwc" not in text.lower()


def test_a_model_that_onnxruntime_cannot_save_is_an_export_error(
    toy_tflite: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ort, "write_onnx", lambda *arguments: b"no model")
    with pytest.raises(ExportError, match="onnxruntime cannot save"):
        write_ort(toy_tflite("float32"), "{}", Precision.FLOAT32, 1)
