"""Parity: artifacts against their reference, on the same images of one split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import MelanomaEdgeError, TrustError, UsageError, named
from melanoma_edge.evaluation.lesions import Floats, Ints, lesions
from melanoma_edge.evaluation.metrics import cases_of, measured
from melanoma_edge.parity.answers import PairedAnswers
from melanoma_edge.parity.flips import flips_of
from melanoma_edge.parity.gate import Limits, Status, check_changes, overall
from melanoma_edge.parity.outputs import check_outputs, failed_outputs
from melanoma_edge.parity.paired import pair
from melanoma_edge.parity.verdict import ArtifactVerdict, Judgement, Verdict, together
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import ArtifactRecord, read_record
from melanoma_edge.runtime.base import Probabilities, Runner
from melanoma_edge.runtime.worker import IsolatedRunner, RuntimeCrash
from melanoma_edge.squares import Squares
from melanoma_edge.strictjson import to_plain

RESAMPLES = 2000
_BATCH = 32
_ALIKE = ("classes", "target", "target_classes", "melanoma_classes", "malignant_classes", "input_size", "pixels")
"""What a reference must have in common with a run; thresholds may differ, the run's decides."""


class SplitImages(Protocol):
    """The images of one split, each property of length ``n``."""

    @property
    def ids(self) -> Sequence[str]:
        """Image ids."""

    @property
    def groups(self) -> Sequence[str]:
        """Group ids."""

    @property
    def labels(self) -> NDArray[np.int64]:
        """Class indices in the contract's order."""

    @property
    def pixels(self) -> Squares:
        """Images uint8 ``[n, size, size, 3]``, read as they are asked for."""


class JudgedRun(Protocol):
    """What parity needs of a run."""

    @property
    def path(self) -> Path:
        """Its folder."""

    @property
    def contract(self) -> ModelContract:
        """Its contract."""

    def images(self, split: str) -> SplitImages:
        """Return the images of a split."""

    def reference(self) -> JudgedRun:
        """Return the nearest ancestor, or the run itself, whose weights were never rounded."""


def compare(
    run: JudgedRun,
    artifacts: Path | Sequence[Path],
    split: str = "test",
    limits: Limits | None = None,
    *,
    reference: JudgedRun | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    runner_of: Callable[[Path], Runner] = IsolatedRunner,
    progress: Progress = silent,
) -> Verdict:
    """Judge one artifact or several of a run against the run's reference.

    An artifact whose contract is the run's but which its runtime cannot run fails, and the others are still judged.

    Args:
        run: whose split and contract count.
        artifacts: exported files of that run.
        split: whose images are compared.
        limits: of the gate; its defaults when left out.
        reference: a run to compare with instead of the run's own reference.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        runner_of: opens an artifact or a run's folder; by default each in a process of its own.
        progress: told of images done.

    Raises:
        UsageError: without an artifact.
        TrustError: for an artifact of another model, or a reference that does not fit the run or gives no answers.
        MachineError: for lack of memory or of a package.
    """
    records = accepted(run, [artifacts] if isinstance(artifacts, Path) else artifacts)
    judged_by, contract = judging(run, reference), run.contract
    images, limits = run.images(split), limits or Limits()
    rows = (images.ids, images.groups, images.labels, contract, limits, seed, resamples)
    expected = answers_on(runner_of(judged_by.path), images, "reference", progress)
    check_reference(expected, len(images.ids), contract, str(judged_by.path))

    def verdict_on(record: ArtifactRecord) -> ArtifactVerdict:
        runner = runner_of(record.path)
        try:
            found: Probabilities | MelanomaEdgeError = answers_on(runner, images, record.path.name, progress)
        except (TrustError, RuntimeCrash) as error:
            found = error
        judgement, answers = judge(expected, found, *rows), None
        if judgement.exported_metrics and not isinstance(found, MelanomaEdgeError):
            answers = PairedAnswers(images.ids, contract.classes, expected, found)
        return _artifact_verdict(record, runner, judgement, answers)

    reference_sha256 = judged_by.contract.provenance.weights_sha256
    judged = tuple(verdict_on(record) for record in records)
    return together(str(run.path), split, reference_sha256, *rows[1:], judged)


def judging(run: JudgedRun, reference: JudgedRun | None = None) -> JudgedRun:
    """Return what a run's artifacts are judged against: ``reference``, or the run's own.

    Raises:
        TrustError: when it is of another model.
    """
    found, contract = reference or run.reference(), run.contract
    _check_fits(found.contract, contract, str(found.path))
    if reference is None and found.contract.provenance.weights_sha256 != contract.provenance.reference_sha256:
        raise _stranger("provenance.reference_sha256", str(found.path))
    return found


