"""``melanoma-edge runs``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import estimate, note, print_json, print_table, reporting
from melanoma_edge.cli.options import PATH, given, limit_option, output_options, seed_option
from melanoma_edge.cli.results import describe_judgement
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from melanoma_edge.evidence.listing import ListedRun
    from melanoma_edge.evidence.releases import Comparison

_COMPARE = "compare"


@click.command("runs")
@click.argument("what", type=PATH, nargs=-1, metavar="[DIR] | compare BEFORE AFTER")
@click.option("--split", type=click.Choice(["validation", "test"]), help="With compare: whose images. [default: test]")
@limit_option
@seed_option
@output_options
def command(
    what: tuple[Path, ...], split: str | None, limits: tuple[str, ...], seed: int, as_json: bool, quiet: bool
) -> int:
    """List the runs in a folder, or judge one release against the one before it.

    The list has what each run reached on its test split, its exported files with their verdicts, and its parent; a
    broken run is named with what is wrong. DIR is runs when left out.

    compare pairs two runs or two exported files in their runs' folders on the same lesions, each at its own
    threshold, with the statistics and the gate of parity: exit code 0 is PASS, 5 FAIL, 6 INCONCLUSIVE. Where one
    learned from lesions that the other is tested on, it refuses.

    \b
    Example:
      melanoma-edge runs
      melanoma-edge runs compare runs/ham runs/ham/artifacts/model-int8.tflite
    """
    if what and str(what[0]) == _COMPARE:
        if len(what) != 3:
            fix = "melanoma-edge runs compare BEFORE AFTER"
            raise UsageError(f"compare takes two runs or exported files, not {len(what) - 1}", fix=fix)
        return _compare(what[1], what[2], split or "test", limits, seed, as_json, quiet)
    if split or limits or given("seed"):
        raise UsageError("--split, --limit and --seed are for compare", fix="melanoma-edge runs compare BEFORE AFTER")
    if len(what) > 1:
        raise UsageError("more than one folder", fix="give one folder, or compare BEFORE AFTER")
    _list(what[0] if what else Path("runs"), as_json, quiet)
    return 0


def _list(folder: Path, as_json: bool, quiet: bool) -> None:
    from melanoma_edge.evidence.listing import SCHEMA, list_runs
    from melanoma_edge.strictjson import to_plain

    found = list_runs(folder)
    if as_json:
        print_json({"schema": SCHEMA, "folder": str(folder), "runs": to_plain(found)})
        return
    columns = ("run", "made by", "balanced accuracy", "AUC of target", "sensitivity", "files", "stamp")
    print_table(f"Runs in {folder}: test split (95 % interval)", columns, [_row(one) for one in found])
    for one in found:
        if one.error:
            note(f"Broken: {one.path}: {one.error}", quiet)


def _row(one: ListedRun) -> tuple[str, ...]:
    if one.error:
        return (one.name, "broken", *[""] * 5)
    made_by = f"{one.method} of {Path(one.parent).name}" if one.parent else str(one.method)
    numbers = (estimate(one.metrics[name]) for name in ("balanced_accuracy", "melanoma_auc", "sensitivity"))
    verdicts = Counter(artifact.verdict for artifact in one.artifacts)
    return (one.name, made_by, *numbers, ", ".join(f"{n} {verdict}" for verdict, n in verdicts.items()), one.stamp)


def _compare(
    before: Path, after: Path, split: str, limits: tuple[str, ...], seed: int, as_json: bool, quiet: bool
) -> int:
    from melanoma_edge.cli.limits import parsed_limits
    from melanoma_edge.evidence.models import open_models
    from melanoma_edge.evidence.releases import compare_releases

    chosen = parsed_limits(limits)
    first, second = open_models([before, after])
    with reporting(quiet) as reporter:
        found = compare_releases(first, second, split, chosen, seed=seed, progress=reporter.progress)
    print_json(found.to_document()) if as_json else _describe(found, quiet)
    return found.verdict.exit_code


def _describe(found: Comparison, quiet: bool) -> None:
    judgement = found.judgement
    before, after = judgement.float_metrics.headline(), judgement.exported_metrics
    later = after.headline() if after else {}
    rows = [
        (name, *(estimate(vars(one) if one else None) for one in (value, later.get(name))))
        for name, value in before.items()
    ]
    rows.append(("threshold", f"{found.before.threshold:.4g}", f"{found.after.threshold:.4g}"))
    print_table(
        f"Each at its own threshold, {found.split} split", ("metric", found.before.path, found.after.path), rows
    )
    title = f"{found.after.path} against {found.before.path}: {found.verdict.value}"
    describe_judgement(title, judgement, quiet)
    stamped = [text for text, holds in (("LEAKY split", found.leaky), ("synthetic images", found.synthetic)) if holds]
    note(
        f"{found.verdict.value}: {found.groups} lesions, {found.melanomas} of them {found.target}"
        f"{' (' + ', '.join(stamped) + ')' if stamped else ''}.",
        quiet,
    )
