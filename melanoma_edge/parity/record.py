"""Verdicts beside the artifacts they judge."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.contract import check_schema
from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.files import to_json, write_text
from melanoma_edge.parity.answers import forget_answers, write_answers
from melanoma_edge.parity.gate import Check, Limits, Status, overall
from melanoma_edge.parity.verdict import SCHEMA, Verdict
from melanoma_edge.strictjson import from_plain

UNVERIFIED = "unverified"
CHANGED = "limits changed"
_SOUND = {"finite_outputs", "constant_output", "labels_match", "shape_match"}
_AT_LEAST = {
    *("class_agreement", "decision_agreement", "constant_output"),
    *("balanced_accuracy_change", "macro_auc_change", "melanoma_auc_change"),
}


def verdict_path(artifact: Path) -> Path:
    """Return where the verdict on an artifact stands."""
    return artifact.with_name(f"{artifact.name}.parity.json")


def save_verdicts(verdict: Verdict) -> list[Path]:
    """Write each artifact's share of a verdict beside it, and the answers it was made of, in place of older ones.

    Stopped at any moment, no answers lie beside a record that was not made of them.
    """
    document = verdict.to_document()
    paths = []
    for judged, artifact in zip(verdict.artifacts, document["artifacts"], strict=True):
        file = Path(judged.path)
        forget_answers(file)
        write_text(verdict_path(file), to_json({**document, "verdict": artifact["verdict"], "artifacts": [artifact]}))
        if judged.answers is not None:
            write_answers(file, judged.answers)
        paths.append(verdict_path(file))
    return paths


@dataclass(frozen=True)
class Remade:
    """Hold what a record's numbers say, and whether at the usual limits."""

    verdict: Status
    limits_changed: bool


def recorded_verdict(artifact: Path, sha256: str) -> str:
    """Return the verdict on exactly these bytes: PASS, FAIL or INCONCLUSIVE, or ``unverified`` when there is none.

    It bears a note where the limits are not the usual ones.
    """
    try:
        document = json.loads(verdict_path(artifact).read_text("utf-8"))
    except (OSError, ValueError, RecursionError):
        return UNVERIFIED
    found = remade(document, sha256)
    if found is None:
        return UNVERIFIED
    return f"{found.verdict.value} ({CHANGED})" if found.limits_changed else found.verdict.value


def remade(document: Any, sha256: str) -> Remade | None:
    """Make the verdict on exactly these bytes again of the recorded numbers, whatever the record says in sum.

    Returns:
        None when the record is not about them, not about the test split, incomplete, or contradicts itself.
    """
    try:
        check_schema(document, SCHEMA, "parity record")
        (judged,) = document["artifacts"]
        limits = from_plain(Limits, document["limits"], "limits")
        about_this = judged["sha256"] == sha256 and document["split"] == "test"
        checks = recorded_checks(judged["checks"])
        if not about_this or misfits(judged, checks, limits, document["melanomas"]):
            return None
    except (ValueError, KeyError, TypeError, RecursionError, MelanomaEdgeError):
        return None
    return Remade(overall(check.status for check in checks), limits != Limits())


def recorded_checks(found: Iterable[Mapping[str, Any]]) -> list[Check]:
    """Return checks as they stand in JSON; raises ``ValueError``, ``KeyError`` or ``TypeError`` for what is none."""
    return [Check(**{**check, "status": Status(check["status"])}) for check in found]


def misfits(judged: Mapping[str, Any], checks: Sequence[Check], limits: Limits, targets: int) -> list[str]:
    """Return the names of checks that are missing, or whose status is not what their own numbers say.

    Outputs were compared, by every check, unless one of those of their soundness failed: then, and only then, there are
    no numbers in ``exported``, no flips and no other checks.

    Args:
        judged: what is said of one file.
        checks: of that file.
        limits: of the record.
        targets: how many lesions of the target the split has.

    Raises:
        KeyError: for a check that there is not.
    """
    allowed = {**asdict(limits), "melanomas_lost": limits.lost_allowed(targets)}
    names, compared = {check.name for check in checks}, judged["exported"] is not None
    unsound = any(check.name in _SOUND and check.status is Status.FAIL for check in checks)
    wrong = {"exported"} if compared == unsound else set()
    wrong |= (_SOUND | set(allowed)) - names if compared else names - _SOUND
    wrong |= {"flips"} if judged["flips"] and not compared else set()
    return [*sorted(wrong), *(check.name for check in checks if not _fits(check, allowed))]


def _fits(check: Check, allowed: dict[str, Any]) -> bool:
    """Tell whether a status is what its own numbers say, at the limit of the record."""
    sound = check.name in _SOUND
    number = check.value if sound else check.would_pass_at
    if not sound and check.limit != allowed[check.name]:
        return False
    if number is None or check.limit is None:
        return sound or check.status is Status.INCONCLUSIVE
    within = number >= check.limit if check.name in _AT_LEAST else number <= check.limit
    return within == (check.status is Status.PASS)
