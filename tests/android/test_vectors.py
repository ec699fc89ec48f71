"""The vectors that Kotlin is tested with are what Python does today."""

from __future__ import annotations

import json

import pytest
from android.vectors import FOLDER, VECTORS, text


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_in_the_checkout_are_what_python_writes(name: str) -> None:
    if (FOLDER / f"{name}.json").read_text("utf-8") != text(name):
        pytest.fail(f"{name}.json is out of date: run python tests/android/vectors.py and look at the difference")


def test_nothing_else_lies_among_the_vectors() -> None:
    found = {path.name for path in FOLDER.iterdir()}
    assert found == {f"{name}.json" for name in VECTORS}
    assert sum((FOLDER / name).stat().st_size for name in found) < 2_000_000


def test_what_a_phone_accepts_python_accepts_too() -> None:
    cases = json.loads((FOLDER / "files.json").read_text("utf-8"))["cases"]
    assert [case["name"] for case in cases if case["unfit"] is None and case["orientation"] is None] == []
