"""``melanoma-edge evaluate``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from melanoma_edge.cli import evaluate_explain, evaluate_rejection, evaluate_robustness
from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.data_options import layout_options
from melanoma_edge.cli.extra import Extra
from melanoma_edge.cli.options import PATH, dry_run_option, force_option, output_options, seed_option
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError

SCHEMA = "melanoma-edge/evaluations/1"
"""Of several evaluations in one document, as ``--json`` prints them."""
_LAYOUT = (
    *("source", "path_column", "label_column", "group_column", "image_type"),
    *("skip_missing_images", "skip_unknown_labels"),
)
_Command = Callable[..., Any]
EXTRAS: tuple[Extra, ...] = (evaluate_robustness.EXTRA, evaluate_rejection.EXTRA, evaluate_explain.EXTRA)


def _extra_options(function: _Command) -> _Command:
    for extra in reversed(EXTRAS):
        function = extra.options(function)
    return function


@click.command("evaluate")
@click.argument("models", type=PATH, nargs=-1, required=True, metavar="RUN|ARTIFACT...")
@click.option("--data", type=PATH, multiple=True, help="Folder of other labelled images; several are merged.")
@click.option(
    "--split", type=click.Choice(["train", "validation", "test"]), help="Whose images of the run. Default: test."
)
@_extra_options
@layout_options
@click.option("--skip-bad-images", is_flag=True, help="Leave unreadable images of --data out, counted.")
@click.option("--out", type=PATH, help="Write the document here instead of beside the run or file.")
@force_option
@seed_option
@dry_run_option
@output_options
def command(
    models: tuple[Path, ...],
    data: tuple[Path, ...],
    split: str | None,
    skip_bad_images: bool,
    out: Path | None,
    force: bool,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> int:
    """Measure float models and exported files on labelled images: clinical metrics with intervals, subgroups.

    The document goes to RUN/report/evaluation-SPLIT.json, or beside the exported file (test split); with --data only
    to --out. Images that the run learned from or was tuned on are left out of --data and counted. Several runs must
    be all folds of one cross-validation and give one out-of-fold evaluation.

    \b
    Example:
      melanoma-edge evaluate runs/ham
      melanoma-edge evaluate runs/ham runs/ham/artifacts/model-int8.tflite --split validation
      melanoma-edge evaluate runs/ham/artifacts/model-int8.tflite --data hospital/ --out hospital.json
      melanoma-edge evaluate runs/ham runs/ham/artifacts/model-int8.tflite --robustness --limit-images 200
      melanoma-edge evaluate runs/ham runs/ham/artifacts/model-int8.tflite --rejection --other holiday-photos/
      melanoma-edge evaluate runs/ham --explain
    """
    from melanoma_edge.cli.evaluated import describe_evaluations
    from melanoma_edge.evidence.job import asks_of_layout, carry_out, checked_job
    from melanoma_edge.evidence.models import open_models

    layout = {name: options[name] for name in _LAYOUT}
    wanted = [extra for extra in EXTRAS if extra.wanted(options)]
    if force and not out:
        what = "--force is for --out: documents in the folder of a run are replaced anyway"
        raise UsageError(what, fix="leave out --force, or name the document with --out")
    if wanted:
        _check_alone(wanted, bool(data or split or out or skip_bad_images or asks_of_layout(layout)))
        return wanted[0].carry_out(open_models(models), options, seed, as_json, quiet, dry_run)
    job = checked_job(models, split=split, data=data, layout=layout, skip_bad=skip_bad_images, out=out, force=force)
    if dry_run:
        print_plan({"schema": PLAN_SCHEMA, **job.plan()}, as_json)
        return 0
    with reporting(quiet) as reporter:
        found = carry_out(job, seed, progress=reporter.progress)
    documents = [one.to_document() for one in found]
    if as_json:
        print_json(documents[0] if len(documents) == 1 else {"schema": SCHEMA, "evaluations": documents})
    else:
        describe_evaluations(found, job.names, quiet)
    for place in filter(None, job.places):
        note(f"Evaluation: {place}", quiet)
    return 0


def _check_alone(wanted: Sequence[Extra], about_images: bool) -> None:
    """Raise ``UsageError`` for what would be left undone."""
    if len(wanted) > 1:
        raise UsageError("one thing at a time", fix="give one of --robustness, --rejection and --explain")
    if about_images:
        what = "--data and how it is read, --split and --out are for the plain evaluation"
        raise UsageError(what, fix="leave them out")
