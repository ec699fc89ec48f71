"""Every exported file in every runtime, on the same images: the files of one run, or of all folds pooled."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import MelanomaEdgeError, UsageError, named
from melanoma_edge.evaluation.lesions import Lesions
from melanoma_edge.evaluation.metrics import Cases, Metrics, measured
from melanoma_edge.parity.blocks import Answers, Origin, answers_in_blocks
from melanoma_edge.parity.comparison import RESAMPLES, JudgedRun, judging
from melanoma_edge.parity.flips import flips_of
from melanoma_edge.parity.gate import Limits, Status, check_changes, deciding, overall
from melanoma_edge.parity.outputs import check_outputs, failed_outputs
from melanoma_edge.parity.paired import Paired, pair
from melanoma_edge.parity.pooling import MatrixRun, Share, joined_cases, joined_lesions, share_of
from melanoma_edge.parity.runtimes import ALL, Absent, Runtime, chosen
from melanoma_edge.parity.statistics import Statistics, SubgroupChange, by_subgroup, describe
from melanoma_edge.parity.verdict import Judgement
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.artifact import FORMATS, ArtifactRecord
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.worker import IsolatedRunner

Attributes = Callable[[Any, Lesions], Mapping[str, Sequence[str]]]
"""Gives the value of each lesion by attribute, of the images of a split and their lesions."""


@dataclass(frozen=True)
class Between:
    """Compare one file in two runtimes, over the same lesions; ``largest_difference`` is of any probability."""

    path: str
    sha256: str
    first: str
    second: str
    lesions: int
    same_class: int
    same_decision: int
    largest_difference: float


@dataclass(frozen=True)
class Cell:
    """Judge one file in one runtime; of folds, the files of one name together, described by the first.

    ``deciding`` gives, for each undecided limit, how many cases would decide; ``reused`` counts images whose answers
    were kept from before, ``seconds`` were spent on the others.
    """

    record: ArtifactRecord
    runtime: str
    version: str
    judgement: Judgement
    statistics: Statistics | None
    deciding: Mapping[str, int | None]
    subgroups: tuple[SubgroupChange, ...]
    seconds: float
    start_seconds: float
    reused: int


@dataclass(frozen=True)
class FoldNote:
    """Name one of the runs that are pooled."""

    run: str
    weights_sha256: str
    catalog_sha256: str
    threshold: float
    images: int


@dataclass(frozen=True)
class Matrix:
    """Hold the whole comparison; see ``matrix_document`` for its JSON."""

    run: MatrixRun
    folds: tuple[FoldNote, ...]
    reference: str
    split: str
    images: int
    groups: int
    melanomas: int
    limits: Limits
    resamples: int
    seed: int
    float_metrics: Metrics
    runtimes: tuple[dict[str, Any], ...]
    absent: tuple[Absent, ...]
    cells: tuple[Cell, ...]
    between: tuple[Between, ...]

    @property
    def verdict(self) -> Status:
        """The worst of the cells' answers."""
        return overall(cell.judgement.verdict for cell in self.cells)


def compare_matrix(
    runs: Sequence[MatrixRun],
    artifacts: Sequence[Path] = (),
    runtimes: Sequence[str] = (ALL,),
    split: str = "test",
    limits: Limits | None = None,
    *,
    reference: JudgedRun | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    attributes: Attributes | None = None,
    progress: Progress = silent,
    runner_of: Callable[[Path], Runner] = IsolatedRunner,
) -> Matrix:
    """Judge files in runtimes against the float model, streaming, each in a process of its own.

    Several runs must be folds of one cross-validation, which the caller has checked: their test lesions are pooled,
    each decided at its own fold's threshold, and files of one name are judged together.

    Args:
        runs: one run, or all folds.
        artifacts: of the run; all of its files when none is given, as always of folds.
        runtimes: names; see ``runtimes.chosen``.
        split: whose images are compared.
        limits: of the gate; its defaults when left out.
        reference: a run to compare with instead of the run's own.
        seed, resamples: of the bootstrap.
        attributes: by which subgroups are made; none when left out.
        progress: told of images done.
        runner_of: opens the folder of the float model.

    Raises:
        UsageError: without a file that one of the runtimes can run, or for an unknown runtime.
        TrustError: as ``compare``.
        MachineError: when a runtime that is asked for by name is not here.
    """
    present, absent = chosen(runtimes)
    limits = limits or Limits()
    shares = [share_of(run, artifacts, split, reference, progress, runner_of) for run in runs]
    names = _common_names(shares, present)
    pooled = joined_lesions([share.unit for share in shares])
    before = joined_cases([share.cases(share.expected) for share in shares])
    count, contract = sum(len(share.images.ids) for share in shares), shares[0].run.contract
    float_metrics = measured(before, count, contract.classes, seed, resamples)
    known = _known(shares, attributes)
    cells: list[Cell] = []
    outputs: dict[tuple[str, str], tuple[ArtifactRecord, Cases]] = {}
    options: dict[str, dict[str, str]] = {}
    for name, runtime in ((name, one) for name in names for one in present if _runs(one, name)):
        records = [_named(share, name) for share in shares]
        answers = [_answers(share, record, runtime, progress) for share, record in zip(shares, records, strict=True)]
        found = _whole([one.found for one in answers])
        judgement, after, paired = _judged(shares, pooled, before, found, float_metrics, limits, seed, resamples)
        cells.append(
            Cell(
                record=records[0],
                runtime=runtime.name,
                version=runtime.version,
                judgement=judgement,
                statistics=None if paired is None else describe(before, after, paired, limits),
                deciding={} if paired is None else deciding(paired, limits),
                subgroups=() if paired is None else by_subgroup(before, after, known),
                seconds=sum(one.seconds for one in answers),
                start_seconds=sum(one.start_seconds for one in answers),
                reused=sum(one.reused for one in answers),
            )
        )
        if paired is not None:
            outputs[name, runtime.name] = (records[0], after)
        options[runtime.name] = answers[0].options
    return Matrix(
        run=runs[0],
        folds=tuple(_fold(share) for share in shares) if len(shares) > 1 else (),
        reference=judging(runs[0], reference).contract.provenance.weights_sha256,
        split=split,
        images=count,
        groups=len(pooled),
        melanomas=int(before.is_target.sum()),
        limits=limits,
        resamples=resamples,
        seed=seed,
        float_metrics=float_metrics,
        runtimes=tuple(
            {"name": one.name, "version": one.version, "options": options[one.name]}
            for one in present
            if one.name in options
        ),
        absent=absent,
        cells=tuple(cells),
        between=tuple(_between(outputs)),
    )


