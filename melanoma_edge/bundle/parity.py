"""Parity records of a bundle, read as strictly as its other documents."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from melanoma_edge.bundle.documents import REMAKE, fitted
from melanoma_edge.errors import TrustError
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.verdict import SCHEMA, Flip


@dataclass(frozen=True)
class Interval:
    """Hold a number and the ends of its interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class CheckRecord:
    """Hold one check of the gate; see ``parity.gate.Check``."""

    name: str
    value: float | None
    limit: float | None
    status: str
    would_pass_at: float | None
    why: str


@dataclass(frozen=True)
class Headlines:
    """Hold the eight numbers that are compared between models; None where one is not defined."""

    accuracy: Interval | None
    balanced_accuracy: Interval | None
    macro_auc: Interval | None
    melanoma_auc: Interval | None
    sensitivity: Interval | None
    specificity: Interval | None
    brier: Interval | None
    ece: Interval | None


@dataclass(frozen=True)
class JudgedRecord:
    """Hold what was found about one model; see ``parity.verdict.ArtifactVerdict``."""

    path: str
    sha256: str
    bytes: int
    format: str
    precision: str
    runtime: str
    runtime_options: dict[str, str]
    verdict: str
    checks: tuple[CheckRecord, ...]
    float: Headlines
    exported: Headlines | None
    flips: tuple[Flip, ...]


@dataclass(frozen=True)
class ParityRecord:
    """Hold the record of one model's test; see ``parity.verdict.Verdict``."""

    schema: str
    run: str
    verdict: str
    split: str
    images: int
    groups: int
    melanomas: int
    target: str
    synthetic: bool
    reference: str
    threshold: float
    limits: Limits
    resamples: int
    seed: int
    artifacts: tuple[JudgedRecord]


def read_record(document: Any, where: str) -> ParityRecord:
    """Return parsed JSON as the record of one model's test.

    Raises:
        TrustError: for another schema, for keys that are unknown, missing or of another type, for several models or
            none, and for counts that contradict each other.
    """
    record = fitted(ParityRecord, document, SCHEMA, where, "record")
    names = [check.name for check in record.artifacts[0].checks]
    wrong = "" if 0 <= record.melanomas <= record.groups <= record.images else "counts contradict each other"
    wrong = wrong or ("" if len(set(names)) == len(names) else "a check stands there twice")
    if wrong:
        raise TrustError(f"record of a test in which {wrong}", where=where, fix=REMAKE)
    return record
