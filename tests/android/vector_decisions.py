"""Vectors of decisions: answers bit by bit, and the state that Python reaches."""

from __future__ import annotations

import itertools
import json
import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from melanoma_edge.contract import SCHEMA, ModelContract, OperatingPoint, PixelRecipe, Provenance
from melanoma_edge.decision import decide, is_outlier, outlier_score
from melanoma_edge.quality import Finding
from melanoma_edge.safeguards import OutlierLimits, Safeguards, default_safeguards, text_of
from melanoma_edge.strictjson import to_plain

CONTRACT = ModelContract(
    schema=SCHEMA,
    name="toy",
    classes=("AK", "BCC", "BKL", "MEL", "NV", "SCC"),
    target="malignant",
    target_classes=("SCC", "MEL", "BCC"),
    melanoma_classes=("MEL",),
    malignant_classes=("MEL", "BCC", "SCC"),
    class_prior=(0.125, 0.125, 0.25, 0.125, 0.25, 0.125),
    input_size=160,
    input_range=(0, 255),
    image_types=("dermoscopic",),
    pixels=PixelRecipe(),
    temperature=1.0,
    operating_point=OperatingPoint(0.3125, 0.95, 80, 0, True),
    intended_use="tests",
    provenance=Provenance("melanoma-edge", "train", ("toy",), ("none",), True, "0" * 64, "1" * 64, "1" * 64),
)
_NEAR = OutlierLimits((0.1, -0.2, 0.3), (text_of((75, 75, 70)),), (0.0079,), 1.25)
_PLAIN = default_safeguards(160)
SAFEGUARDS = {
    "plain": _PLAIN,
    "doubtful": replace(_PLAIN, uncertain_from=0.125),
    "all": Safeguards(_PLAIN.quality, _NEAR, 0.125),
}
_EMBEDDINGS = (None, (0.1, -0.2, 0.3), (1.0, 1.0, 1.0), (9.0, -9.0, 9.0), (math.nan, 0.0, 0.0), (0.1, -0.2))


def decisions() -> dict[str, Any]:
    """Return a contract, limits by name, and cases of what was found and answered, with the decision."""
    answers = _answers()
    cases = [_case("doubtful", (), answer, None) for answer in answers]
    found = ((), (Finding.BLURRED,), (Finding.TOO_SMALL, Finding.COLOURLESS), (Finding.COLOURLESS,))
    few = [None, answers[0], answers[7], answers[-1]]
    cases += [_case("all", *case) for case in itertools.product(found, few, _EMBEDDINGS)]
    cases += [_case("plain", (finding,), answers[0], None) for finding in Finding if finding != Finding.OUTLIER]
    return {
        "contract": json.loads(CONTRACT.to_json()),
        "safeguards": {name: to_plain(safeguards) for name, safeguards in SAFEGUARDS.items()},
        "cases": cases,
    }


def _answers() -> list[Sequence[float]]:
    """Return probabilities around the threshold and the limit of doubt, and what are none."""
    around = [score + step * 2**-24 for score in (0.3125, 0.125) for step in (-2, -1, 0, 1, 2)]
    answers: list[Sequence[float]] = [_shared(score) for score in (*around, 0.0, 1.0, 0.2, 0.05)]
    random = np.random.default_rng(8)
    answers += [(values / values.sum()).astype(np.float32).tolist() for values in random.random((40, 6))]
    answers += [[0.5, 0.5, 0.1, 0.0, 0.0, 0.0], [0.2] * 5, [1.0], [-0.1, 0.3, 0.2, 0.2, 0.2, 0.2], [0.0] * 6]
    answers += [[math.nan, *[0.2] * 5], [math.inf, *[0.0] * 5], [0.2, 0.2, 0.2, 0.2, 0.2, 0.0009]]
    return [*answers, [0.2, 0.2, 0.2, 0.2, 0.2, 0.0011]]


def _shared(score: float) -> list[float]:
    third = np.float32(score / 3)
    return [float(value) for value in (1 - score, third, 0.0, third, 0.0, np.float32(score - 2 * float(third)))]


def _case(
    name: str, found: Sequence[Finding], answer: Sequence[float] | None, embedding: Sequence[float] | None
) -> dict[str, Any]:
    given = [None if values is None else np.array(values, np.float32) for values in (answer, embedding)]
    decision = decide(CONTRACT, SAFEGUARDS[name], found, *given)
    return {
        "safeguards": name,
        "found": [str(finding) for finding in found],
        "probabilities": None if answer is None else float_bits(answer),
        "embedding": None if embedding is None else float_bits(embedding),
        "state": str(decision.state),
        "findings": [str(finding) for finding in decision.findings],
        "score": None if decision.score is None else double_bits(decision.score),
    }


def outliers() -> list[dict[str, Any]]:
    """Return limits, an embedding, how much of it is foreign, to the bit, and whether that is too much."""
    random = np.random.default_rng(12)
    cases = []
    for length, count in [(1, 1), (2, 1), (3, 2), (8, 7), (448, 12), (96, 64)] * 2:
        centre, vectors = random.normal(0, 1, length).round(4), random.integers(-128, 128, (count, length))
        steps = (1 / np.maximum(np.sqrt((vectors**2).sum(axis=1)), 1)).round(6)
        directions = tuple(map(text_of, vectors.tolist()))
        limits = OutlierLimits(tuple(centre.tolist()), directions, tuple(steps.tolist()), float(length))
        cases.append(_foreign(limits, random.normal(0, 1, length)))
    cases += [_foreign(_NEAR, values) for values in _EMBEDDINGS if values is not None and len(values) == 3]
    cases += [_foreign(_NEAR, (0.0, 0.0, value)) for value in (math.inf, -math.inf, math.nan, 3e38)]
    return cases


def _foreign(limits: OutlierLimits, embedding: Sequence[float] | Any) -> dict[str, Any]:
    values = np.array(embedding, np.float32)
    return {
        "outlier": to_plain(limits),
        "embedding": float_bits(values),
        "score": double_bits(outlier_score(values, limits)),
        "is_outlier": is_outlier(values, limits),
    }


def float_bits(values: Sequence[float] | Any) -> list[str]:
    """Return 32-bit floats as hexadecimal, NaN included."""
    return [struct.pack(">f", float(value)).hex() for value in values]


def double_bits(value: float) -> str:
    """Return a 64-bit float as hexadecimal."""
    return struct.pack(">d", value).hex()
