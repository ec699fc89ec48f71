"""The comparison with the emulated processor: with a QEMU that pretends, and with the real one where it is."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from melanoma_edge.errors import MachineError
from melanoma_edge.runtime import emulated, emulator
from melanoma_edge.runtime.emulated import EmulatedRunner, compare, main
from melanoma_edge.runtime.emulator import check_ready, emulator_folder, wanted_packages
from melanoma_edge.runtime.integers import open_integers

REAL = emulator_folder()
"""Taken before a test's own cache hides it."""


@pytest.fixture
def phone() -> Path:
    """Give the folder of the real emulated processor."""
    try:
        check_ready(REAL)
    except MachineError as error:
        pytest.skip(str(error))
    return REAL


@pytest.fixture
def pretended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give a folder whose emulator is a script that runs this Python, with its own arguments left away."""
    folder = tmp_path / "arm64"
    (folder / "usr/bin").mkdir(parents=True)
    (folder / "usr/bin/python3.11").touch()
    note = {"schema": emulator.SCHEMA, "cpu": "cortex-a76", "packages": wanted_packages()}
    (folder / "emulator.json").write_text(json.dumps(note))
    script = tmp_path / "qemu-aarch64-static"
    script.write_text(f'#!/bin/sh\nshift 5\nexec {sys.executable} "$@"\n')
    script.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("MELANOMA_EDGE_ARM64", str(folder))
    return folder


def test_the_runner_answers_as_here_and_says_where(toy_artifacts: Any, toy_batch: Any, pretended: Path) -> None:
    with EmulatedRunner(toy_artifacts["tflite", "int8"].path) as runner:
        assert (runner.name, runner.contract.input_size) == ("litert on cortex-a76", 32)
        assert runner.infer(toy_batch[:2]).shape == (2, 3)


def test_modules_come_from_the_folder_first_and_from_here_only_ours(toy_artifacts: Any, pretended: Path) -> None:
    command, modules = EmulatedRunner(toy_artifacts["onnx", "int8"].path)._python()
    assert command[1:4] == ["-cpu", "cortex-a76", "-L"]
    assert modules == [str(pretended / "packages"), str(Path(__file__).parents[2])]


def test_equal_answers_are_counted_as_equal(toy_artifacts: Any, toy_batch: Any, pretended: Path) -> None:
    told: list[tuple[str, int, int]] = []
    found = compare(toy_artifacts["onnx", "int8"].path, toy_batch[:9], progress=lambda *step: told.append(step))
    assert (found.runtime, found.images, found.classes_equal, found.decisions_equal) == ("onnxruntime", 9, 9, 9)
    assert (found.identical, found.difference) == (9, 0.0)
    assert found.integers == found.integers_equal == 9 * 8 * 8 * 64 and found.no_integers is None
    assert min(found.native_ms, found.emulated_ms) > 0
    assert told[-1][1:] == (9, 9)


def test_a_file_whose_integers_cannot_be_read_is_compared_all_the_same(
    toy_artifacts: Any, pretended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["compare", str(toy_artifacts["ort", "int8"].path), "--count", "3"]
    assert main([*command, "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["artifacts"]
    assert (found["images"], found["identical"], found["integers"], found["integers_equal"]) == (3, 3, None, None)
    assert found["no_integers"] == "the format is ort"
    assert main(command) == 0
    assert "none: the format is ort" in " ".join(capsys.readouterr().out.split())


def test_ctrl_c_ends_in_one_line_and_code_130(
    toy_artifacts: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(emulated, "compare", stop)
    assert main(["compare", str(toy_artifacts["tflite", "int8"].path)]) == 130
    assert capsys.readouterr().err.startswith("Error: stopped\n")


class Shifted:
    """Answer as an emulated processor would that computes other numbers."""

    def __init__(self, runner: Any) -> None:
        self._runner = runner

    def __enter__(self) -> Any:
        self._runner.__enter__()
        return self

    def __exit__(self, *rest: Any) -> None:
        self._runner.__exit__(*rest)

    def infer(self, batch: Any) -> Any:
        answers = self._runner.infer(batch).copy()
        if answers.dtype == np.int8:
            answers[0, :2] += 1
            return answers
        return np.roll(answers, 1, axis=1)


@pytest.fixture
def other(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the emulated processor answer with other numbers."""
    here: Callable[..., Any] = emulated.open_artifact
    monkeypatch.setattr(emulated, "EmulatedRunner", lambda path, folder=None, opener=here: Shifted(opener(path, 1)))


