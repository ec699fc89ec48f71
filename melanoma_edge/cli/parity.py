"""``melanoma-edge parity``."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import note, print_json, reporting
from melanoma_edge.cli.drift import run_bisect, run_layers
from melanoma_edge.cli.matrix import check_out, only_one, opened_folds, run_matrix, runtimes_of
from melanoma_edge.cli.options import (
    PATH,
    dry_run_option,
    force_option,
    given,
    limit_option,
    output_options,
    run_argument,
    seed_option,
)
from melanoma_edge.cli.results import PLAN_SCHEMA, describe_verdict, print_plan
from melanoma_edge.errors import ExportError, TrustError, UsageError, named

if TYPE_CHECKING:
    from melanoma_edge.parity.gate import Limits
    from melanoma_edge.runtime.artifact import ArtifactRecord
    from melanoma_edge.training.run import Run

SYNTHETIC = "The images are synthetic: this verdict says nothing about people."
NOT_KEPT = "Not kept beside the files: a record there is of the test split, against the run's own float model."
_OPTIONS = {"reference": "--reference", "limits": "--limit", "seed": "--seed", "force": "--force"}
"""By parameter, options that some questions have no use for."""


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
@click.option(
    "--runtimes",
    metavar="all|NAME,...",
    help="Judge every file in every one of these runtimes, with all statistics: litert, litert-plain, onnxruntime, "
    "onnxruntime-untuned, litert@cortex-a76, onnxruntime@cortex-a76; all leaves out what is not here, and untuned.",
)
@click.option("--layers", is_flag=True, help="Show where one ARTIFACT leaves the float model, layer by layer.")
@click.option("--bisect", is_flag=True, help="Find the layers of one ARTIFACT that must be float to keep the limits.")
@click.option("--out", type=PATH, help="Where to write the matrix of --runtimes; default: the run's folder report.")
@limit_option
@force_option
@seed_option
@dry_run_option
@output_options
def command(
    run: Path,
    artifacts: tuple[Path, ...],
    split: str,
    reference: Path | None,
    runtimes: str | None,
    layers: bool,
    bisect: bool,
    out: Path | None,
    limits: tuple[str, ...],
    force: bool,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Judge exported files against the float model on the labelled images of a split.

    Exit code 0 is PASS, 5 FAIL, 6 INCONCLUSIVE: too few lesions to decide. Without ARTIFACTS, all of the run's. Several
    runs, all folds of one cross-validation, are judged together on the lesions that none of them learned from. Answers
    of --runtimes are kept, so that a stopped comparison goes on.

    \b
    Example:
      melanoma-edge parity runs/ham runs/ham/artifacts/model-int8.tflite
      melanoma-edge parity runs/ham --limit sensitivity_loss=0.03
      melanoma-edge parity runs/ham --runtimes all
      melanoma-edge parity runs/ham runs/ham/artifacts/model-int8.tflite --layers
    """
    from melanoma_edge.cli.limits import parsed_limits
    from melanoma_edge.parity.comparison import accepted, compare
    from melanoma_edge.parity.record import save_verdicts
    from melanoma_edge.parity.runtimes import chosen as chosen_runtimes
    from melanoma_edge.runtime.artifact import FORMATS
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.run import Run

    chosen, folds = parsed_limits(limits), [path for path in artifacts if path.is_dir()]
    _check_kinds(layers, bisect, runtimes, out, folds)
    _check_used(layers, bisect, out)
    check_out(out, force)
    if folds:
        return _judge_folds(
            [run, *folds], artifacts, runtimes, split, reference, chosen, out, seed, dry_run, as_json, quiet
        )
    opened = Run.open(run)
    paths = list(artifacts) or sorted(p for p in opened.artifacts.glob("*") if p.suffix in FORMATS)
    against = Run.open(reference) if reference else None
    records = accepted(opened, paths)
    _prove_precisions(records)
    _prove_calibration(opened, records)
    if layers or bisect:
        only_one(artifacts, "--layers" if layers else "--bisect")
    asked = chosen_runtimes(runtimes_of(runtimes))[0] if runtimes is not None else ()
    if dry_run:
        plan = {
            "schema": PLAN_SCHEMA,
            "run": str(run),
            "artifacts": [str(path) for path in paths],
            "split": split,
            "reference": str((against or opened.reference()).path),
            "limits": to_plain(chosen),
            "runtimes": [one.name for one in asked],
        }
        print_plan(plan, as_json)
        return 0
    if layers:
        return run_layers(opened, paths[0], split, against, as_json, quiet)
    if bisect:
        return run_bisect(opened, paths[0], split, chosen, as_json, quiet)
    if runtimes is not None:
        return run_matrix([opened], paths, runtimes_of(runtimes), split, chosen, against, out, seed, as_json, quiet)
    with reporting(quiet) as reporter:
        verdict = compare(opened, paths, split, chosen, reference=against, seed=seed, progress=reporter.progress)
    if split == "test" and not against:
        save_verdicts(verdict)
    elif not as_json:
        note(NOT_KEPT, quiet)
    print_json(verdict.to_document()) if as_json else describe_verdict(verdict, quiet)
    if verdict.synthetic and not as_json:
        note(SYNTHETIC, quiet)
    return verdict.verdict.exit_code


