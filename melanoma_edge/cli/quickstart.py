"""``melanoma-edge quickstart``."""

from __future__ import annotations

from pathlib import Path

import click

from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.options import PATH, dry_run_option, force_option, output_options, seed_option
from melanoma_edge.cli.results import (
    PLAN_SCHEMA,
    describe_artifacts,
    describe_compression,
    describe_predictions,
    describe_run,
    describe_verdict,
    print_plan,
)


@click.command("quickstart")
@click.option(
    "--out", type=PATH, default=Path("melanoma-edge-quickstart"), show_default=True, help="Where everything goes."
)
@force_option
@seed_option
@dry_run_option
@output_options
def command(out: Path, force: bool, seed: int, dry_run: bool, as_json: bool, quiet: bool) -> None:
    """Run the whole chain on synthetic images: data, training, pruning, int8 TFLite and ONNX, parity, one prediction.

    Takes minutes on two cores and downloads nothing. Exit code 0 says that the chain completed; the verdict is shown.

    \b
    Example:
      melanoma-edge quickstart --out try
    """
    from melanoma_edge.cli.chain import STEPS, check_place, quickstart

    check_place(out, force)
    if dry_run:
        print_plan({"schema": PLAN_SCHEMA, "out": str(out), "seed": seed, "steps": list(STEPS)}, as_json)
        return
    with reporting(quiet) as reporter:
        result = quickstart(out, seed=seed, force=force, say=lambda text: note(text, quiet), progress=reporter.progress)
    if as_json:
        print_json(result.to_document())
        return
    describe_run(result.run, as_json=False, quiet=quiet)
    describe_compression(result.pruned, quiet)
    describe_artifacts(result.artifacts)
    describe_verdict(result.verdict, quiet)
    describe_predictions([result.answer])
    note(_next_steps(out, result.photo, result.artifacts[0].path), quiet)


def _next_steps(out: Path, photo: Path, model: Path) -> str:
    return f"""
All of this is about synthetic images and says nothing about people. Everything is in {out}:
  data/     the synthetic images          run/      the float model, its metrics and plots
  pruned/   the pruned model              pruned/artifacts/  int8 .tflite and .onnx with verdicts

Look closer:    melanoma-edge inspect {model}
Decide again:   melanoma-edge predict {model} {photo}
Your own data:  melanoma-edge train --data FOLDER --init imagenet --out runs/mine
                melanoma-edge export runs/mine --format tflite --format onnx --precision int8
"""
