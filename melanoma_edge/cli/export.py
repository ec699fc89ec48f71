"""``melanoma-edge export``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.options import (
    dry_run_option,
    force_option,
    limit_option,
    output_options,
    run_argument,
    seed_option,
)
from melanoma_edge.cli.parity import SYNTHETIC
from melanoma_edge.cli.results import PLAN_SCHEMA, describe_artifacts, describe_verdict, print_plan
from melanoma_edge.errors import Interrupted

if TYPE_CHECKING:
    from exporters import Artifact

EXPORTED_SCHEMA = "melanoma-edge/exported/1"


@click.command("export")
@run_argument
@click.option("--format", "formats", multiple=True, required=True, help="tflite or onnx; may be repeated.")
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("int8",),
    show_default=True,
    help="float32, float16, int8-dynamic, int8 or int8-full; may be repeated.",
)
@click.option("--batch", type=int, default=1, show_default=True, help="Images per call; 0 leaves it free (onnx).")
@click.option(
    "--calibration-images",
    type=click.IntRange(min=8),
    default=512,
    show_default=True,
    help="Training images that int8 ranges are taken from.",
)
@click.option("--no-parity", is_flag=True, help="Do not judge the files; they stay unverified.")
@limit_option
@force_option
@seed_option
@dry_run_option
@output_options
def command(
    run: Path,
    formats: tuple[str, ...],
    precisions: tuple[str, ...],
    batch: int,
    calibration_images: int,
    no_parity: bool,
    limits: tuple[str, ...],
    force: bool,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write a run's model as TFLite or ONNX with its contract inside, and judge every file against the float model.

    Exit code 0 is PASS, 5 FAIL, 6 INCONCLUSIVE. A file that fails stays, with its verdict beside it.

    \b
    Example:
      melanoma-edge export runs/ham --format tflite --format onnx --precision int8 --precision float32
    """
    from exporters import export_many, planned
    from melanoma_edge.cli.limits import parsed_limits
    from melanoma_edge.parity.comparison import compare
    from melanoma_edge.parity.record import save_verdicts
    from melanoma_edge.training.run import Run

    opened, chosen, pairs = Run.open(run), parsed_limits(limits), list(product(formats, precisions))
    size = batch or None
    paths = planned(opened, pairs, batch=size, force=force)
    if dry_run:
        plan = {"schema": PLAN_SCHEMA, "run": str(run), "artifacts": [str(path) for path in paths], "batch": batch}
        print_plan(plan, as_json)
        return 0
    with _stoppable(run, paths, force), reporting(quiet) as reporter:
        artifacts = export_many(
            opened,
            pairs,
            calibration_images=calibration_images,
            seed=seed,
            batch=size,
            force=force,
            progress=reporter.progress,
        )
        if not no_parity:
            verdict = compare(
                opened, [item.path for item in artifacts], "test", chosen, seed=seed, progress=reporter.progress
            )
            save_verdicts(verdict)
    if no_parity:
        _print_unverified(artifacts, as_json, quiet)
        return 0
    if as_json:
        print_json(verdict.to_document())
    else:
        describe_artifacts(artifacts)
        describe_verdict(verdict, quiet)
        if verdict.synthetic:
            note(SYNTHETIC, quiet)
    return verdict.verdict.exit_code


@contextmanager
def _stoppable(run: Path, paths: list[Path], force: bool) -> Iterator[None]:
    """Say after Ctrl-C how the work continues: files that were written are whole, and not overwritten unasked."""
    try:
        yield
    except KeyboardInterrupt as error:
        there = [path.name for path in paths if path.exists()]
        fix = "run the same command again"
        if len(there) == len(paths) and not force:
            fix = f"judge the files with `melanoma-edge parity {run}`"
        elif there and not force:
            fix = f"run the same command again with --force; written so far: {', '.join(there)}"
        raise Interrupted("stopped", fix=fix) from error


def _print_unverified(artifacts: list[Artifact], as_json: bool, quiet: bool) -> None:
    if as_json:
        files = [
            {"path": str(item.path), "sha256": item.sha256, "bytes": item.bytes, "verdict": "unverified"}
            for item in artifacts
        ]
        print_json({"schema": EXPORTED_SCHEMA, "artifacts": files})
        return
    describe_artifacts(artifacts)
    note("Unverified: nothing is known of what these files decide. `melanoma-edge parity` judges them.", quiet)
