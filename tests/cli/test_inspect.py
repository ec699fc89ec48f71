"""What ``inspect`` shows of a contract fits a screen, however many numbers the contract holds."""

from __future__ import annotations

from typing import Any

import pytest

from melanoma_edge.cli.inspect import _print_contract


def test_a_contract_with_limits_of_strangeness_fits_a_screen(capsys: pytest.CaptureFixture[str]) -> None:
    outlier = {"means": [[0.25] * 1280] * 7, "scales": [3.5] * 1280, "limit": 1107.0}
    contract: dict[str, Any] = {"classes": ["MEL", "NV"], "safeguards": {"outlier": outlier, "uncertain_from": None}}
    _print_contract(contract)
    shown = capsys.readouterr().out
    assert "MEL, NV" in shown
    words = " ".join(shown.replace("│", " ").split())
    assert "means 7 x 1,280 numbers, scales 1,280 numbers, limit 1107.0" in words
    assert len(shown) < 2000
