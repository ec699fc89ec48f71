"""The table of bad inputs: what goes in, the exit code, and what is said; nothing half-written is ever left.

With MELANOMA_EDGE_TABLE naming a file, the table is written there as Markdown with the messages of this version.
"""

from __future__ import annotations

import os
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cases import Case
from cases_commands import COMMANDS
from cases_models import MODELS
from cases_training import TRAINING
from scenes import Scene

CASES = (*TRAINING, *MODELS, *COMMANDS)


@pytest.fixture(scope="module")
def rows() -> Iterator[list[tuple[str, int, str]]]:
    """Collect name, exit code and message of each case, and write them where MELANOMA_EDGE_TABLE says."""
    found: list[tuple[str, int, str]] = []
    yield found
    if place := os.environ.get("MELANOMA_EDGE_TABLE"):
        lines = [
            f"| {name} | {code} | {' '.join(message.split()).replace('|', '/')} |" for name, code, message in found
        ]
        Path(place).write_text("\n".join(["| input | exit code | message |", "|---|---|---|", *lines, ""]), "utf-8")


@pytest.fixture
def scene(trained: Any, tmp_path: Path) -> Iterator[Scene]:
    made = Scene(tmp_path, trained.run, trained.data)
    with made.after:
        yield made


def _files(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, scene: Scene, trained: Any, run: Any, rows: list[tuple[str, int, str]]) -> None:
    names = {"tmp": scene.tmp, "run": scene.run, "data": scene.data, "photo": trained.photo()}
    names |= {"int8": trained.artifact("model-int8.tflite"), "model": scene.tmp / "model.tflite"}
    case.spoil(scene)
    before, in_run = _files(scene.tmp), _files(scene.run)
    answer = run(*(part.format(**names) for part in shlex.split(case.command)))
    rows.append((case.name, answer.code, _short(answer.err, scene)))
    assert (answer.code, case.says in answer.err) == (case.code, True), answer.err
    lines = answer.err.splitlines()
    assert any(line.startswith("Error: ") for line in lines) and any(line.startswith("Fix: ") for line in lines)
    assert "Traceback" not in answer.err
    assert _files(scene.run) == in_run
    left = _files(scene.tmp) - before
    # What was decoded before the mistake was met is kept in the cache, for the next attempt.
    assert not [name for name in left if not name.startswith("cache/")]


def _short(text: str, scene: Scene) -> str:
    for path, name in ((scene.run, "RUN"), (scene.data, "DATA"), (scene.tmp, "TMP")):
        text = text.replace(str(path), name)
    return text[text.find("Error: ") :]


def test_there_are_enough_cases_with_names_of_their_own() -> None:
    assert len({case.name for case in CASES}) == len(CASES) >= 45