def accepted(run: JudgedRun, artifacts: Sequence[Path]) -> list[ArtifactRecord]:
    """Return the records of artifacts whose seal is whole and whose contract is the run's.

    Raises:
        UsageError: without an artifact.
        TrustError: for a file that is missing, changed, or of another model.
    """
    if not artifacts:
        raise UsageError("no artifact to compare", where=str(run.path), fix="export the run first")
    return [_record(path, run.contract) for path in artifacts]


def judge(
    reference: Floats,
    exported: Floats | MelanomaEdgeError,
    image_ids: Sequence[str],
    groups: Sequence[str],
    labels: Sequence[int] | Ints,
    contract: ModelContract,
    limits: Limits,
    seed: int = 0,
    resamples: int = RESAMPLES,
    *,
    reference_threshold: float | None = None,
) -> Judgement:
    """Judge an exported model's outputs against its reference's, on the same images.

    Where the outputs are no probabilities of these classes, only that is said and no number is made of them.

    Args:
        reference: probabilities of the float model, ``[n, classes]``.
        exported: what the exported model gave, ``[n, classes]`` if it is sound, or why it gave nothing.
        image_ids: ``[n]``.
        groups: group id of each image, ``[n]``; its images with one label are one lesion.
        labels: class index of each image, ``[n]``.
        contract: classes, target and the threshold of every decision.
        limits: of the gate.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        reference_threshold: at which the reference decides, where that is another.
    """
    unit, columns, threshold = lesions(groups, labels), contract.target_columns, contract.threshold
    own = threshold if reference_threshold is None else reference_threshold
    before = cases_of(reference, unit, columns, own)
    common = (len(labels), contract.classes, seed, resamples)
    float_metrics = measured(before, *common)
    if isinstance(exported, MelanomaEdgeError):
        return Judgement(Status.FAIL, failed_outputs(exported), (), float_metrics, None)
    soundness = check_outputs(reference, exported, contract.classes)
    if overall(check.status for check in soundness) is Status.FAIL:
        return Judgement(Status.FAIL, soundness, (), float_metrics, None)
    after = cases_of(exported, unit, columns, threshold)
    flips = flips_of(before, after, unit, image_ids, contract.classes)
    lost = [flip.image_id for flip in flips if flip.melanoma_lost]
    checks = check_changes(pair(before, after, resamples, seed), limits, contract.target, lost) + soundness
    verdict = overall(check.status for check in checks)
    return Judgement(verdict, checks, flips, float_metrics, measured(after, *common))


def answers_on(runner: Runner, images: SplitImages, what: str, progress: Progress) -> Probabilities:
    """Return a model's probabilities ``[n, classes]`` over the images of a split.

    Args:
        runner: of the model, not yet entered.
        images: of the split.
        what: names the model to ``progress``.
        progress: told of images done.
    """
    total, parts = len(images.ids), []
    with runner:
        for start in range(0, total, _BATCH):
            batch = np.ascontiguousarray(images.pixels[start : start + _BATCH])
            parts.append(np.atleast_1d(runner.infer(batch)))
            progress(f"comparing {what}", min(start + _BATCH, total), total)
    return np.concatenate(parts)


def _record(path: Path, contract: ModelContract) -> ArtifactRecord:
    record = read_record(path)
    different = list(_differences(to_plain(record.contract), to_plain(contract)))
    if different:
        raise _stranger(named(different), str(path))
    return record


def _differences(found: Any, wanted: Any, name: str = "") -> Iterator[str]:
    """Yield the dotted names of the values that differ between two documents of one schema."""
    if isinstance(found, dict) and isinstance(wanted, dict):
        for key in found | wanted:
            yield from _differences(found.get(key), wanted.get(key), f"{name}.{key}" if name else key)
    elif found != wanted:
        yield name


def _check_fits(found: ModelContract, wanted: ModelContract, where: str) -> None:
    different = [name for name in _ALIKE if getattr(found, name) != getattr(wanted, name)]
    if different:
        raise _stranger(named(different), where)


def _stranger(what: str, where: str) -> TrustError:
    why = f"artifact or reference belongs to another model: {what} differs from the run's"
    return TrustError(why, where=where, fix="export the run again")


def check_reference(expected: Floats, images: int, contract: ModelContract, where: str) -> None:
    """Raise ``TrustError`` unless a reference gave finite probabilities for every image and class."""
    wanted = (images, len(contract.classes))
    if expected.shape != wanted or not np.isfinite(expected).all():
        why = f"the reference gives no probabilities of shape {list(wanted)}"
        raise TrustError(why, where=where, fix="train the run again")


def _artifact_verdict(
    record: ArtifactRecord, runner: Runner, judgement: Judgement, answers: PairedAnswers | None
) -> ArtifactVerdict:
    return ArtifactVerdict(
        path=str(record.path),
        sha256=record.sha256,
        bytes=record.bytes,
        format=record.format,
        precision=record.precision,
        runtime=runner.name,
        runtime_options=dict(runner.options),
        judgement=judgement,
        answers=answers,
    )
