"""Parity records read strictly; more of what is refused is in ``test_tampered.py``."""

from __future__ import annotations

import json
from typing import Any

import pytest

from melanoma_edge.bundle.parity import read_record
from melanoma_edge.errors import TrustError


def test_a_record_is_read_whole(files: dict[str, bytes]) -> None:
    record = read_record(json.loads(files["parity/tflite.json"]), "here")
    (judged,) = record.artifacts
    assert (record.groups, record.melanomas, judged.runtime, judged.flips) == (880, 80, "litert", ())
    assert judged.exported and judged.exported.sensitivity and len(judged.checks) == 14


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"schema": "melanoma-edge/parity/2"}, "newer schema"),
        ({"limits": {"decision_agreement": 2}}, "missing key"),
        ({"artifacts": []}, "1 items"),
        ({"melanomas": 881}, "counts contradict"),
        ({"images": 879}, "counts contradict"),
        ({"melanomas": -1}, "counts contradict"),
        ({"threshold": "0.5"}, "must be a float"),
    ],
    ids=str,
)
def test_what_does_not_fit_is_refused(files: dict[str, bytes], change: Any, says: str) -> None:
    with pytest.raises(TrustError, match=says):
        read_record({**json.loads(files["parity/tflite.json"]), **change}, "here")


def test_limits_out_of_range_are_refused(files: dict[str, bytes]) -> None:
    document = json.loads(files["parity/tflite.json"])
    document["limits"]["decision_agreement"] = 2.0
    with pytest.raises(TrustError, match="impossible limits"):
        read_record(document, "here")
