"""What is evaluated: a run's float model, or an exported file with the run it came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import TrustError, UsageError
from melanoma_edge.parity.comparison import accepted
from melanoma_edge.runtime.artifact import ArtifactRecord, read_record
from melanoma_edge.training.run import RECORD, Run


@dataclass(frozen=True, eq=False)
class Model:
    """Hold one model: ``path`` is what a runtime opens; ``record`` is None for a run's float model.

    ``run`` is None for an exported file that lies beside no run.
    """

    path: Path
    run: Run | None
    record: ArtifactRecord | None
    contract: ModelContract

    @property
    def name(self) -> str:
        """What people call it: the run's folder, or the file."""
        return self.path.resolve().name


def open_models(paths: Sequence[Path]) -> list[Model]:
    """Open runs and exported files; the run of a file is the folder above ``artifacts/`` in which the file lies.

    Raises:
        UsageError: when one is named twice.
        TrustError: for what is missing, was changed, or a file that is not of the run it lies in.
    """
    resolved = [path.resolve() for path in paths]
    twice = sorted({str(path) for path, where in zip(paths, resolved, strict=True) if resolved.count(where) > 1})
    if twice:
        raise UsageError("a model is named twice", where=", ".join(twice), fix="name each model once")
    return [_model(path) for path in paths]


def _model(path: Path) -> Model:
    if path.is_dir():
        run = Run.open(path)
        return Model(path, run, None, run.contract)
    if not path.exists():
        fix = "give a folder made by `train` or a file made by `export`"
        raise TrustError("no such run or artifact", where=str(path), fix=fix)
    home = path.parent.parent if len(path.parts) > 2 else path.resolve().parent.parent
    if not (home / RECORD).is_file():
        record = read_record(path)
        return Model(path, None, record, record.contract)
    run = Run.open(home)
    (record,) = accepted(run, [path])
    return Model(path, run, record, record.contract)
