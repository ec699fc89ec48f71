"""The examples in the help texts, run as they stand, in a folder that has what they name."""

from __future__ import annotations

import importlib
import re
import shlex
import shutil
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from verdicts import catalog_of_drawn, give_verdicts, small_shots

from melanoma_edge.cli.main import COMMANDS
from melanoma_edge.contract import read_contract

SMALL = "--preset tiny --init none --width 0.1 --image-size 32 --epochs 1"
LIGHTER = {
    "train --data": f"{SMALL} --quiet",
    "race": "--width 0.35 --image-size 32 --quiet",
    "thin runs/ham --target-kb": "--target-kb 16 --images 16 --rounds 1 --quiet",
    "thin": "--epochs 1 --images 16 --rounds 1 --quiet",
    "prune": "--epochs 2 --quiet",
    "export runs/ham --format tflite --precision int8 --max-loss": "--calibration-images 16 "
    "--rounding nearest --max-loss decision_agreement=0.1",
    "export": "--calibration-images 16",
    "benchmark": "--repeats 3 --starts 1",
}
"""Options that make an example light; the last of an option counts."""


def _examples() -> list[str]:
    found = []
    for name in COMMANDS:
        text = importlib.import_module(f"melanoma_edge.cli.{name}").command.help
        lines = re.findall(r"^ *melanoma-edge (.+)$", text, re.MULTILINE)
        assert lines, name
        found += lines
    return found


@pytest.fixture
def place(trained: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Stand in a folder with ``runs/ham``, whose int8 files PASS, ``HAM10000/``, ``hospital/`` and ``photo.jpg``."""
    shutil.copytree(trained.run, tmp_path / "runs/ham")
    give_verdicts([tmp_path / f"runs/ham/artifacts/model-int8.{form}" for form in ("tflite", "onnx")])
    catalog_of_drawn(monkeypatch, read_contract(tmp_path / "runs/ham/contract.json"))
    for name in ("HAM10000", "hospital", "holiday-photos"):
        (tmp_path / name).symlink_to(trained.data)
    shutil.copy(trained.photo(), tmp_path / "photo.jpg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def _small_sets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make the built-in set, the whole chain and bundles small."""
    from melanoma_edge.bundle import choice
    from melanoma_edge.cli import chain
    from melanoma_edge.data.synthetic import SyntheticSpec
    from melanoma_edge.training import material

    monkeypatch.setattr(material, "SyntheticSpec", partial(SyntheticSpec, lesions=96, image_size=48))
    monkeypatch.setattr(chain, "configured", partial(chain.configured, width=0.1, image_size=64))
    monkeypatch.setattr(choice, "SHOTS", small_shots())
    monkeypatch.setattr(chain, "quickstart", partial(chain.quickstart, lesions=96, epochs=1))


@pytest.mark.usefixtures("_small_sets")
@pytest.mark.parametrize("example", _examples())
def test_an_example_runs(run: Any, place: Path, example: str) -> None:
    if example.startswith("train"):
        shutil.rmtree(place / "runs/ham")
    if example.startswith("export"):
        shutil.rmtree(place / "runs/ham/artifacts")
    if "ham-bundle" in example and "--out ham-bundle" not in example:
        assert run("bundle", "runs/ham", "--out", "ham-bundle", "--quiet").code == 0
    more = next((options for start, options in LIGHTER.items() if example.startswith(start)), "")
    answer = run(*shlex.split(f"{example} {more}"))
    judged = example.startswith(("export", "parity", "runs compare"))
    assert answer.code in ((0, 5, 6) if judged else (0,)), answer.err
    assert answer.out
    assert "Error: " not in answer.err
