"""Two releases: yesterday's model and today's, on the same lesions, through the same gate."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import CatalogRow
from melanoma_edge.data.sources.base import layout_of
from melanoma_edge.errors import DataError, MelanomaEdgeError, UsageError, named
from melanoma_edge.evaluation.lesions import Floats, lesions
from melanoma_edge.evidence.models import Model
from melanoma_edge.parity.comparison import RESAMPLES, answers_on, judge
from melanoma_edge.parity.gate import Limits, Status
from melanoma_edge.parity.verdict import Flip, Judgement
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime.base import Runner
from melanoma_edge.runtime.worker import IsolatedRunner, RuntimeCrash
from melanoma_edge.strictjson import to_plain
from melanoma_edge.training.run import Run

SCHEMA = "melanoma-edge/comparison/1"
SPLITS = ("validation", "test")


@dataclass(frozen=True)
class Release:
    """Name one of the two: ``sha256`` is of the exported file, None for a run's float model."""

    path: str
    sha256: str | None
    weights_sha256: str
    catalog_sha256: str
    threshold: float


@dataclass(frozen=True)
class Comparison:
    """Hold what changed from one release to the next; each decides at its own threshold."""

    split: str
    images: int
    groups: int
    melanomas: int
    target: str
    synthetic: bool
    leaky: bool
    before: Release
    after: Release
    limits: Limits
    resamples: int
    seed: int
    judgement: Judgement

    @property
    def verdict(self) -> Status:
        """The answer."""
        return self.judgement.verdict

    def to_document(self) -> dict[str, Any]:
        """Return the JSON of ``runs compare``."""
        found, after = self.judgement, self.judgement.exported_metrics
        plain = {key: to_plain(value) for key, value in vars(self).items() if key != "judgement"}
        return {
            "schema": SCHEMA,
            "verdict": found.verdict.value,
            **plain,
            "checks": [to_plain(check) | {"status": check.status.value} for check in found.checks],
            "metrics": {
                "before": to_plain(found.float_metrics.headline()),
                "after": to_plain(after.headline()) if after else None,
            },
            "flips": [_changed(flip) for flip in found.flips],
        }


def _changed(flip: Flip) -> dict[str, Any]:
    names = {"float_class": "class_before", "exported_class": "class_after"}
    names |= {"float_score": "score_before", "exported_score": "score_after"}
    return {names.get(key, key): value for key, value in to_plain(flip).items()}


def compare_releases(
    before: Model,
    after: Model,
    split: str = "test",
    limits: Limits | None = None,
    *,
    seed: int = 0,
    resamples: int = RESAMPLES,
    runner_of: Callable[[Path], Runner] = IsolatedRunner,
    progress: Progress = silent,
) -> Comparison:
    """Judge a release against the one before it.

    Args:
        before, after: runs or exported files in their runs' folders; image sizes and networks may differ.
        split: whose images are compared; both runs must have the same there, and neither learned from them.
        limits: of the gate; its defaults when left out.
        seed: of the bootstrap.
        resamples: of the bootstrap.
        runner_of: opens a model's path; by default each in a process of its own.
        progress: told of images done.

    Raises:
        UsageError: for a file beside no run, other classes, or a split of other images.
        DataError: when one release learned from lesions that the other is tested on.
        TrustError: when the release before gives no answers.
    """
    first, second = _run(before), _run(after)
    _check_alike(before.contract, after.contract, str(after.path))
    if split not in SPLITS:
        raise UsageError(f"releases are not compared on {split!r}", fix=f"use one of {', '.join(SPLITS)}")
    _check_unseen(first, second, split)
    _check_same(first.catalog.part(split), second.catalog.part(split), split, str(after.path))
    images, others = first.images(split), second.images(split)
    expected = answers_on(runner_of(before.path), images, f"{before.name} (before)", progress)
    try:
        found: Floats | MelanomaEdgeError = answers_on(runner_of(after.path), others, f"{after.name} (after)", progress)
    except RuntimeCrash as error:
        found = error
    chosen = limits or Limits()
    contract = after.contract
    judgement = judge(
        expected,
        found,
        images.ids,
        images.groups,
        images.labels,
        contract,
        chosen,
        seed,
        resamples,
        reference_threshold=before.contract.threshold,
    )
    unit = lesions(images.groups, images.labels)
    columns = contract.target_columns
    either = (before.contract.provenance, contract.provenance)
    return Comparison(
        split=split,
        images=len(images.ids),
        groups=len(unit),
        melanomas=sum(int(label) in columns for label in unit.labels),
        target=contract.target,
        synthetic=any(one.synthetic for one in either),
        leaky=any(one.leaky for one in either),
        before=_release(before),
        after=_release(after),
        limits=chosen,
        resamples=resamples,
        seed=seed,
        judgement=judgement,
    )


def _release(model: Model) -> Release:
    own = model.contract.provenance
    sha256 = model.record.sha256 if model.record else None
    return Release(str(model.path), sha256, own.weights_sha256, own.catalog_sha256, model.contract.threshold)


def _run(model: Model) -> Run:
    if model.run is None:
        fix = "give a file in the folder artifacts/ of its run"
        raise UsageError(
            "no run beside this file, so nobody knows what it learned from", where=str(model.path), fix=fix
        )
    return model.run


def _check_alike(before: ModelContract, after: ModelContract, where: str) -> None:
    names = ("classes", "target", "target_classes")
    different = [name for name in names if getattr(before, name) != getattr(after, name)]
    if different:
        what = f"the releases answer different questions: {named(different)} differ"
        raise UsageError(what, where=where, fix="compare releases with the same classes and target")


def _check_unseen(first: Run, second: Run, split: str) -> None:
    """Raise ``DataError`` where what one is compared on shares bytes or a group with what the other learned from."""
    for tested, learner in ((first, second), (second, first)):
        rows = tested.catalog.part(split)
        learned = [row for row in learner.catalog.rows if row.split in _EARLIER[split]]
        hashes, groups = {row.sha256 for row in learned}, {_group(row) for row in learned}
        leaks = sorted(row.image_id for row in rows if row.sha256 in hashes or _group(row) in groups)
        if leaks:
            what = f"a leak: {len(leaks)} of {len(rows)} {split} images of {tested.path} show lesions that"
            raise DataError(
                f"{what} {learner.path} learned from or was tuned on: {named(leaks)}",
                where=str(learner.path),
                fix="compare runs of the same data with the same --seed, which split it alike",
            )


_EARLIER = {"test": ("train", "validation"), "validation": ("train",)}
"""What must share nothing with a split."""


def _group(row: CatalogRow) -> tuple[str, str]:
    return layout_of(row.source), row.group


def _check_same(first: Sequence[CatalogRow], second: Sequence[CatalogRow], split: str, where: str) -> None:
    before, after = _by_id(first), _by_id(second)
    shared = before.keys() & after.keys()
    differences = {
        "only in the first": before.keys() - shared,
        "only in the second": after.keys() - shared,
        "not the same file, label or lesion": {name for name in shared if before[name] != after[name]},
    }
    said = [f"{len(names)} {what} ({named(sorted(names), 3)})" for what, names in differences.items() if names]
    if said:
        fix = "compare runs of the same data with the same --seed"
        raise UsageError(f"the {split} images of the two runs differ: {'; '.join(said)}", where=where, fix=fix)


def _by_id(rows: Iterable[CatalogRow]) -> dict[str, tuple[str, str, str]]:
    return {row.image_id: (row.sha256, row.label, row.group) for row in rows}
