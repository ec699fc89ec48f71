"""Two runs on the same lesions: what each reaches, and the paired difference."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.lesions import lesions
from melanoma_edge.evaluation.metrics import Cases, cases_of
from melanoma_edge.parity.comparison import RESAMPLES, JudgedRun, SplitImages, answers_on
from melanoma_edge.parity.paired import Paired, pair
from melanoma_edge.progress import silent
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.keras import KerasRunner


@dataclass(frozen=True)
class RunsCompared:
    """Hold the paired comparison of two runs; each decides at its own threshold."""

    split: str
    before: str
    after: str
    paired: Paired


def compare_runs(
    before: JudgedRun,
    after: JudgedRun,
    split: str = "test",
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    runner_of: Callable[[Path], Runner] = KerasRunner,
) -> RunsCompared:
    """Compare two runs on the same images of a split, lesion by lesion.

    Args:
        before, after: the runs; their image sizes may differ, their classes and the images of the split may not.
        split: whose images are compared.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        runner_of: opens a run's folder.

    Raises:
        UsageError: when the runs have other classes or the split other images.
    """
    first, second = before.images(split), after.images(split)
    alike = before.contract.classes == after.contract.classes and list(first.ids) == list(second.ids)
    if not alike or before.contract.target_classes != after.contract.target_classes:
        fix = "compare runs of the same data with the same --seed"
        raise UsageError(f"the runs differ in classes or in the images of {split}", where=str(after.path), fix=fix)

    old, new = (_cases(run, images, runner_of(run.path)) for run, images in ((before, first), (after, second)))
    return RunsCompared(split, str(before.path), str(after.path), pair(old, new, resamples, seed))


def _cases(run: JudgedRun, images: SplitImages, runner: Runner) -> Cases:
    found = answers_on(runner, images, run.path.name, silent)
    unit, contract = lesions(images.groups, images.labels), run.contract
    return cases_of(found, unit, contract.target_columns, contract.threshold)
