"""``melanoma-edge prune``."""

from __future__ import annotations

from pathlib import Path

import click

from melanoma_edge.cli.console import reporting
from melanoma_edge.cli.options import (
    PATH,
    batch_size_option,
    device_option,
    dry_run_option,
    force_option,
    output_options,
    resume_option,
    run_argument,
)
from melanoma_edge.cli.results import PLAN_SCHEMA, describe_compression, describe_run, print_plan


@click.command("prune")
@run_argument
@click.option("--sparsity", type=float, help="Share of the 1x1 convolutions' weights to set to zero.")
@click.option(
    "--pattern",
    type=click.Choice(["unstructured", "2:4"]),
    default="unstructured",
    show_default=True,
    help="Zeros anywhere, or two in each four neighbouring input channels: half of the weights, without --sparsity.",
)
@click.option(
    "--schedule",
    type=click.Choice(["polynomial", "constant"]),
    help="Sparsity rises over the first half of the fine-tuning, or is whole from its first step; "
    "default: polynomial, for 2:4 constant.",
)
@click.option("--out", type=PATH, required=True, help="The new run's directory.")
@click.option("--epochs", type=int, help="Of fine-tuning; default: a third of the parent's.")
@click.option("--learning-rate", type=float, help="At its peak; default: a third of the parent's.")
@batch_size_option
@device_option
@click.option("--seed", type=int, help="Of all chance; default: the parent's.")
@resume_option
@force_option
@dry_run_option
@output_options
def command(
    run: Path,
    sparsity: float | None,
    pattern: str,
    schedule: str | None,
    out: Path,
    epochs: int | None,
    learning_rate: float | None,
    batch_size: int | None,
    device: str | None,
    seed: int | None,
    resume: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a new run in which most weights of the 1x1 convolutions are zero.

    Zeros make the file smaller where it is compressed, as in an app store's download. They make nothing faster.

    \b
    Example:
      melanoma-edge prune runs/ham --sparsity 0.5 --out runs/ham-pruned
      melanoma-edge prune runs/ham --pattern 2:4 --out runs/ham-two-of-four
    """
    from melanoma_edge.compression.prune import check, prune, prune_config
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.run import Run

    parent = Run.open(run)
    options = {"batch_size": batch_size, "device": device, "seed": seed}
    config = prune_config(parent, sparsity, epochs, learning_rate, pattern=pattern, schedule=schedule, **options)
    if dry_run:
        check(parent, out, config, resume=resume, force=force)
        plan = {"schema": PLAN_SCHEMA, "parent": str(run), "out": str(out), "configuration": to_plain(config)}
        print_plan(plan, as_json)
        return
    with reporting(quiet) as reporter:
        pruned = prune(parent, out, config, resume=resume, force=force, progress=reporter.progress)
    describe_run(pruned, as_json, quiet)
    if not as_json:
        describe_compression(pruned, quiet)
