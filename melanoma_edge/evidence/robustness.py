"""How far decisions hold when the photo changes and the lesion does not."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.bootstrap import Array, bootstrap, percentile_estimate
from melanoma_edge.evaluation.intervals import Estimate, tango, wilson
from melanoma_edge.evaluation.lesions import Lesions, lesions
from melanoma_edge.evaluation.metrics import Cases, cases_of, proportion
from melanoma_edge.evidence.perturb import COVERED, Change, changes, resizings, turns, without_lesion
from melanoma_edge.evidence.side_by_side import FileNote, Header, RunnerOf, SideBySide, header, note_of, sample_of
from melanoma_edge.pixels import decode, quietly
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.worker import IsolatedRunner
from melanoma_edge.squares import Squares as Split
from melanoma_edge.training.run import SplitImages

SCHEMA = "melanoma-edge/robustness/1"
RESAMPLES = 500
_BATCH = 64
_CONFIDENCE = 0.95

Squares = Iterator[NDArray[np.uint8]]


@dataclass(frozen=True)
class Clean:
    """Hold what a model reaches on the unchanged squares, with 95 % intervals."""

    name: str
    artifact: FileNote | None
    sensitivity: Estimate | None
    specificity: Estimate | None
    auc: Estimate | None


@dataclass(frozen=True)
class Changed:
    """Hold what one model reaches on changed squares, and the paired differences from the unchanged ones.

    The losses are shares of lesions decided right before and wrong now, less those the other way round (Tango, 95 %);
    ``auc_change`` is now minus before (paired bootstrap over lesions, 95 %). ``lost`` counts targets no longer
    referred; ``agreement`` is the share of lesions decided alike.
    """

    name: str
    sensitivity: Estimate | None
    specificity: Estimate | None
    auc: Estimate | None
    sensitivity_loss: Estimate | None
    specificity_loss: Estimate | None
    auc_change: Estimate | None
    lost: int
    agreement: Estimate


@dataclass(frozen=True)
class ChangeResult:
    """Hold what one change does to each model, in the order of ``models``."""

    kind: str
    value: str
    models: tuple[Changed, ...]


@dataclass(frozen=True)
class Turned:
    """Hold the share of lesions whose decision is not the same in all turns of the square."""

    name: str
    disagreement: Estimate


@dataclass(frozen=True)
class Removed:
    """Hold what a model still tells apart once the middle of the picture is grey; 0.5 would be nothing."""

    name: str
    covered: float
    auc: Estimate | None
    clean_auc: Estimate | None


@dataclass(frozen=True)
class Robustness(Header):
    """Hold ``report/robustness.json``, counted in lesions; ``images_limit`` is None where all images were used.

    Where it is not, up to half of the images are targets, which agreement and disagreement depend on.
    """

    resamples: int
    images_limit: int | None
    models: tuple[Clean, ...]
    changes: tuple[ChangeResult, ...]
    turned: tuple[Turned, ...]
    lesion_removed: tuple[Removed, ...]


def count_of_changes() -> int:
    """Return how many times each image is looked at."""
    return 2 + len(turns()) + len(changes(0)) + len(resizings())


def sweep(
    subject: SideBySide,
    *,
    limit: int | None = None,
    seed: int = 0,
    resamples: int = RESAMPLES,
    runner_of: RunnerOf = IsolatedRunner,
    progress: Progress = silent,
) -> Robustness:
    """Change the test images in all ways and hold each model's answers against those to the images as they are.

    Args:
        subject: the models.
        limit: use at most so many images, drawn with ``seed``, up to half of them targets.
        seed: of that choice, of drawn hairs and rulers, and of the bootstrap.
        resamples: of the bootstrap.
        runner_of: opens a model; by default in a process of its own.
        progress: told of changes done.

    Raises:
        DataError: when images are gone.
        TrustError: for a model that cannot be run.
    """
    run, contract = subject.run, subject.run.contract
    images = sample_of(run.images("test"), limit, seed, contract.target_columns)
    judge = _Judge(images, contract.target_columns, contract.threshold, resamples, seed)
    with ExitStack() as stack, quietly():
        runners = [stack.enter_context(runner_of(model.path)) for model in subject.models]
        ways = _ways(images, contract.input_size, seed)
        answered = {}
        for done, (way, squares) in enumerate(ways.items(), 1):
            answered[way] = [judge.cases(found) for found in _answers(runners, squares())]
            progress("changing photos", done, len(ways))
    clean = answered.pop(_CLEAN)
    removed = answered.pop(_REMOVED)
    names = [model.name for model in subject.models]
    turned = [answered[(one.kind, one.value)] for one in turns()]
    return Robustness(
        **vars(header(subject, SCHEMA, images, int(clean[0].is_target.sum()), seed)),
        resamples=resamples,
        images_limit=limit,
        models=tuple(
            Clean(model.name, note_of(model), *_shares(cases), judge.auc(cases))
            for model, cases in zip(subject.models, clean, strict=True)
        ),
        changes=tuple(
            ChangeResult(kind, value, tuple(map(judge.changed, names, clean, after)))
            for (kind, value), after in answered.items()
        ),
        turned=tuple(_turned(name, clean[k], [one[k] for one in turned]) for k, name in enumerate(names)),
        lesion_removed=tuple(
            Removed(name, COVERED, judge.auc(after), judge.auc(before))
            for name, before, after in zip(names, clean, removed, strict=True)
        ),
    )


_CLEAN, _REMOVED = ("unchanged", ""), ("lesion", "painted over")


def _ways(images: SplitImages, size: int, seed: int) -> dict[tuple[str, str], Callable[[], Squares]]:
    """Return by name how to make the squares of all images, a few at a time."""

    def changed(change: Change) -> Callable[[], Squares]:
        return lambda: _batches(change.make(picture, number) for number, picture in enumerate(_each(images.pixels)))

    made = (Change(*_CLEAN, lambda picture, _: picture), *turns(), *changes(seed), Change(*_REMOVED, without_lesion))
    ways = {(one.kind, one.value): changed(one) for one in made}
    for one in resizings():
        make = one.make
        ways["resizing", one.value] = lambda make=make: _batches(  # type: ignore[misc]
            make(decode(Path(row.path)), size) for row in images.rows
        )
    return ways


def _each(pixels: Split) -> Iterator[NDArray[np.uint8]]:
    """Give the squares of a split one by one, with no more than a batch of them in memory."""
    for start in range(0, len(pixels), _BATCH):
        yield from pixels[start : start + _BATCH]


def _batches(pictures: Iterator[NDArray[np.uint8]]) -> Squares:
    while batch := list(islice(pictures, _BATCH)):
        yield np.stack(batch)


def _answers(runners: Sequence[Runner], squares: Squares) -> list[Array]:
    parts: list[list[Array]] = [[] for _ in runners]
    for batch in squares:
        for runner, found in zip(runners, parts, strict=True):
            found.append(np.asarray(runner.infer(batch), np.float64))
    return [np.concatenate(found) for found in parts]


@dataclass(frozen=True, eq=False)
class _Judge:
    """Turn answers into what is said of them."""

    images: SplitImages
    target_columns: tuple[int, ...]
    threshold: float
    resamples: int
    seed: int

    @cached_property
    def unit(self) -> Lesions:
        return lesions(self.images.groups, self.images.labels)

    def cases(self, probabilities: Array) -> Cases:
        return cases_of(probabilities, self.unit, self.target_columns, self.threshold)

    def auc(self, cases: Cases) -> Estimate | None:
        """Return the AUC of the target score."""
        return self._estimate(cases.target_auc, cases)

    def changed(self, name: str, before: Cases, after: Cases) -> Changed:
        """Compare one model's answers before and after a change."""
        right = [one.referred == one.is_target for one in (before, after)]
        lost, gained, same = right[0] & ~right[1], ~right[0] & right[1], before.referred == after.referred

        def loss(members: NDArray[np.bool_]) -> Estimate | None:
            n, worse, better = (int(part.sum()) for part in (members, lost & members, gained & members))
            return tango(worse, better, n, _CONFIDENCE) if n else None

        targets = before.is_target
        change = self._estimate(lambda weights: after.target_auc(weights) - before.target_auc(weights), before)
        return Changed(
            name,
            *_shares(after),
            self.auc(after),
            sensitivity_loss=loss(targets),
            specificity_loss=loss(~targets),
            auc_change=change,
            lost=int((lost & targets).sum()),
            agreement=wilson(int(same.sum()), len(same)),
        )

    def _estimate(self, statistic: Callable[[Array], Array], cases: Cases) -> Estimate | None:
        value = float(statistic(np.ones((1, len(cases.labels))))[0])
        drawn = bootstrap(statistic, cases.labels, self.resamples, self.seed)
        return percentile_estimate(value, drawn)


def _shares(cases: Cases) -> tuple[Estimate | None, Estimate | None]:
    """Return sensitivity and specificity."""
    targets, referred = cases.is_target, cases.referred
    return (
        proportion(int(referred[targets].sum()), int(targets.sum())),
        proportion(int((~referred[~targets]).sum()), int((~targets).sum())),
    )


def _turned(name: str, clean: Cases, turned: Sequence[Cases]) -> Turned:
    decisions = np.stack([clean.referred, *(one.referred for one in turned)])
    differs = (decisions != decisions[0]).any(axis=0)
    return Turned(name, wilson(int(differs.sum()), len(differs)))
