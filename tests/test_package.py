"""What is installed: both packages, their marks of types, the command and the verbs."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import melanoma_edge

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def _python(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *arguments], capture_output=True, text=True, cwd=ROOT, timeout=120)


def test_the_module_runs_as_a_command() -> None:
    done = _python("-m", "melanoma_edge", "--version")
    assert (done.returncode, done.stdout) == (0, f"melanoma-edge {melanoma_edge.__version__}\n")


def test_the_module_hands_on_the_exit_code() -> None:
    assert _python("-m", "melanoma_edge", "nonsense").returncode == 2


def test_the_console_script_is_the_same_function() -> None:
    module, _, name = PROJECT["project"]["scripts"]["melanoma-edge"].partition(":")
    assert callable(getattr(__import__(module, fromlist=[name]), name))


def test_the_verbs_are_found_when_asked_for() -> None:
    from melanoma_edge.prediction import predict

    assert melanoma_edge.predict is predict
    assert set(melanoma_edge.__all__) == {"__version__", "predict", "train"}
    assert all(hasattr(melanoma_edge, name) for name in melanoma_edge.__all__)
    with pytest.raises(AttributeError, match="no attribute 'fly'"):
        melanoma_edge.fly  # noqa: B018


def test_a_wheel_holds_both_packages_and_their_data() -> None:
    from setuptools import find_packages

    wanted = PROJECT["tool"]["setuptools"]["packages"]["find"]["include"]
    found = find_packages(str(ROOT), include=wanted)
    folders = {str(path.parent.relative_to(ROOT)).replace("/", ".") for path in ROOT.glob("*/**/__init__.py")}
    assert set(found) == {name for name in folders if name.split(".")[0] in ("melanoma_edge", "exporters")}
    data = PROJECT["tool"]["setuptools"]["package-data"]
    for package in ("melanoma_edge", "exporters"):
        assert (ROOT / package / "py.typed").is_file()
        assert "py.typed" in data[package]
    unpacked = {path.suffix for path in (ROOT / "melanoma_edge").rglob("*") if path.is_file()} - {".py", ".pyc"}
    patterns = {Path(pattern).suffix for pattern in data["melanoma_edge"]}
    assert unpacked - {".typed"} <= patterns - {".typed"} | {""}


def test_every_import_of_others_is_a_declared_dependency() -> None:
    import ast

    names = {requirement.split(">=")[0].split("[")[0] for requirement in PROJECT["project"]["dependencies"]}
    modules = {
        "pillow": "PIL",
        "scikit-learn": "sklearn",
        "tensorflow-model-optimization": "tensorflow_model_optimization",
    }
    declared = {modules.get(name, name.replace("-", "_")) for name in names}
    used = set()
    for package in ("melanoma_edge", "exporters"):
        for path in (ROOT / package).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                if isinstance(node, ast.Import):
                    used |= {alias.name.split(".")[0] for alias in node.names}
                elif isinstance(node, ast.ImportFrom) and node.module:
                    used.add(node.module.split(".")[0])
    assert used - set(sys.stdlib_module_names) - {"melanoma_edge", "exporters"} <= declared
