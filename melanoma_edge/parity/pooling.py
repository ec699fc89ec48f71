"""What several folds of one cross-validation are pooled from: each run's split, and what its float model says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import MelanomaEdgeError
from melanoma_edge.evaluation.lesions import Lesions, lesions
from melanoma_edge.evaluation.metrics import Cases, cases_of
from melanoma_edge.parity.blocks import Origin, answers_in_blocks, remove_stale
from melanoma_edge.parity.comparison import JudgedRun, accepted, check_reference, judging
from melanoma_edge.parity.runtimes import RUNTIMES
from melanoma_edge.progress import Progress
from melanoma_edge.runtime.artifact import FORMATS, ArtifactRecord
from melanoma_edge.runtime.base import Runner

REFERENCE = "keras"
_PACKAGE = "tensorflow"


class MatrixRun(JudgedRun, Protocol):
    """What a matrix needs of a run beside what parity needs: ``record.pixels``, the hash of each split's pixels."""

    @property
    def record(self) -> Any:
        """What stands in ``run.json``."""

    @property
    def artifacts(self) -> Path:
        """The folder of exported files."""


@dataclass(frozen=True, eq=False)
class Share:
    """Hold one run's part: its split with its lesions, what its float model says ``[n, classes]``, and its files."""

    run: MatrixRun
    images: Any
    unit: Lesions
    pixels: str
    expected: NDArray[np.float32]
    records: tuple[ArtifactRecord, ...]

    def cases(self, found: NDArray[np.float32]) -> Cases:
        """Return what answers ``[n, classes]`` say of each lesion, decided at the run's threshold."""
        contract = self.run.contract
        return cases_of(found, self.unit, contract.target_columns, contract.threshold)


def joined_cases(parts: Sequence[Cases]) -> Cases:
    """Return the cases of all folds as one; each lesion keeps its fold's threshold."""
    if len(parts) == 1:
        return parts[0]
    return Cases(
        probabilities=np.concatenate([part.probabilities for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        target_columns=parts[0].target_columns,
        threshold=np.concatenate([np.broadcast_to(part.threshold, len(part.labels)) for part in parts]),
    )


def joined_lesions(parts: Sequence[Lesions]) -> Lesions:
    """Return the lesions of all folds as one."""
    starts = np.cumsum([0, *(len(part) for part in parts)])
    return Lesions(
        groups=np.concatenate([part.groups for part in parts]),
        labels=np.concatenate([part.labels for part in parts]),
        of_image=np.concatenate([part.of_image + start for part, start in zip(parts, starts[:-1], strict=True)]),
    )


def share_of(
    run: MatrixRun,
    artifacts: Sequence[Path],
    split: str,
    reference: JudgedRun | None,
    progress: Progress,
    runner_of: Callable[[Path], Runner],
) -> Share:
    """Return one run's part, its float model's answers kept from before or computed now; raises as ``compare``."""
    paths = list(artifacts) or sorted(path for path in run.artifacts.glob("*") if path.suffix in FORMATS)
    records, judged_by, images = accepted(run, paths), judging(run, reference), run.images(split)
    pixels = run.record.pixels[split]
    versions = {one.name: one.version for one in RUNTIMES.values()}
    remove_stale(pixels, versions)
    weights = judged_by.contract.provenance.weights_sha256
    model = f"{weights} temperature {judged_by.contract.temperature!r}"
    origin = Origin(str(judged_by.path.resolve()), model, REFERENCE, _version(), pixels)
    found = answers_in_blocks(lambda: runner_of(judged_by.path), images, origin, progress, "comparing reference").found
    if isinstance(found, MelanomaEdgeError):
        raise found
    check_reference(found, len(images.ids), run.contract, str(judged_by.path))
    unit = lesions(images.groups, images.labels)
    return Share(run, images, unit, pixels, found, tuple(records))


def _version() -> str:
    return version(_PACKAGE)
