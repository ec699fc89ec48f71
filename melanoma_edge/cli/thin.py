"""``melanoma-edge thin``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from melanoma_edge.cli.console import note, print_json, reporting
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
from melanoma_edge.cli.results import PLAN_SCHEMA
from melanoma_edge.errors import UsageError

SCHEMA = "melanoma-edge/thin/1"
_UNITS = {"k": 1e3, "M": 1e6, "G": 1e9}


def _macs(context: click.Context, parameter: click.Parameter, value: str | None) -> float | None:
    """Read ``20M`` or ``20000000``."""
    if value is None:
        return None
    try:
        return float(value.rstrip("kMG")) * _UNITS.get(value[-1:], 1.0)
    except ValueError as error:
        raise UsageError(f"target {value!r} is not a number such as 20M", fix="write for instance 20M") from error


@click.command("thin")
@run_argument
@click.option("--out", type=PATH, required=True, help="The new run's directory.")
@click.option("--keep", type=float, help="Share of the multiplications to keep, such as 0.6.")
@click.option("--target-macs", callback=_macs, help="Multiplications for one image, at most, such as 20M.")
@click.option(
    "--target-kb", type=float, help="Kilobytes of the int8 .tflite: estimated, +-0.5 %; float32 blocks add to it."
)
@click.option(
    "--importance",
    type=click.Choice(["taylor", "magnitude", "random"]),
    default="taylor",
    show_default=True,
    help="taylor measures each channel's effect on the validation loss; the others are for comparison.",
)
@click.option("--images", type=int, default=1024, show_default=True, help="Images to measure on, at most.")
@click.option("--rounds", type=int, default=4, show_default=True, help="Channels go in rounds, each measured anew.")
@click.option("--epochs", type=int, help="Of fine-tuning; default: a third of the parent's.")
@click.option("--learning-rate", type=float, help="At its peak; default: half the parent's.")
@batch_size_option
@device_option
@click.option("--seed", type=int, help="Of all chance; default: the parent's.")
@resume_option
@force_option
@dry_run_option
@output_options
def command(
    run: Path,
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
    **asked: Any,
) -> None:
    """Make a new run whose network is physically narrower, and so smaller and faster in every runtime.

    The channels whose loss raises the validation loss least go, by eights, until --keep, --target-macs or --target-kb
    is reached; then the narrower network learns from its parent. --dry-run shows the channels and what they cost.

    \b
    Example:
      melanoma-edge thin runs/ham --keep 0.6 --out runs/ham-thin
      melanoma-edge thin runs/ham --target-kb 400 --out runs/ham-400 --dry-run
    """
    from melanoma_edge.cli.thinning import describe_plan, describe_thinning, thinning_document
    from melanoma_edge.compression.thin import Thinning, check, planned, thin, thin_config
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.run import Run

    parent = Run.open(run)
    config = thin_config(parent, epochs, learning_rate, batch_size=batch_size, device=device, seed=seed)
    thinning = Thinning(**asked, seed=config.seed)
    check(parent, out, thinning, config, resume=resume, force=force)
    with reporting(quiet) as reporter:
        if dry_run:
            record = planned(parent, thinning, reporter.progress).record
        else:
            thinned = thin(parent, out, thinning, config, resume=resume, force=force, progress=reporter.progress)
    if dry_run:
        plan = {"schema": PLAN_SCHEMA, "parent": str(run), "out": str(out), "configuration": to_plain(config)}
        print_json({**plan, "thinning": record}) if as_json else describe_plan(record)
        return
    document = thinning_document(parent, thinned)
    print_json({"schema": SCHEMA, **document}) if as_json else describe_thinning(document)
    note(
        f"Run: {out}. Next: melanoma-edge export {out} --format tflite; the time of files tells "
        "melanoma-edge benchmark.",
        quiet or as_json,
    )
