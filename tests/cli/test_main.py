"""The one place where errors become words and exit codes; and what every command owes."""

from __future__ import annotations

import errno
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import click
import pytest

from melanoma_edge.cli import main as cli
from melanoma_edge.cli.main import COMMANDS
from melanoma_edge.errors import DataError, MelanomaEdgeError

ROOT = Path(__file__).parents[2]


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Any:
    """Give a function that makes ``doctor`` raise."""

    def fail(error: BaseException) -> None:
        def raising(*_: object) -> None:
            raise error

        monkeypatch.setattr("melanoma_edge.machine.examine", raising)

    return fail


@pytest.mark.parametrize(
    ("error", "code", "says"),
    [
        (DataError("no images", where="x", fix="give some"), 3, "Error: no images (x)\nFix: give some\n"),
        (MelanomaEdgeError("strange", fix="mend it"), 1, "Error: strange\nFix: mend it\n"),
        (click.Abort(), 130, "Error: stopped\n"),
        (KeyboardInterrupt(), 130, "Error: stopped\n"),
        (MemoryError(), 8, "Error: out of memory\n"),
        (OSError(errno.EIO, "Input/output error", "disk.bin"), 8, "Error: Input/output error (disk.bin)\n"),
        (ZeroDivisionError("division by zero"), 1, "this is a bug in melanoma-edge: ZeroDivisionError"),
    ],
)
def test_each_error_has_its_words_and_code(run: Any, failing: Any, error: BaseException, code: int, says: str) -> None:
    failing(error)
    answer = run("doctor")
    assert (answer.code, answer.out) == (code, "")
    assert says in answer.err
    assert "Fix: " in answer.err and "Traceback" not in answer.err


def test_debug_shows_the_traceback_and_the_message(run: Any, failing: Any) -> None:
    failing(ZeroDivisionError("division by zero"))
    answer = run("doctor", "--debug")
    assert answer.code == 1
    assert answer.err.startswith("Traceback") and "Error: this is a bug" in answer.err


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help_with_an_example(run: Any, name: str) -> None:
    answer = run(name, "--help")
    assert (answer.code, answer.err) == (0, "")
    assert re.search(rf"Example:\n +melanoma-edge {name}", answer.out)
    for option in ("--json", "--quiet", "--debug"):
        assert option in answer.out


def test_help_names_every_command_and_exit_code(run: Any) -> None:
    answer = run("--help")
    assert answer.code == 0
    for name, meaning in COMMANDS.items():
        assert re.search(rf"^  {name} +{re.escape(meaning[:30])}", answer.out, re.MULTILINE)
    for code in ("0 done", "2 usage", "3 data", "4 export", "5 parity", "6 parity", "7 run", "8 machine", "130"):
        assert code in " ".join(answer.out.split())


def test_without_a_command_help_is_shown(run: Any) -> None:
    answer = run()
    assert (answer.code, answer.out) == (2, "")
    assert answer.err.startswith("Usage: melanoma-edge") and "Commands:" in answer.err
    assert "Error" not in answer.err


def test_ctrl_c_while_the_command_line_is_imported_is_answered(tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    done = subprocess.run(_command("doctor"), capture_output=True, text=True, env=_environment(PYTHONPATH=paths))
    assert (done.returncode, done.stdout) == (130, "")
    assert done.stderr == "Error: stopped\nFix: run the same command again\n"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_named_in_the_readme(name: str) -> None:
    readme = ROOT / "README.md"
    if not readme.is_file():
        pytest.skip("there is no README here")
    assert re.search(rf"melanoma-edge {name}\b|`{name}`", readme.read_text("utf-8"))


def test_a_new_command_module_must_be_listed() -> None:
    modules = {path.stem for path in (ROOT / "melanoma_edge/cli").glob("*.py")}
    assert {name for name in modules if "@click.command(" in (ROOT / f"melanoma_edge/cli/{name}.py").read_text()} == {
        *COMMANDS,
        "main",
    }


def _command(*arguments: object) -> list[str]:
    return [sys.executable, "-m", "melanoma_edge", *map(str, arguments)]


def _environment(**more: str) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), **more}


def test_a_reader_that_leaves_is_answered_as_other_tools_do(trained: Any) -> None:
    command = _command("predict", trained.artifact("model-int8.tflite"), trained.data, "--json", "--quiet")
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline().startswith(b'{"schema": "melanoma-edge/prediction/1"')
        process.stdout.close()
        said = process.stderr.read()
    assert (process.returncode, said) == (141, b"")


def test_a_reader_that_never_reads_is_told_nothing() -> None:
    script = f"{sys.executable} -m melanoma_edge --help | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, env=_environment())
    assert (done.returncode, done.stderr) == (141, b"")


@pytest.mark.parametrize("name", ["model-int8.tflite", "model-float32.onnx"])
def test_predicting_with_exported_files_needs_no_tensorflow(trained: Any, tmp_path: Path, name: str) -> None:
    for module in ("tensorflow", "tf_keras", "keras"):
        (tmp_path / module).mkdir()
        (tmp_path / module / "__init__.py").write_text('raise RuntimeError("tensorflow was imported")\n')
    paths = os.pathsep.join((str(tmp_path), str(ROOT)))
    command = _command("predict", trained.artifact(name), trained.photo(), "--json")
    done = subprocess.run(command, capture_output=True, text=True, env=_environment(PYTHONPATH=paths))
    assert (done.returncode, done.stdout.count("\n")) == (0, 1), done.stderr
    proof = subprocess.run(
        [sys.executable, "-c", "import tensorflow"], env=_environment(PYTHONPATH=paths), capture_output=True
    )
    assert proof.returncode == 1


def test_ctrl_c_in_training_leaves_a_run_to_resume(trained: Any, tmp_path: Path) -> None:
    out = tmp_path / "out"
    options = ("--preset", "tiny", "--width", "0.1", "--image-size", "32", "--epochs", "500", "--patience", "500")
    command = _command("train", "--data", trained.data, "--out", out, *options)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment()) as process:
        assert process.stdout is not None and process.stderr is not None
        _wait_for(out, process, "checkpoint.npz")
        process.send_signal(signal.SIGINT)
        out_text, err_text = process.communicate(timeout=60)
    assert (process.returncode, out_text) == (130, b"")
    assert b"training stopped; finished epochs are kept" in err_text
    assert b"--resume" in err_text and b"Traceback" not in err_text
    assert not [path for path in tmp_path.rglob("*") if path.suffix in (".part", ".lock")]


def test_a_command_that_is_terminated_leaves_no_temporary_files(trained: Any, tmp_path: Path) -> None:
    command = _command("race", "--data", trained.data, "--init", "none", "--image-size", "64", "--quiet")
    environment = _environment(TMPDIR=str(tmp_path))
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment) as process:
        _wait_for(tmp_path, process, "melanoma-edge-race-*/images/validation")
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
    assert (process.returncode, out) == (130, b"")
    assert b"Error: stopped\nFix: run the same command again\n" in err
    assert list(tmp_path.iterdir()) == []


def _wait_for(folder: Path, process: subprocess.Popen[bytes], pattern: str) -> None:
    while not list(folder.glob(pattern)):
        assert process.poll() is None, process.stderr and process.stderr.read()
        time.sleep(0.1)


def test_main_takes_the_command_line_when_given_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["melanoma-edge", "--version"])
    assert cli.main() == 0