def _check_kinds(layers: bool, bisect: bool, runtimes: str | None, out: Path | None, folds: Sequence[Path]) -> None:
    """Raise ``UsageError`` for options that ask for different things."""
    asked = {"--layers": layers, "--bisect": bisect, "--runtimes": runtimes is not None, "several runs": bool(folds)}
    together = [name for name, given in asked.items() if given]
    if len(together) > 1 and together != ["--runtimes", "several runs"]:
        raise UsageError(f"{' and '.join(together)} are different questions", fix="ask one at a time")
    if out is not None and not (runtimes is not None or folds):
        raise UsageError("--out is for the matrix of --runtimes alone", fix="add --runtimes all, or leave --out away")


def _check_used(layers: bool, bisect: bool, out: Path | None) -> None:
    """Raise ``UsageError`` for options that would do nothing."""
    if layers:
        where, unused = "with --layers", ["limits", "seed", "force"]
    elif bisect:
        where, unused = "with --bisect", ["reference", "seed", "force"]
    else:
        where, unused = "without --out", ["force"] if out is None else []
    idle = [_OPTIONS[name] for name in unused if given(name)]
    if idle:
        raise UsageError(f"{' and '.join(idle)} would do nothing {where}", fix=f"leave out {' and '.join(idle)}")


def _judge_folds(
    runs: Sequence[Path],
    artifacts: Sequence[Path],
    runtimes: str | None,
    split: str,
    reference: Path | None,
    limits: Limits,
    out: Path | None,
    seed: int,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
) -> int:
    """Judge all folds of one cross-validation together, on the lesions that each did not learn from.

    Raises:
        UsageError: beside what ``opened_folds`` raises, for files, another split or a reference.
    """
    from melanoma_edge.parity.comparison import accepted
    from melanoma_edge.parity.runtimes import chosen as chosen_runtimes
    from melanoma_edge.runtime.artifact import FORMATS

    files = [str(path) for path in artifacts if not path.is_dir()]
    if files or split != "test" or reference is not None:
        what = "folds are judged with all their files, on their test lesions, against their own float models"
        raise UsageError(what, where=named(files), fix="give runs alone, without --split and --reference")
    opened, names = opened_folds(runs), runtimes_of(runtimes)
    present = chosen_runtimes(names)[0]
    for one in opened:
        paths = [path for path in one.artifacts.glob("*") if path.suffix in FORMATS]
        records = accepted(one, sorted(paths))
        _prove_precisions(records)
        _prove_calibration(one, records)
    if dry_run:
        listed = [str(one.path) for one in opened]
        plan = {
            "schema": PLAN_SCHEMA,
            "runs": listed,
            "runtimes": [one.name for one in present],
            "limits": asdict(limits),
        }
        print_plan(plan, as_json)
        return 0
    return run_matrix(opened, (), names, split, limits, None, out, seed, as_json, quiet)


def _prove_calibration(run: Run, records: list[ArtifactRecord]) -> None:
    """Raise ``TrustError`` for files whose ranges were not measured on training images drawn as ``export`` draws."""
    from exporters import Precision
    from melanoma_edge.compression.calibration import is_calibration

    wrong = []
    for record in records:
        note = record.calibration
        if note and is_calibration(run.catalog, note.images, note.seed, note.sha256):
            continue
        if note or Precision(record.precision).calibrated:
            images = f"{note.images} images ({_counted(note.class_counts)})" if note else "no images that it names"
            wrong.append(f"{record.path}: calibrated on {images}")
    if wrong:
        what = f"not calibrated on a draw of the run's training images: {named(wrong)}"
        raise TrustError(what, fix="export the run again")


def _counted(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {name}" for name, count in counts.items() if count)


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
