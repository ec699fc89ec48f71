"""``melanoma-edge evaluate --robustness``: how far decisions hold when the photo changes and the lesion does not."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import estimate, note, print_json, print_table, reporting
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from melanoma_edge.evaluation.intervals import Estimate
    from melanoma_edge.evidence.models import Model
    from melanoma_edge.evidence.robustness import Changed, Robustness

PLACE = "robustness.json"


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--robustness`` and ``--limit-images``."""
    function = click.option(
        "--limit-images",
        type=click.IntRange(min=8),
        help="With --robustness: so many of the test images, half of them targets.",
    )(function)
    return click.option(
        "--robustness", is_flag=True, help="Measure instead what changed photos of the same lesions do to decisions."
    )(function)


def wanted(options: Mapping[str, Any]) -> bool:
    """Tell whether it was asked for; refuse its option without it."""
    if options["limit_images"] and not options["robustness"]:
        raise UsageError("--limit-images is for --robustness", fix="add --robustness")
    return bool(options["robustness"])


def run_extra(
    models: list[Model],
    options: Mapping[str, Any],
    seed: int,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
) -> int:
    """Measure, write ``RUN/report/robustness.json`` (an older one is replaced) and print."""
    from melanoma_edge.evidence.robustness import count_of_changes, sweep
    from melanoma_edge.evidence.side_by_side import side_by_side
    from melanoma_edge.files import to_json, write_text
    from melanoma_edge.strictjson import to_plain

    subject, limit = side_by_side(models), options["limit_images"]
    place = subject.run.path / "report" / PLACE
    if dry_run:
        there = len(subject.run.catalog.part("test"))
        images, times = min(there, limit or there), count_of_changes()
        plan = {
            "schema": PLAN_SCHEMA,
            "models": [str(model.path) for model in subject.models],
            "images": images,
            "times each is looked at": times,
            "answers": images * times * len(subject.models),
            "document": str(place),
        }
        print_plan(plan, as_json)
        return 0
    with reporting(quiet) as reporter:
        found = sweep(subject, limit=limit, seed=seed, progress=reporter.progress)
    document = to_plain(found)
    write_text(place, to_json(document))
    print_json(document) if as_json else _describe(found, quiet)
    note(f"Robustness: {place}", quiet)
    return 0


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
