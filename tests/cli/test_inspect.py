"""What ``inspect`` shows of a contract fits a screen, however many numbers the contract holds."""

from __future__ import annotations

from typing import Any

import pytest

from melanoma_edge.cli.inspect import _print_contract


def test_a_contract_with_limits_of_strangeness_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    outlier = {"centre": [0.25] * 1280, "directions": ["A" * 1708] * 16, "steps": [0.01] * 16, "limit": 15.5}
    contract: dict[str, Any] = {"classes": ["MEL", "NV"], "safeguards": {"outlier": outlier, "uncertain_from": None}}
    _print_contract(contract)
    shown = capsys.readouterr().out
    assert "MEL, NV" in shown
    words = " ".join(shown.replace("│", " ").split())
    assert "centre 1,280 numbers, directions 16 texts of 1,708 characters, steps" in words
    assert len(shown) < 2000