def test_other_answers_are_counted_and_measured(toy_artifacts: Any, toy_batch: Any, other: None) -> None:
    found = compare(toy_artifacts["tflite", "int8"].path, toy_batch[:1])
    assert (found.classes_equal, found.identical) == (0, 0)
    assert found.difference > 0.01
    assert found.integers is not None and found.integers_equal == found.integers - 2


def test_a_decision_that_turns_ends_in_code_5(
    toy_artifacts: Any, other: None, capsys: pytest.CaptureFixture[str]
) -> None:
    path = toy_artifacts["tflite", "float32"].path
    assert main(["compare", str(path), "--count", "30", "--json"]) == 5
    out, err = capsys.readouterr()
    (found,) = json.loads(out)["artifacts"]
    assert found["decisions_equal"] < found["images"] == 30
    assert (found["integers"], found["integers_equal"]) == (None, None)
    assert found["no_integers"] == "the precision is float32"
    assert f"decisions differ on cortex-a76: {path}" in err and "Fix: " in err


def test_a_comparison_is_printed_as_a_table(
    toy_artifacts: Any, pretended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", str(toy_artifacts["tflite", "float32"].path), "--count", "3"]) == 0
    out, err = capsys.readouterr()
    assert "3 of 3" in out and "none" in out and "model-float32.tflite on cortex-a76: 3" in err


def test_images_of_a_run_are_those_of_the_split(
    trained: Any, pretended: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = ["compare", str(trained.artifact("model-float32.tflite")), "--images", str(trained.run), "--json"]
    assert main(command) == 0
    document = json.loads(capsys.readouterr().out)
    assert next(iter(document.items())) == ("schema", "melanoma-edge/emulated/1")
    assert 0 < document["artifacts"][0]["images"] < 96


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "required"),
        (["compare"], 2, "ARTIFACT"),
        (["compare", "none.tflite"], 7, "artifact missing"),
        (["compare", "FILE", "--count", "0"], 2, "not a number of images"),
        (["compare", "FILE", "--images", "none"], 7, "run.json is missing"),
        (["compare", "FILE", "--images", "RUN"], 2, "takes 32 px"),
        (["compare", "OTHER", "--images", "RUN", "--split", "all"], 2, "unknown split"),
        (["compare", "FILE"], 8, "folder of the emulated processor is missing"),
    ],
)
def test_bad_input_is_answered_as_the_command_line_does(
    toy_artifacts: Any,
    trained: Any,
    pretended: Path,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    code: int,
    words: str,
) -> None:
    (pretended / "emulator.json").unlink()
    file, other = str(toy_artifacts["tflite", "int8"].path), str(trained.artifact("model-int8.tflite"))
    places = {"FILE": file, "RUN": str(trained.run), "OTHER": other}
    assert main([places.get(one, one) for one in arguments]) == code
    out, err = capsys.readouterr()
    assert out == "" and words in err and "Fix: " in err


def test_preparing_again_says_that_it_is_there(pretended: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["prepare"]) == 0
    assert f"already there: {pretended}" in capsys.readouterr().err


@pytest.mark.parametrize("form", ["tflite", "onnx"])
def test_a_cortex_a76_computes_the_same_integers(toy_artifacts: Any, toy_batch: Any, phone: Path, form: str) -> None:
    path = toy_artifacts[form, "int8"].path
    with EmulatedRunner(path, phone, open_integers) as there, open_integers(path) as here:
        np.testing.assert_array_equal(there.infer(toy_batch[:4]), here.infer(toy_batch[:4]))


def test_a_cortex_a76_answers_with_the_same_probabilities_but_for_rounding(
    toy_artifacts: Any, toy_batch: Any, phone: Path
) -> None:
    found = compare(toy_artifacts["tflite", "float32"].path, toy_batch[:4], phone)
    assert found.decisions_equal == 4
    assert found.difference < 1e-5
