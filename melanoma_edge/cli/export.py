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
    given,
    limit_option,
    output_options,
    run_argument,
    search_options,
    seed_option,
)
from melanoma_edge.cli.parity import SYNTHETIC
from melanoma_edge.cli.results import PLAN_SCHEMA, describe_artifacts, describe_verdict, print_plan
from melanoma_edge.cli.searching import describe_searches, goal_of, search_document, showing_failure
from melanoma_edge.errors import Interrupted, UsageError

if TYPE_CHECKING:
    from exporters import Artifact
    from melanoma_edge.training.run import Run

EXPORTED_SCHEMA = "melanoma-edge/exported/1"


@click.command("export")
@run_argument
@click.option("--format", "formats", multiple=True, required=True, help="tflite, onnx or ort; may be repeated.")
@click.option(
    "--precision",
    "precisions",
    multiple=True,
    default=("int8",),
    show_default=True,
    help="float32, float16, int8-dynamic, int8, int8-full or int8x16; may be repeated.",
)
@click.option("--batch", type=int, default=1, show_default=True, help="Images per call; 0 leaves it free (onnx, ort).")
@click.option(
    "--calibration-images",
    type=click.IntRange(min=8),
    default=512,
    show_default=True,
    help="Training images that int8 ranges are taken from, and weights rounded on.",
)
@search_options
@click.option("--sparse", is_flag=True, help="Leave the zeros of a pruned run out of the file (float32 tflite only).")
@click.option("--with-embedding", is_flag=True, help="Also answer the pooled features, for similar-image search.")
@click.option("--with-cam", is_flag=True, help="Also answer where in the image each class was seen (activation map).")
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
    max_loss: tuple[str, ...],
    rounding: str,
    check_calibration: bool,
    sparse: bool,
    with_embedding: bool,
    with_cam: bool,
    no_parity: bool,
    limits: tuple[str, ...],
    force: bool,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Write a run's model as TFLite, ONNX or ORT with its contract inside, and judge each file against the float model.

    Exit code 0 is PASS, 5 FAIL, 6 INCONCLUSIVE. A file that fails stays, with its verdict beside it. With --max-loss,
    blocks of an int8 model move to float until it decides as well as asked on validation; when half of the network is
    not enough, nothing is written and the exit code is 5. The search is for int8 alone: int8-full and int8x16 are
    exported without it. The verdict on test follows --limit as always.

    \b
    Example:
      melanoma-edge export runs/ham --format tflite --format onnx --precision int8 --precision float32
      melanoma-edge export runs/ham --format tflite --with-cam
      melanoma-edge export runs/ham --format tflite --precision int8 --max-loss decision_agreement=0.99
    """
    from exporters import export_many, planned
    from exporters.material import Material, Recipe
    from melanoma_edge.cli.limits import parsed_limits
    from melanoma_edge.parity.comparison import compare
    from melanoma_edge.parity.record import save_verdicts
    from melanoma_edge.training.run import Run

    opened, chosen, pairs = Run.open(run), parsed_limits(limits), list(product(formats, precisions))
    size, extras = batch or None, [name for name, asked in (("embedding", with_embedding), ("cam", with_cam)) if asked]
    parsed_limits(max_loss, "--max-loss")
    searched = bool(max_loss)
    paths = planned(
        opened, pairs, batch=size, sparse=sparse, extras=extras, force=force, searched=searched, rounding=rounding
    )
    material = Material(opened, Recipe(calibration_images, seed, rounding, check_calibration))
    _refuse_rounding(opened)
    if dry_run:
        plan = {"schema": PLAN_SCHEMA, "run": str(run), "artifacts": [str(path) for path in paths], "batch": batch}
        print_plan({**plan, "rounding": material.rounding, "max_loss": list(max_loss)}, as_json)
        return 0
    with showing_failure(as_json, quiet), _stoppable(run, paths, force), reporting(quiet) as reporter:
        artifacts = export_many(
            opened,
            pairs,
            calibration_images=calibration_images,
            seed=seed,
            rounding=rounding,
            check_calibration=check_calibration,
            goal=goal_of(opened, max_loss, reporter.progress),
            batch=size,
            sparse=sparse,
            extras=extras,
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
        print_json({**verdict.to_document(), **search_document(artifacts)})
    else:
        describe_searches(artifacts, quiet)
        describe_artifacts(artifacts)
        describe_verdict(verdict, quiet)
        if verdict.synthetic:
            note(SYNTHETIC, quiet)
    return verdict.verdict.exit_code


def _refuse_rounding(run: Run) -> None:
    """Refuse ``--rounding`` for weights that are on the int8 grid already.

    Raises:
        UsageError: when the option was given.
    """
    if given("rounding") and run.network.folded:
        fix = "leave out --rounding, or export the run that this one was quantized from"
        raise UsageError("--rounding on a run whose weights are rounded already", where=str(run.path), fix=fix)


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
        print_json({"schema": EXPORTED_SCHEMA, "artifacts": files, **search_document(artifacts)})
        return
    describe_searches(artifacts, quiet)
    describe_artifacts(artifacts)
    note("Unverified: nothing is known of what these files decide. `melanoma-edge parity` judges them.", quiet)
