"""Verdicts beside the artifacts they judge."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from melanoma_edge.files import to_json, write_text
from melanoma_edge.parity.gate import Status
from melanoma_edge.parity.verdict import Verdict

UNVERIFIED = "unverified"


def verdict_path(artifact: Path) -> Path:
    """Return where the verdict on an artifact stands."""
    return artifact.with_name(f"{artifact.name}.parity.json")


def save_verdicts(verdict: Verdict) -> list[Path]:
    """Write each artifact's share of a verdict beside it, in place of an older one."""
    document = verdict.to_document()
    paths = []
    for artifact in document["artifacts"]:
        path = verdict_path(Path(artifact["path"]))
        write_text(path, to_json({**document, "verdict": artifact["verdict"], "artifacts": [artifact]}))
        paths.append(path)
    return paths


def recorded_verdict(artifact: Path, sha256: str) -> str:
    """Return the verdict on exactly these bytes: PASS, FAIL, INCONCLUSIVE, or ``unverified`` when there is none."""
    try:
        document: dict[str, Any] = json.loads(verdict_path(artifact).read_text("utf-8"))
        (judged,) = document["artifacts"]
        return Status(judged["verdict"]).value if judged["sha256"] == sha256 else UNVERIFIED
    except (OSError, ValueError, KeyError, TypeError):
        return UNVERIFIED
