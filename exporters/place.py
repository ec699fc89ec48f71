"""Where exported files go, and who may write there."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from exporters.material import LEARNED
from exporters.outputs import chosen
from exporters.precision import Precision
from exporters.registry import Format, checked
from exporters.sparse import refuse
from melanoma_edge.errors import UsageError, named
from melanoma_edge.files import locked, refuse_overwrite
from melanoma_edge.model.spec import check_mobilenet
from melanoma_edge.runtime.artifact import needed
from melanoma_edge.training.run import Run


def place(run: Run, form: Format, precision: Precision, sparse: bool = False, extras: Sequence[str] = ()) -> Path:
    """Return the path of an exported file; its name says which outputs it has that not every file of the run has."""
    further = [name for name in extras if name not in needed(run.contract)]
    parts = ("model", precision, *(["sparse"] if sparse else []), *further)
    return run.artifacts / f"{'-'.join(parts)}{form.suffix}"


def planned(
    run: Run,
    asked: Iterable[tuple[str, str]],
    *,
    batch: int | None = 1,
    sparse: bool = False,
    extras: Sequence[str] = (),
    force: bool = False,
    searched: bool = False,
    rounding: str = LEARNED,
) -> list[Path]:
    """Return the files that ``export_many`` would write, after every check that needs no computation.

    Raises:
        UsageError: for unknown names, what a format cannot do, what cannot be stored sparse, existing files, rounding
            that does not know the network, or, where layers of int8 are ``searched`` that stay in float, precisions
            without int8 or with others like it.
    """
    pairs, further = checked(asked, batch), chosen((*extras, *needed(run.contract)))
    if searched:
        _refuse_search([precision for _, precision in pairs])
    if rounding == LEARNED and any(precision.calibrated for _, precision in pairs):
        check_mobilenet(run.network, "learned rounding", str(run.path))
    if sparse:
        refuse(run.weights(), pairs, further)
    paths = [place(run, form, precision, sparse, further) for form, precision in pairs]
    refuse_overwrite(paths, force)
    return paths


def _refuse_search(precisions: Sequence[Precision]) -> None:
    """Refuse a search whose result files of the precisions could not have, or only some of them."""
    if Precision.INT8 not in precisions:
        raise UsageError("a search without int8", where="precisions", fix="ask for int8 as well")
    others = dict.fromkeys(one for one in precisions if one.calibrated and one is not Precision.INT8)
    if others:
        what = f"a search is for int8; {named(others)} would keep no layer in float"
        raise UsageError(what, where="precisions", fix="export them with a command of their own, without a search")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Keep other exports out of the folder, and remove what a killed one left half-written.

    Raises:
        UsageError: while another export writes there.
        MachineError: when the folder cannot be written to.
    """
    lock = folder / ".lock"
    with locked(lock, wait=False) as held:
        if not held:
            raise UsageError("another export writes into this run", where=str(folder), fix="wait until it has ended")
        try:
            for leftover in folder.glob(".model-*.part"):
                leftover.unlink(missing_ok=True)
            yield
        finally:
            lock.unlink(missing_ok=True)
