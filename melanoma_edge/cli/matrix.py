"""``parity --runtimes``: every file in every runtime, of one run or of all folds pooled."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import note, print_json, print_table, reporting
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from melanoma_edge.evaluation.lesions import Lesions
    from melanoma_edge.parity.gate import Limits
    from melanoma_edge.parity.matrix import Cell, Matrix
    from melanoma_edge.progress import Progress
    from melanoma_edge.training.run import Run

_LOST_SHOWN = 10


def runtimes_of(text: str | None) -> tuple[str, ...]:
    """Return the names in a list with commas; all where none is given."""
    return tuple(name.strip() for name in text.split(",") if name.strip()) if text is not None else ("all",)


def opened_folds(runs: Sequence[Path]) -> list[Run]:
    """Open runs that are the folds of one cross-validation, in their order.

    Raises:
        UsageError: when they are not all of its folds.
    """
    from melanoma_edge.evidence.folds import check_folds
    from melanoma_edge.evidence.models import open_models

    return [run for run, _ in check_folds(open_models(runs))]


def run_matrix(
    runs: Sequence[Run],
    artifacts: Sequence[Path],
    runtimes: Sequence[str],
    split: str,
    limits: Limits,
    reference: Run | None,
    out: Path | None,
    seed: int,
    as_json: bool,
    quiet: bool,
) -> int:
    """Judge, write and print a matrix, and return the exit code of its worst cell.

    It is written to ``out``, else into the folder ``report`` of one run judged against its own reference.
    """
    from melanoma_edge.files import to_json, write_text
    from melanoma_edge.parity.matrix import compare_matrix
    from melanoma_edge.parity.matrix_document import matrix_document, matrix_path

    with reporting(quiet) as reporter:
        matrix = compare_matrix(
            runs,
            artifacts,
            runtimes,
            split,
            limits,
            reference=reference,
            seed=seed,
            attributes=partial(_attributes, progress=reporter.progress),
            progress=reporter.progress,
        )
    document = matrix_document(matrix)
    own = matrix_path(runs[0].path, split) if len(runs) == 1 and reference is None else None
    if path := out or own:
        write_text(path, to_json(document))
    print_json(document) if as_json else describe_matrix(matrix, quiet)
    if path and not as_json:
        note(f"Written: {path}", quiet)
    return matrix.verdict.exit_code


def check_out(out: Path | None, force: bool) -> None:
    """Raise ``UsageError`` when ``out`` is there and may not be replaced."""
    from melanoma_edge.files import refuse_overwrite

    if out is not None:
        refuse_overwrite([out], force)


def _attributes(images: Any, unit: Lesions, progress: Progress) -> dict[str, tuple[str, ...]]:
    """Return what is known of lesions and measured on their pixels; thirds of luminance are each fold's own."""
    from melanoma_edge.evidence.attributes import attributes_of
    from melanoma_edge.evidence.photos import photos_of

    return attributes_of(images.rows, unit, photos_of(images.pixels, progress))


def describe_matrix(matrix: Matrix, quiet: bool = False) -> None:
    """Print one row per cell, what decides an undecided one, melanomas lost, and how runtimes differ."""
    columns = (
        "artifact",
        "runtime",
        "class",
        "decision",
        "sensitivity loss (90 %)",
        "AUC",
        "KL",
        "lost",
        "s",
        "verdict",
    )
    print_table(
        f"Parity matrix on the {matrix.split} split",
        columns,
        [_row(cell) for cell in matrix.cells],
    )
    rows = [
        (Path(one.path).name, f"{one.first} / {one.second}", *_alike(one), f"{one.largest_difference:.1e}")
        for one in matrix.between
    ]
    if rows:
        print_table("One file in two runtimes", ("artifact", "runtimes", "class", "decision", "largest change"), rows)
    note("Sensitivity loss is shown with one-sided 95 % bounds at either end: a 90 % interval.", quiet)
    for cell in matrix.cells:
        _describe_doubts(cell, quiet)
    for absent in matrix.absent:
        note(f"Not here: {absent.runtime}: {absent.why}", quiet)
    folds = f" pooled from {len(matrix.folds)} folds" if matrix.folds else ""
    note(
        f"{matrix.verdict.value}: {len(matrix.cells)} cells on {matrix.groups} lesions ({matrix.melanomas} "
        f"{matrix.run.contract.target}){folds}",
        quiet,
    )


def _alike(one: Any) -> tuple[str, str]:
    return f"{one.same_class} of {one.lesions}", f"{one.same_decision} of {one.lesions}"


def _row(cell: Cell) -> tuple[object, ...]:
    found, name = cell.statistics, cell.record.path.name
    if found is None:
        return name, cell.runtime, "", "", "", "", "", "", f"{cell.seconds:.1f}", cell.judgement.verdict
    checks = {check.name: check for check in cell.judgement.checks}
    loss, auc = found.sensitivity, checks["melanoma_auc_change"].value
    return (
        name,
        cell.runtime,
        f"{found.class_agreement.value:.2%}",
        f"{found.decision_agreement.value:.2%}",
        "" if loss is None else f"{loss.loss.value:+.1%} ({loss.loss.low:+.1%} to {loss.loss.high:+.1%})",
        "" if auc is None else f"{auc:+.4f}",
        f"{found.kl.mean:.1e}",
        "" if loss is None else loss.lost,
        f"{cell.seconds:.1f}",
        cell.judgement.verdict,
    )


def _describe_doubts(cell: Cell, quiet: bool) -> None:
    """Say why a cell did not pass, and which melanomas it lost."""
    where = f"{cell.record.path.name} in {cell.runtime}"
    for check in cell.judgement.checks:
        if check.status.value != "PASS":
            note(f"  {check.status.value} {where}: {check.name}: {check.why}", quiet)
    lost = [flip for flip in cell.judgement.flips if flip.melanoma_lost]
    for flip in lost[:_LOST_SHOWN]:
        note(f"  LOST {flip.image_id} in {where}: {flip.float_score:.4f} -> {flip.exported_score:.4f}", quiet)


def only_one(artifacts: Sequence[Path], option: str) -> Path:
    """Return the one artifact that was given.

    Raises:
        UsageError: for none or several.
    """
    if len(artifacts) != 1:
        raise UsageError(f"{option} looks at one file, not {len(artifacts)}", fix="name one artifact behind the run")
    return artifacts[0]
