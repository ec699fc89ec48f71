"""The contract: byte for byte there and back, and nothing doubtful accepted."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toys import toy_contract

from melanoma_edge.contract import (
    SCHEMA,
    ModelContract,
    OperatingPoint,
    PixelRecipe,
    Provenance,
    check_schema,
    read_contract,
    stamp,
)
from melanoma_edge.errors import TrustError
from melanoma_edge.safeguards import OutlierLimits, QualityLimits, Safeguards, default_safeguards, text_of
from melanoma_edge.strictjson import Mismatch

CONTRACT = toy_contract(
    classes=("MEL", "NV", "BCC"),
    malignant_classes=("MEL", "BCC"),
    input_size=160,
    temperature=1.25,
    operating_point=OperatingPoint(0.125, 0.95, 80, 3, False),
)
DOCUMENT: dict[str, Any] = json.loads(CONTRACT.to_json())
SAFEGUARDS = Safeguards(QualityLimits(224), OutlierLimits((0.5, -1.0), (text_of([127, -128]),), (0.25,), 9.5), 0.0625)

words = st.text(max_size=12)
shares = st.floats(0, 1)
counts = st.integers(0, 10**6)
points = st.builds(
    lambda threshold, aim, hits, misses, certified: OperatingPoint(threshold, aim, hits + misses, misses, certified),
    *(shares, shares, counts, counts, st.booleans()),
)
lists = st.lists(words, max_size=3).map(tuple)
provenances = st.builds(Provenance, words, words, lists, lists, st.booleans(), words, words, words, st.booleans())


@st.composite
def contracts(draw: st.DrawFn) -> ModelContract:
    classes = draw(st.lists(words, min_size=2, max_size=9, unique=True).map(tuple))
    some = st.lists(st.sampled_from(classes), unique=True).map(tuple)
    raw = draw(st.lists(st.floats(0.01, 1), min_size=len(classes), max_size=len(classes)))
    return ModelContract(
        schema=SCHEMA,
        name=draw(words),
        classes=classes,
        target=draw(words),
        target_classes=draw(some.filter(lambda part: 0 < len(part) < len(classes))),
        melanoma_classes=draw(some),
        malignant_classes=draw(some),
        class_prior=tuple(share / sum(raw) for share in raw),
        input_size=draw(st.integers(1, 4096)),
        input_range=(0, 255),
        image_types=draw(lists),
        pixels=PixelRecipe(),
        temperature=draw(st.floats(1e-6, 1e6)),
        operating_point=draw(points),
        intended_use=draw(words),
        provenance=draw(provenances),
    )


@given(contracts())
def test_a_contract_is_read_back_byte_for_byte(contract: ModelContract) -> None:
    text = contract.to_json()
    back = ModelContract.from_json(text)
    assert back == contract
    assert back.to_json().encode() == text.encode()
    assert back.sha256 == contract.sha256


@given(contracts(), contracts())
def test_only_equal_contracts_have_equal_hashes(one: ModelContract, other: ModelContract) -> None:
    assert (one.to_json() == other.to_json()) == (one.sha256 == other.sha256)


def test_a_file_is_read_back(tmp_path: Path) -> None:
    (tmp_path / "contract.json").write_text(CONTRACT.to_json(), "utf-8")
    assert read_contract(tmp_path / "contract.json") == CONTRACT


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"colour": "red"}, "unknown key colour in contract"),
        ({"classes": "MEL"}, "contract.classes must be a list"),
        ({"input_size": "160"}, "contract.input_size must be a int"),
        ({"input_size": 160.0}, "contract.input_size must be a int"),
        ({"temperature": None}, "contract.temperature must be a float"),
        ({"temperature": True}, "contract.temperature must be a float"),
        ({"input_range": [0, 255, 0]}, "contract.input_range must be 2 items"),
        ({"operating_point": {"threshold": 0.5}}, "missing key target_sensitivity"),
        ({"pixels": {**DOCUMENT["pixels"], "gamma": 2}}, "unknown key gamma in contract.pixels"),
    ],
)
def test_a_document_that_does_not_fit_is_refused_with_the_place(change: dict[str, Any], message: str) -> None:
    with pytest.raises(TrustError, match=message) as caught:
        ModelContract.from_document({**DOCUMENT, **change}, "model.tflite")
    assert caught.value.where == "model.tflite"


@pytest.mark.parametrize("name", sorted(set(DOCUMENT) - {"schema"}))
def test_every_key_is_needed(name: str) -> None:
    document = {key: value for key, value in DOCUMENT.items() if key != name}
    with pytest.raises(TrustError, match=f"missing key {name} in contract"):
        ModelContract.from_document(document)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"classes": ("MEL", "MEL", "BCC")}, "different names"),
        ({"classes": ("MEL",), "class_prior": (1.0,)}, "two or more"),
        ({"target_classes": ("SCC",)}, "among classes"),
        ({"melanoma_classes": ("SCC",)}, "among classes"),
        ({"malignant_classes": ("SCC",)}, "among classes"),
        ({"target_classes": ("MEL", "MEL")}, "each once"),
        ({"target_classes": ()}, "must not be empty or everything"),
        ({"target_classes": ("MEL", "NV", "BCC")}, "must not be empty or everything"),
        ({"class_prior": (0.5, 0.5)}, "one share per class"),
        ({"class_prior": ()}, "one share per class"),
        ({"class_prior": (0.5, 0.6, -0.1)}, "one share per class"),
        ({"class_prior": (0.5, 0.5, 0.5)}, "one share per class"),
        ({"class_prior": (0.5, float("nan"), 0.5)}, "one share per class"),
        ({"input_size": 0}, "input_size must be positive"),
        ({"input_range": (-1, 1)}, "input_range must be 0 and 255"),
        ({"pixels": PixelRecipe(resize="nearest")}, "pixel recipe"),
        ({"pixels": PixelRecipe(version=2)}, "pixel recipe"),
        ({"temperature": 0.0}, "temperature must be positive"),
        ({"temperature": float("inf")}, "temperature must be positive"),
        ({"temperature": float("nan")}, "temperature must be positive"),
        ({"operating_point": OperatingPoint(1.5, 0.95, 1, 0, False)}, "threshold must lie"),
        ({"operating_point": OperatingPoint(float("nan"), 0.95, 1, 0, False)}, "threshold must lie"),
        ({"operating_point": OperatingPoint(0.5, float("nan"), 1, 0, False)}, "target sensitivity must lie"),
        ({"operating_point": OperatingPoint(0.5, 0.95, 1, 2, False)}, "misses must not be more"),
        ({"operating_point": OperatingPoint(0.5, 0.95, -1, -1, False)}, "misses must not be more"),
    ],
)
def test_contradictions_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        replace(CONTRACT, **change)


def test_contradictions_in_a_document_are_a_matter_of_trust() -> None:
    with pytest.raises(TrustError, match="input_size must be positive"):
        ModelContract.from_document({**DOCUMENT, "input_size": -1})


def test_a_contract_without_safeguards_keeps_its_bytes_and_has_the_defaults() -> None:
    assert "safeguards" not in CONTRACT.to_json()
    assert CONTRACT.effective_safeguards == default_safeguards(160)


def test_safeguards_are_read_back_and_hold() -> None:
    contract = replace(CONTRACT, safeguards=SAFEGUARDS)
    assert ModelContract.from_json(contract.to_json()) == contract
    assert contract.effective_safeguards == SAFEGUARDS
    assert contract.sha256 != CONTRACT.sha256


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"uncertain_from": 0.125}, "uncertain_from must lie below the threshold"),
        ({"quality": QualityLimits(0)}, "smallest_side must be positive"),
    ],
)
def test_safeguards_that_make_no_sense_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(Mismatch, match=message):
        replace(CONTRACT, safeguards=replace(SAFEGUARDS, **change))


def test_safeguards_in_a_document_are_read_strictly() -> None:
    document = json.loads(replace(CONTRACT, safeguards=SAFEGUARDS).to_json())
    del document["safeguards"]["quality"]["least_colour"]
    with pytest.raises(TrustError, match=r"missing key least_colour in contract\.safeguards\.quality"):
        ModelContract.from_document(document)


def test_many_target_classes_are_added_one_after_the_other() -> None:
    classes = tuple("abcdefghijkl")
    contract = replace(
        CONTRACT,
        classes=classes,
        class_prior=(1 / 12,) * 12,
        target_classes=classes[:11],
        melanoma_classes=(),
        malignant_classes=(),
    )
    values = np.random.default_rng(3).random((40, 12)).astype(np.float32)
    for row, score in zip(values, contract.target_score(values), strict=True):
        total = 0.0
        for value in row[:11]:
            total += float(value)
        assert score == total == contract.target_score(row)


def test_a_newer_schema_asks_for_an_upgrade() -> None:
    with pytest.raises(TrustError, match="newer schema") as caught:
        ModelContract.from_document({**DOCUMENT, "schema": "melanoma-edge/contract/12", "novelty": 1})
    assert caught.value.fix == "upgrade melanoma-edge"


@pytest.mark.parametrize(
    "schema",
    [
        "melanoma-edge/run/1",
        "melanoma-edge/run/2",
        "melanoma-edge/contract/0",
        "melanoma-edge/contract/²",
        f"melanoma-edge/contract/{'9' * 5000}",
        "contract",
        "",
        None,
        1,
    ],
)
def test_another_schema_is_refused_without_advice_to_upgrade(schema: Any) -> None:
    with pytest.raises(TrustError, match="but this version reads") as caught:
        check_schema({"schema": schema}, SCHEMA, "file")
    assert "upgrade" not in caught.value.fix


@pytest.mark.parametrize("text", ["", "{", "[]", "null", "3", '"text"', '{"schema": NaN}', "[" * 100_000])
def test_broken_text_is_refused(text: str) -> None:
    with pytest.raises(TrustError):
        ModelContract.from_json(text)


@given(st.text())
def test_wild_text_is_refused(text: str) -> None:
    with pytest.raises(TrustError):
        ModelContract.from_json(text)


@pytest.mark.parametrize("content", [None, b"\xff\xfe"])
def test_a_missing_or_binary_file_is_refused(tmp_path: Path, content: bytes | None) -> None:
    if content:
        (tmp_path / "contract.json").write_bytes(content)
    with pytest.raises(TrustError, match="contract missing or not text"):
        read_contract(tmp_path / "contract.json")


def test_scores_sum_the_classes_they_name() -> None:
    probabilities = np.array([[0.25, 0.5, 0.25], [0.125, 0.75, 0.125]], np.float32)
    assert CONTRACT.target_score(probabilities).tolist() == [0.25, 0.125]
    melanoma, malignant = CONTRACT.melanoma_score(probabilities), CONTRACT.malignant_score(probabilities)
    assert melanoma is not None and malignant is not None
    assert melanoma.tolist() == [0.25, 0.125]
    assert malignant.tolist() == [0.5, 0.25]


def test_the_score_of_one_image_is_a_number() -> None:
    score = CONTRACT.target_score(np.array([0.25, 0.5, 0.25], np.float32))
    assert (score.shape, score.dtype, float(score)) == ((), np.float64, 0.25)


def test_where_no_class_is_melanoma_there_is_no_melanoma_score() -> None:
    binary = replace(CONTRACT, melanoma_classes=(), malignant_classes=())
    assert binary.melanoma_score(np.ones((1, 3))) is None
    assert binary.malignant_score(np.ones((1, 3))) is None


def test_the_threshold_is_that_of_the_operating_point() -> None:
    assert CONTRACT.threshold == 0.125


def test_agreement_counts_classes_decisions_and_the_score() -> None:
    target, other = (CONTRACT.classes.index(name) for name in (CONTRACT.target_classes[0], "NV"))
    before = np.zeros((4, len(CONTRACT.classes)))
    before[:, target], before[:, other] = CONTRACT.threshold + 0.01, 0.9
    after = before.copy()
    after[0, target] -= 0.02
    after[1, other] = 0.0
    found = CONTRACT.agreement(before, after)
    assert (found["class_agreement"], found["decision_agreement"]) == (0.75, 0.75)
    assert found["mean_score_change"] == pytest.approx(0.005)


def test_what_leaks_is_stamped_and_what_does_not_keeps_its_bytes() -> None:
    assert "leaky" not in CONTRACT.to_json()
    leaky = replace(CONTRACT, provenance=replace(CONTRACT.provenance, leaky=True))
    assert ModelContract.from_json(leaky.to_json()) == leaky
    assert stamp(leaky.provenance) == "LEAKY split, synthetic images"
    assert stamp(replace(leaky.provenance, synthetic=False)) == "LEAKY split"
    assert stamp(replace(CONTRACT.provenance, synthetic=False)) == ""
