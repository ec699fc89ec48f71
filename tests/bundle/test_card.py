"""The model card says nothing that the bundle's JSON does not."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from melanoma_edge.bundle.card import model_card
from melanoma_edge.contract import INTENDED_USE
from melanoma_edge.parity.gate import Status
from melanoma_edge.parity.record import Remade
from melanoma_edge.safeguards import OutlierLimits

NUMBER = re.compile(r"(?<![\w.])[+-]?\d[\d,]*(?:\.\d+)?(?![\w.]*\w)")
SAID = {"95"}
"""The level of every interval, which is the toolkit's and no result."""


def numbers(value: Any) -> Iterator[float]:
    if isinstance(value, dict):
        for item in value.values():
            yield from numbers(item)
    elif isinstance(value, list):
        for item in value:
            yield from numbers(item)
    elif isinstance(value, int | float) and not isinstance(value, bool):
        yield value


def texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)
    elif isinstance(value, str):
        yield value


def test_every_number_is_in_the_json(files: dict[str, bytes]) -> None:
    documents = [json.loads(data) for name, data in files.items() if name.endswith(".json")]
    known = [number for document in documents for number in numbers(document)]
    words = " ".join(text for document in documents for text in texts(document))
    found = set(NUMBER.findall(files["model_card.md"].decode())) - SAID
    assert len(found) > 20
    for text in found:
        plain = text.replace(",", "")
        digits = len(plain.partition(".")[2])
        as_number = any(f"{number:.{digits}f}" == plain for number in known)
        assert as_number or re.search(rf"(?<![\w.]){re.escape(text)}(?!\w)", words), text


def test_it_says_what_people_must_know(files: dict[str, bytes]) -> None:
    card = files["model_card.md"].decode()
    assert INTENDED_USE in card
    assert "Trained on synthetic images" in card
    assert "0 of 80 melanoma lesions no longer referred" in card
    for title in ("Identity", "Intended use", "Evidence", "Calibration", "Limits"):
        assert f"## {title}" in card
    manifest = json.loads(files["manifest.json"])
    assert all(one["sha256"] in card for one in manifest["artifacts"].values())


def test_a_model_of_real_images_is_not_called_synthetic(chosen: Any) -> None:
    assert "INCONCLUSIVE" not in model_card(chosen) and "synthetic" in model_card(chosen)


@pytest.mark.parametrize(
    ("verdict", "changed", "says"),
    [
        (Status.INCONCLUSIVE, False, "**INCONCLUSIVE: the test had too few lesions to prove"),
        (Status.PASS, True, "limits that were changed for it"),
        (Status.PASS, True, "**Judged at limits that were changed"),
    ],
)
def test_what_is_weaker_than_a_pass_is_said(chosen: Any, verdict: Status, changed: bool, says: str) -> None:
    from dataclasses import replace

    assert says not in model_card(chosen)
    sources = {form: replace(one, verdict=Remade(verdict, changed)) for form, one in chosen.sources.items()}
    card = model_card(replace(chosen, sources=sources))
    assert says in card
    assert not says.startswith("**") or card.index(says) < card.index("## Identity")


def test_it_says_when_no_answer_is_given(chosen: Any) -> None:
    from dataclasses import replace

    card = model_card(chosen)
    assert "more than 200 %" in card and "overexposed in more than 50 of" in card and "however unlike" in card
    record = chosen.sources["tflite"].record
    limits = replace(record.contract.effective_safeguards, outlier=OutlierLimits((0.0,), ("AA==",), (1.0,), 1.0))
    contract = replace(record.contract, safeguards=limits)
    source = replace(chosen.sources["tflite"], record=replace(record, contract=contract))
    assert "when it is unlike those" in model_card(replace(chosen, sources={"tflite": source}))
