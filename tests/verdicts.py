"""What bundles in tests are made of, for several rooms: verdicts, real checks of drawn outputs, and small photos."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from melanoma_edge.bundle.photos import SHOTS, Shot
from melanoma_edge.contract import ModelContract
from melanoma_edge.evidence.judged_on import JudgedOn
from melanoma_edge.parity.comparison import judge
from melanoma_edge.parity.gate import Limits
from melanoma_edge.parity.record import save_verdicts
from melanoma_edge.parity.verdict import ArtifactVerdict, Verdict
from melanoma_edge.runtime.artifact import read_record

RUNTIMES = {"tflite": "litert", "onnx": "onnxruntime", "ort": "onnxruntime"}
ENOUGH, TOO_FEW = 80, 12
"""Melanomas with which an equal file is PASS, and INCONCLUSIVE."""


def drawn_outputs(contract: ModelContract, targets: int) -> tuple[NDArray[np.float64], list[int]]:
    """Return probabilities and labels of a split with so many lesions of the target, and ten times as many others."""
    generator = np.random.default_rng(0)
    count = len(contract.classes)
    target = contract.classes.index(contract.target_classes[0])
    others = [label for label in range(count) if contract.classes[label] not in contract.target_classes]
    labels = [target] * targets + [others[i % len(others)] for i in range(10 * targets)]
    raised = np.exp(generator.normal(size=(len(labels), count)) + 2 * np.eye(count)[labels])
    return raised / raised.sum(1, keepdims=True), labels


def catalog_of_drawn(
    patch: pytest.MonkeyPatch, contract: ModelContract, named: Iterable[tuple[str, str, str]] = ()
) -> None:
    """Let the drawn lesions, and others ``named``, stand in the run's catalog, whose own are too few for a PASS."""
    labels = drawn_outputs(contract, ENOUGH)[1]
    drawn = ((f"image_{place:04}", f"image_{place:04}", contract.classes[label]) for place, label in enumerate(labels))
    found = JudgedOn(len(labels), len(labels), ENOUGH, frozenset([*drawn, *named]))
    patch.setattr(JudgedOn, "of", classmethod(lambda *_: found))


def small_shots() -> tuple[Shot, ...]:
    """Return four small photos for golden vectors, three JPEG and one PNG; the demo bundle has those of full size."""
    return tuple(replace(SHOTS[i], width=SHOTS[i].width // 4, height=SHOTS[i].height // 4) for i in (0, 1, 2, 8))


def give_verdicts(
    files: list[Path],
    targets: int = ENOUGH,
    worse: bool = False,
    limits: Limits | None = None,
    run: Path = Path("runs/x"),
) -> Verdict:
    """Write a verdict beside each file, as if it had answered like its reference, or much ``worse``."""
    records = [read_record(path) for path in files]
    contract = records[0].contract
    outputs, labels = drawn_outputs(contract, targets)
    names = [f"image_{place:04}" for place in range(len(labels))]
    exported = np.roll(outputs, 7, axis=0) if worse else outputs
    judgement = judge(outputs, exported, names, names, labels, contract, limits or Limits(), 0, 50)
    artifacts = tuple(
        ArtifactVerdict(
            str(one.path), one.sha256, one.bytes, one.format, one.precision, RUNTIMES[one.format], {}, judgement
        )
        for one in records
    )
    verdict = Verdict(
        run=str(run),
        split="test",
        images=len(labels),
        groups=len(labels),
        melanomas=targets,
        target=contract.target,
        synthetic=contract.provenance.synthetic,
        reference=contract.provenance.reference_sha256,
        threshold=contract.threshold,
        limits=limits or Limits(),
        resamples=50,
        seed=0,
        artifacts=artifacts,
    )
    save_verdicts(verdict)
    return verdict
