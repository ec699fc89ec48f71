"""``melanoma-edge evaluate --robustness``: how far decisions hold when the photo changes and the lesion does not."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import estimate, note, print_table
from melanoma_edge.cli.extra import Extra, Own
from melanoma_edge.progress import Progress

if TYPE_CHECKING:
    from melanoma_edge.evaluation.intervals import Estimate
    from melanoma_edge.evidence.robustness import Changed, Robustness
    from melanoma_edge.evidence.side_by_side import SideBySide


def _plan(subject: SideBySide, _: Path, limit: int | None) -> Mapping[str, Any]:
    from melanoma_edge.evidence.robustness import count_of_changes

    there = len(subject.run.catalog.part("test"))
    images, times = min(there, limit or there), count_of_changes()
    answers = images * times * len(subject.models)
    return {"images": images, "times each is looked at": times, "answers": answers}


def _measure(subject: SideBySide, _: Path, limit: int | None, seed: int, progress: Progress) -> Robustness:
    from melanoma_edge.evidence.robustness import sweep

    return sweep(subject, limit=limit, seed=seed, progress=progress)


def _describe(found: Robustness, quiet: bool) -> None:
    names = [one.name for one in found.models]
    rows = [("unchanged", *(f"{_plain(one.sensitivity)}, {_plain(one.auc)}" for one in found.models))]
    rows += [(f"{one.kind}: {one.value}", *map(_cell, one.models)) for one in found.changes]
    title = f"{found.target}: sensitivity, AUC; then what changes (95 % interval), {found.lesions} lesions"
    print_table(title, ("photo", *names), rows)
    rows = [(one.name, _plain(one.auc), _plain(one.clean_auc)) for one in found.lesion_removed]
    print_table("AUC with the lesion painted over, and without", ("model", "painted over", "unchanged"), rows)
    for one in found.turned:
        note(f"{one.name}: turned or flipped, {one.disagreement.value:.1%} of lesions are decided otherwise.", quiet)


def _cell(one: Changed) -> str:
    loss, change = one.sensitivity_loss, one.auc_change
    # What is lost is shown as a change, so that both numbers of a cell point the same way.
    sensitivity = f"{0 - loss.value:+.3f} ({0 - loss.high:+.3f} to {0 - loss.low:+.3f})" if loss else "not defined"
    auc = f"{change.value:+.3f} ({change.low:+.3f} to {change.high:+.3f})" if change else "not defined"
    return f"{sensitivity}, {auc}"


def _plain(value: Estimate | None) -> str:
    return estimate(vars(value) if value else None)


_LIMIT = {"type": click.IntRange(min=8), "help": "With --robustness: so many of the test images, half of them targets."}
EXTRA = Extra(
    name="robustness",
    help="Measure instead what changed photos of the same lesions do to decisions.",
    own=Own("--limit-images", _LIMIT),
    document="robustness.json",
    plan=_plan,
    measure=_measure,
    describe=_describe,
)
