"""Running the command line inside a test."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from melanoma_edge.cli.main import main

sys.path.insert(0, str(Path(__file__).parent))  # so that the table of bad inputs finds its scenes


@dataclass(frozen=True)
class Answer:
    """Hold what a command left: exit code, stdout and stderr."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> Any:
        """The one JSON document on stdout; NaN and Infinity are refused."""
        return json.loads(self.out, parse_constant=_refused)


def _refused(name: str) -> None:
    raise AssertionError(f"{name} in JSON")


Run = Callable[..., Answer]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    """Run a command in this process."""

    def call(*arguments: object) -> Answer:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        return Answer(code, said.out, said.err)

    return call
