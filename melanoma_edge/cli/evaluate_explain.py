"""``melanoma-edge evaluate --explain``: whether activation maps can be believed, and which lesions are got wrong."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import estimate, note, print_json, print_table, reporting
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from melanoma_edge.evidence.explanations_document import Case, Explanations, Walk
    from melanoma_edge.evidence.models import Model

PLACE, PICTURES = "explanations.json", "explanations"
_SHOWN = 10


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--explain`` and ``--no-images``."""
    function = click.option("--no-images", is_flag=True, help="With --explain: draw no pictures of lesions.")(function)
    return click.option(
        "--explain", is_flag=True, help="Check activation maps instead, and list the lesions that are got wrong."
    )(function)


def wanted(options: Mapping[str, Any]) -> bool:
    """Tell whether it was asked for; refuse its option without it."""
    if options["no_images"] and not options["explain"]:
        raise UsageError("--no-images is for --explain", fix="add --explain")
    return bool(options["explain"])


def run_extra(
    models: list[Model],
    options: Mapping[str, Any],
    seed: int,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
) -> int:
    """Measure, write ``RUN/report/explanations.json`` with pictures (older ones are replaced) and print."""
    from melanoma_edge.evidence.explanations import MAPPED, check_maps, explain, forget_pictures
    from melanoma_edge.evidence.side_by_side import side_by_side
    from melanoma_edge.files import to_json, write_text
    from melanoma_edge.strictjson import to_plain

    subject = side_by_side(models)
    check_maps(subject)
    home = subject.run.path / "report"
    pictures = None if options["no_images"] else home / PICTURES
    if dry_run:
        cost = f"each model answers test once, and up to {MAPPED} images four times without each of their places"
        plan = {"schema": PLAN_SCHEMA, "models": [str(model.path) for model in subject.models], "cost": cost}
        print_plan({**plan, "document": str(home / PLACE), "pictures": str(pictures) if pictures else ""}, as_json)
        return 0
    forget_pictures(home / PICTURES)
    with reporting(quiet) as reporter:
        found = explain(subject, pictures, seed=seed, progress=reporter.progress)
    document = to_plain(found)
    write_text(home / PLACE, to_json(document))
    print_json(document) if as_json else _describe(found)
    note(f"Explanations: {home / PLACE}", quiet)
    return 0


def _describe(found: Explanations) -> None:
    rows = [
        (
            one.name,
            "" if one.like_float is None else f"{one.like_float:.3f}",
            f"{estimate(vars(one.centre) if one.centre else None)} of {one.centre_of_even:.2f}",
            _walk(one.deletion),
            _walk(one.insertion),
        )
        for one in found.models
    ]
    columns = ("model", "ranks as float's", "in the middle, of an even map", "deletion: map, chance", "insertion")
    print_table("Activation maps", columns, rows)
    changed = [
        (one.layers, "not defined" if one.rank_correlation is None else f"{one.rank_correlation:.3f}")
        for one in found.randomised
    ]
    print_table("Maps of the float model with shuffled weights", ("shuffled", "ranks as before"), changed)
    _list(f"{found.target} lesions missed by some model", found.missed, found)
    _list("Surest false alarms", found.alarms[:_SHOWN], found)


def _walk(walk: Walk) -> str:
    gain = walk.gain
    spread = f" ({gain.low:+.3f} to {gain.high:+.3f})" if gain else ""
    return f"{walk.by_map:.3f}, {walk.by_chance:.3f}{spread}"


def _list(title: str, cases: tuple[Case, ...], found: Explanations) -> None:
    columns = ("image", "group", "label", *(one.name for one in found.models))
    rows = [(one.image_id, one.group, one.label, *(f"{score:.4f}" for score in one.scores)) for one in cases]
    print_table(f"{title}; threshold {found.threshold:.4g}", columns, rows)
