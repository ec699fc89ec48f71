"""``melanoma-edge quantize``."""

from __future__ import annotations

from pathlib import Path

import click

from melanoma_edge.cli.console import note, reporting
from melanoma_edge.cli.options import PATH, dry_run_option, force_option, output_options, run_argument, seed_option
from melanoma_edge.cli.results import PLAN_SCHEMA, describe_run, print_plan


@click.command("quantize")
@run_argument
@click.option("--out", type=PATH, required=True, help="The new run's directory.")
@click.option(
    "--method",
    default="rounding",
    show_default=True,
    help="rounding keeps what each layer answers; nearest is plain rounding, for comparison.",
)
@click.option(
    "--images",
    type=click.IntRange(min=8),
    default=512,
    show_default=True,
    help="Training images to look at; their labels are not used.",
)
@force_option
@seed_option
@dry_run_option
@output_options
def command(
    run: Path,
    out: Path,
    method: str,
    images: int,
    force: bool,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> None:
    """Make a new run whose weights lie on the int8 grid, rounded so that decisions stay.

    Plain rounding flips one predicted class in ten. Here batch norm is folded away, each weight is rounded so that the
    layer's answers change least, and biases take back what is left. Export the new run with --precision int8.

    \b
    Example:
      melanoma-edge quantize runs/ham --out runs/ham-int8
    """
    from melanoma_edge.compression.quantize import check, quantize
    from melanoma_edge.training.run import Run

    parent = Run.open(run)
    check(parent, out, method, force)
    if dry_run:
        plan = {"schema": PLAN_SCHEMA, "parent": str(run), "out": str(out), "method": method, "images": images}
        print_plan({**plan, "seed": seed}, as_json)
        return
    with reporting(quiet) as reporter:
        made = quantize(parent, out, method=method, images=images, seed=seed, force=force, progress=reporter.progress)
    describe_run(made, as_json, quiet)
    found = made.record.compression
    if found and not quiet:
        kept = found["weights_against_float"]
        note(
            f"Rounded weights alone keep {kept['class_agreement']:.1%} of predicted classes and "
            f"{kept['decision_agreement']:.1%} of decisions on validation. "
            f"Next: melanoma-edge export {out} --format tflite"
        )