def _common_names(shares: Sequence[Share], runtimes: Sequence[Runtime]) -> list[str]:
    """Return the names of the files that every run has and a runtime runs, in order."""
    sets = [{record.path.name for record in share.records} for share in shares]
    names = sorted(name for name in set.intersection(*sets) if any(_runs(one, name) for one in runtimes))
    if not names:
        where = named(str(share.run.path) for share in shares)
        fix = "export every run in the same formats and precisions, or name other --runtimes"
        raise UsageError("no file to compare that one of the runtimes runs", where=where, fix=fix)
    return names


def _runs(runtime: Runtime, name: str) -> bool:
    return FORMATS.get(Path(name).suffix) in runtime.formats


def _named(share: Share, name: str) -> ArtifactRecord:
    return next(record for record in share.records if record.path.name == name)


def _answers(share: Share, record: ArtifactRecord, runtime: Runtime, progress: Progress) -> Answers:
    path = record.path.resolve()
    origin = Origin(str(path), record.sha256, runtime.name, runtime.version, share.pixels)
    task = f"comparing {record.path.name} in {runtime.name}"
    return answers_in_blocks(lambda: runtime.open(record.path), share.images, origin, progress, task)


def _whole(parts: Sequence[NDArray[np.float32] | MelanomaEdgeError]) -> NDArray[np.float32] | MelanomaEdgeError:
    """Return the answers of all folds, or the error of the first that gave none."""
    errors = [part for part in parts if isinstance(part, MelanomaEdgeError)]
    return errors[0] if errors else np.concatenate([part for part in parts if isinstance(part, np.ndarray)])


def _judged(
    shares: Sequence[Share],
    pooled: Lesions,
    before: Cases,
    found: NDArray[np.float32] | MelanomaEdgeError,
    float_metrics: Metrics,
    limits: Limits,
    seed: int,
    resamples: int,
) -> tuple[Judgement, Cases, Paired | None]:
    """Judge as ``comparison.judge`` does; return also what the file says of each lesion, and compared.

    If it is not sound, what the float model says stands in its place.
    """
    contract = shares[0].run.contract
    if isinstance(found, MelanomaEdgeError):
        return Judgement(Status.FAIL, failed_outputs(found), (), float_metrics, None), before, None
    expected = np.concatenate([share.expected for share in shares])
    soundness = check_outputs(expected, found, contract.classes)
    if overall(check.status for check in soundness) is Status.FAIL:
        return Judgement(Status.FAIL, soundness, (), float_metrics, None), before, None
    ends = np.cumsum([0, *(len(share.images.ids) for share in shares)])
    parts = [share.cases(found[ends[place] : ends[place + 1]]) for place, share in enumerate(shares)]
    after = joined_cases(parts)
    ids = [image_id for share in shares for image_id in share.images.ids]
    flips = flips_of(before, after, pooled, ids, contract.classes)
    lost = [flip.image_id for flip in flips if flip.melanoma_lost]
    paired = pair(before, after, resamples, seed)
    checks = check_changes(paired, limits, contract.target, lost) + soundness
    exported = measured(after, len(found), contract.classes, seed, resamples)
    return Judgement(overall(check.status for check in checks), checks, flips, float_metrics, exported), after, paired


def _known(shares: Sequence[Share], attributes: Attributes | None) -> dict[str, list[str]]:
    """Return the value of every pooled lesion by attribute."""
    if attributes is None:
        return {}
    parts = [attributes(share.images, share.unit) for share in shares]
    return {name: [value for part in parts for value in part[name]] for name in parts[0]}


def _between(outputs: Mapping[tuple[str, str], tuple[ArtifactRecord, Cases]]) -> Iterator[Between]:
    """Compare every file's answers in one runtime with those in the others."""
    for (name, first), (other, second) in combinations(outputs, 2):
        if name == other:
            (record, one), (_, two) = outputs[name, first], outputs[other, second]
            yield Between(
                path=str(record.path),
                sha256=record.sha256,
                first=first,
                second=second,
                lesions=len(one.labels),
                same_class=int((one.predicted == two.predicted).sum()),
                same_decision=int((one.referred == two.referred).sum()),
                largest_difference=float(np.abs(one.probabilities - two.probabilities).max()),
            )


def _fold(share: Share) -> FoldNote:
    contract = share.run.contract
    told = contract.provenance
    return FoldNote(
        run=str(share.run.path),
        weights_sha256=told.weights_sha256,
        catalog_sha256=told.catalog_sha256,
        threshold=contract.threshold,
        images=len(share.images.ids),
    )
