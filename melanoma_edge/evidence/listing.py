"""The runs in a folder, each in one row; a broken one is named and does not hide the others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.contract import stamp
from melanoma_edge.errors import MelanomaEdgeError, TrustError
from melanoma_edge.files import sha256_of
from melanoma_edge.parity.record import recorded_verdict
from melanoma_edge.runtime.artifact import FORMATS
from melanoma_edge.training.run import RECORD, STARTED, Run

SCHEMA = "melanoma-edge/runs/1"
HEADLINES = ("balanced_accuracy", "melanoma_auc", "sensitivity", "specificity")


@dataclass(frozen=True)
class ListedArtifact:
    """Name an exported file and its verdict: PASS, FAIL, INCONCLUSIVE or unverified."""

    file: str
    bytes: int
    verdict: str


@dataclass(frozen=True)
class ListedRun:
    """Hold one run: ``metrics`` are the test split's, ``stamp`` what must stand beside them; ``error`` where broken."""

    name: str
    path: str
    method: str | None
    parent: str | None
    stamp: str
    target: str | None
    threshold: float | None
    metrics: dict[str, Any]
    artifacts: tuple[ListedArtifact, ...]
    error: str | None


def list_runs(folder: Path) -> tuple[ListedRun, ...]:
    """Return the runs in a folder, sorted by name; one that is a run itself is the only row.

    Raises:
        TrustError: when there is no such folder.
    """
    if not folder.is_dir():
        raise TrustError("no such folder", where=str(folder), fix="give a folder with runs in it")
    if _is_run(folder):
        return (_listed(folder),)
    return tuple(_listed(path) for path in sorted(folder.iterdir()) if _is_run(path))


def _is_run(path: Path) -> bool:
    return any((path / name).is_file() for name in (RECORD, STARTED))


def _listed(path: Path) -> ListedRun:
    name = path.resolve().name
    try:
        run = Run.open(path)
    except MelanomaEdgeError as error:
        said = f"{error.what} ({error.where})" if error.where else error.what
        return ListedRun(name, str(path), None, None, "", None, None, {}, (), said)
    test = run.record.metrics.get("test", {})
    return ListedRun(
        name=name,
        path=str(path),
        method=run.record.method,
        parent=run.record.parent.path if run.record.parent else None,
        stamp=stamp(run.contract.provenance),
        target=run.contract.target,
        threshold=run.contract.threshold,
        metrics={key: test.get(key) for key in HEADLINES},
        artifacts=tuple(_artifact(file) for file in sorted(run.artifacts.glob("*")) if file.suffix in FORMATS),
        error=None,
    )


def _artifact(file: Path) -> ListedArtifact:
    return ListedArtifact(file.name, file.stat().st_size, recorded_verdict(file, sha256_of(file)))
