"""What parity answers, and its JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from melanoma_edge.contract import ModelContract
from melanoma_edge.evaluation.lesions import Ints, lesions
from melanoma_edge.evaluation.metrics import Metrics
from melanoma_edge.parity.answers import PairedAnswers
from melanoma_edge.parity.gate import Check, Limits, Status, overall
from melanoma_edge.strictjson import OPTIONAL, to_plain

SCHEMA = "melanoma-edge/parity/1"


@dataclass(frozen=True)
class Flip:
    """Name one lesion whose class or decision changed, by its first image.

    ``melanoma_lost`` is true where a lesion of the target (malignant where the labels know no melanoma) was
    referred by the reference and is not by the exported model. ``threshold`` is the lesion's own, where pooled folds
    have several; else None: the contract's decides.
    """

    image_id: str
    group: str
    label: str
    float_class: str
    exported_class: str
    float_score: float
    exported_score: float
    melanoma_lost: bool
    threshold: float | None = field(default=None, metadata=OPTIONAL)


@dataclass(frozen=True)
class Judgement:
    """Hold what was found about one set of outputs; ``exported_metrics`` is None where they are no probabilities."""

    verdict: Status
    checks: tuple[Check, ...]
    flips: tuple[Flip, ...]
    float_metrics: Metrics
    exported_metrics: Metrics | None

    def __bool__(self) -> bool:
        return self.verdict is Status.PASS


@dataclass(frozen=True)
class ArtifactVerdict:
    """Judge one artifact, run by one runtime, on one split.

    ``runtime_options`` are the settings of the runtime that are not its defaults and can change what it answers: the
    verdict holds for apps that set them too. ``answers`` are what the judgement was made of, None where the outputs
    could not be compared; they stand in a table beside the artifact, never in the JSON.
    """

    path: str
    sha256: str
    bytes: int
    format: str
    precision: str
    runtime: str
    runtime_options: dict[str, str]
    judgement: Judgement
    answers: PairedAnswers | None = field(default=None, compare=False, repr=False)

    @property
    def verdict(self) -> Status:
        """The answer."""
        return self.judgement.verdict

    def __bool__(self) -> bool:
        return bool(self.judgement)

    def to_document(self) -> dict[str, Any]:
        """Return what stands in the list ``artifacts`` of the parity JSON."""
        found, exported = self.judgement, self.judgement.exported_metrics
        return {
            "path": self.path,
            "sha256": self.sha256,
            "bytes": self.bytes,
            "format": self.format,
            "precision": self.precision,
            "runtime": self.runtime,
            "runtime_options": self.runtime_options,
            "verdict": found.verdict.value,
            "checks": [to_plain(check) | {"status": check.status.value} for check in found.checks],
            "float": to_plain(found.float_metrics.headline()),
            "exported": to_plain(exported.headline()) if exported else None,
            "flips": to_plain(found.flips),
        }


@dataclass(frozen=True)
class Verdict:
    """Judge the artifacts of a run against its reference, on the same images.

    ``melanomas`` counts lesions of ``target``; ``synthetic`` images and ``leaky`` splits say nothing about people.
    ``reference`` is the hash of the reference's weights; ``threshold`` the frozen threshold of every decision.
    """

    run: str
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
    artifacts: tuple[ArtifactVerdict, ...]
    leaky: bool = field(default=False, metadata=OPTIONAL)

    @property
    def verdict(self) -> Status:
        """The worst of the artifacts' answers."""
        return overall(artifact.verdict for artifact in self.artifacts)

    def __bool__(self) -> bool:
        return self.verdict is Status.PASS

    def to_document(self) -> dict[str, Any]:
        """Return the parity JSON; ``leaky`` stands in it only where it is true: bundles know no such key."""
        head = {"schema": SCHEMA, "run": self.run, "verdict": self.verdict.value}
        artifacts = [artifact.to_document() for artifact in self.artifacts]
        rest = to_plain(replace(self, artifacts=()))
        del rest["artifacts"]
        return {**head, **rest, "artifacts": artifacts}


def together(
    run: str,
    split: str,
    reference: str,
    groups: Sequence[str],
    labels: Sequence[int] | Ints,
    contract: ModelContract,
    limits: Limits,
    seed: int,
    resamples: int,
    artifacts: tuple[ArtifactVerdict, ...],
) -> Verdict:
    """Put the verdicts on artifacts together that were judged on the same images.

    Args:
        run: its folder, as it is to be named.
        split: whose images.
        reference: sha256 of the weights that the artifacts were judged against.
        groups: group id of each image, ``[n]``.
        labels: class index of each image, ``[n]``.
        contract: of the run.
        limits: of the gate.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        artifacts: the verdicts.
    """
    unit = lesions(groups, labels)
    return Verdict(
        run=run,
        split=split,
        images=len(groups),
        groups=len(unit),
        melanomas=int(np.isin(unit.labels, contract.target_columns).sum()),
        target=contract.target,
        synthetic=contract.provenance.synthetic,
        reference=reference,
        threshold=contract.threshold,
        limits=limits,
        resamples=resamples,
        seed=seed,
        artifacts=artifacts,
        leaky=contract.provenance.leaky,
    )
