"""``melanoma-edge parity``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.options import PATH, dry_run_option, limit_option, output_options, run_argument, seed_option
from melanoma_edge.cli.results import PLAN_SCHEMA, describe_verdict, print_plan
from melanoma_edge.errors import ExportError, TrustError, named

if TYPE_CHECKING:
    from melanoma_edge.runtime.artifact import ArtifactRecord

SYNTHETIC = "The images are synthetic: this verdict says nothing about people."


@click.command("parity")
@run_argument
@click.argument("artifacts", type=PATH, nargs=-1)
@click.option(
    "--split",
    type=click.Choice(["train", "validation", "test"]),
    default="test",
    show_default=True,
    help="Whose images are compared.",
)
@click.option("--reference", type=PATH, help="Another run to judge against; default: the run's own float model.")
@limit_option
@seed_option
@dry_run_option
@output_options
def command(
    run: Path,
    artifacts: tuple[Path, ...],
    split: str,
    reference: Path | None,
    limits: tuple[str, ...],
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Judge exported files against the float model on the labelled images of a split.

    Exit code 0 is PASS, 5 FAIL, 6 INCONCLUSIVE: too few lesions to decide. Without ARTIFACTS, all of the run's.

    \b
    Example:
      melanoma-edge parity runs/ham runs/ham/artifacts/model-int8.tflite
      melanoma-edge parity runs/ham --limit sensitivity_loss=0.03
    """
    from melanoma_edge.cli.limits import parsed_limits
    from melanoma_edge.parity.comparison import accepted, compare
    from melanoma_edge.parity.record import save_verdicts
    from melanoma_edge.runtime.artifact import FORMATS
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.run import Run

    opened, chosen = Run.open(run), parsed_limits(limits)
    paths = list(artifacts) or sorted(p for p in opened.artifacts.glob("*") if p.suffix in FORMATS)
    against = Run.open(reference) if reference else None
    _prove_precisions(accepted(opened, paths))
    if dry_run:
        plan = {
            "schema": PLAN_SCHEMA,
            "run": str(run),
            "artifacts": [str(path) for path in paths],
            "split": split,
            "reference": str((against or opened.reference()).path),
            "limits": to_plain(chosen),
        }
        print_plan(plan, as_json)
        return 0
    with reporting(quiet) as reporter:
        verdict = compare(opened, paths, split, chosen, reference=against, seed=seed, progress=reporter.progress)
    if split == "test" and not against:
        save_verdicts(verdict)
    print_json(verdict.to_document()) if as_json else describe_verdict(verdict, quiet)
    if verdict.synthetic and not as_json:
        note(SYNTHETIC, quiet)
    return verdict.verdict.exit_code


def _prove_precisions(records: list[ArtifactRecord]) -> None:
    """Raise ``TrustError`` for readable files whose operators are not those of the precision they state."""
    from exporters import Precision, inventory, lint
    from exporters.plan import Keep

    lies = []
    for record in records:
        try:
            found = inventory.take(record.path.read_bytes(), record.format)
        except ExportError:
            continue  # its runtime will say why it cannot run it, in a verdict
        try:
            plan = {name: Keep(kind) for name, kind in record.kept.items()}
            lint.check(found, Precision(record.precision), record.extras, plan=plan)
        except (ExportError, ValueError) as error:
            lies.append(f"{record.path}: {error.what if isinstance(error, ExportError) else error}")
    if lies:
        raise TrustError(f"files are not of the precision they state: {named(lies)}", fix="export the run again")
