"""The search for blocks that must stay in float: what it is judged by, and how it is shown."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import note, print_json, print_table
from melanoma_edge.cli.limits import parsed_limits

if TYPE_CHECKING:
    from exporters import Artifact
    from exporters.search import Candidate, Goal, Judged, SearchRecord
    from melanoma_edge.evaluation.lesions import Floats
    from melanoma_edge.parity.gate import Limits
    from melanoma_edge.progress import Progress
    from melanoma_edge.training.run import Run, SplitImages

SPLIT = "validation"
_RESAMPLES = 100
"""Few, because a candidate is judged by its numbers themselves and not by their intervals."""
_SHOWN = ("class_agreement", "decision_agreement", "melanoma_auc_change", "mean_score_change")


def goal_of(run: Run, max_loss: Sequence[str], progress: Progress) -> Goal | None:
    """Return the goal that ``--max-loss`` names, with the gate's own limits for what it does not name.

    Raises:
        UsageError: for unknown limits and impossible values.
    """
    if not max_loss:
        return None
    from exporters.search import Goal

    limits = parsed_limits(max_loss, "--max-loss")
    return Goal(Judge(run, limits, progress), asdict(limits), SPLIT)


class Judge:
    """Find a candidate good when each of the gate's numbers on a split keeps its limit, uncertainty aside."""

    def __init__(self, run: Run, limits: Limits, progress: Progress, split: str = SPLIT) -> None:
        self._run, self._limits, self._progress, self._split = run, limits, progress, split

    @cached_property
    def _images(self) -> SplitImages:
        return self._run.images(self._split, self._progress)

    @cached_property
    def _expected(self) -> Floats:
        return self._answers(self._run.reference().path, "reference")

    def _answers(self, path: Path, what: str) -> Floats:
        from melanoma_edge.parity.comparison import answers_on
        from melanoma_edge.runtime.worker import IsolatedRunner

        return answers_on(IsolatedRunner(path), self._images, what, self._progress)

    def __call__(self, path: Path) -> Judged:
        from exporters.search import Judged
        from melanoma_edge.parity.comparison import judge

        images, found = self._images, self._answers(path, path.stem)
        rows = (images.ids, images.groups, images.labels, self._run.contract, self._limits)
        judgement = judge(self._expected, found, *rows, resamples=_RESAMPLES)
        missed = tuple(check.name for check in judgement.checks if not check.inside)
        return Judged(not missed, {check.name: check.value for check in judgement.checks}, missed)


@contextmanager
def showing_failure(as_json: bool, quiet: bool) -> Iterator[None]:
    """Print what was tried when a search fails, before its error goes on."""
    from exporters.search import SearchFailed

    try:
        yield
    except SearchFailed as failure:
        if failure.record and as_json:
            from melanoma_edge.strictjson import to_plain

            print_json(to_plain(failure.record))
        elif failure.record:
            describe_search(failure.record, quiet)
        raise


def describe_searches(artifacts: Sequence[Artifact], quiet: bool) -> None:
    """Print the search that artifacts of several formats share, once."""
    found = [one.searched for one in artifacts if one.searched]
    if found:
        describe_search(found[0], quiet)


def search_document(artifacts: Sequence[Artifact]) -> dict[str, Any]:
    """Return what a JSON document says of the search that artifacts share: a key ``search``, or none without one."""
    from exporters.job import SEARCHED
    from melanoma_edge.strictjson import to_plain

    searched = [one for one in artifacts if one.searched]
    if not searched or not (found := searched[0].searched) or found.chosen is None:
        return {}
    records = [f"{one.path}{SEARCHED}" for one in searched]
    chosen = list(found.candidates[found.chosen].float_units)
    return {"search": {"records": records, "float_units": chosen, "price": found.price and to_plain(found.price)}}


def describe_search(record: SearchRecord, quiet: bool) -> None:
    """Print every candidate with its numbers, and the price of the chosen one."""
    tried = record.candidates
    rows = [_row(one, tried[place - 1].float_units if place else None) for place, one in enumerate(tried)]
    columns = ("left in float", "bytes", "MACs in float", *(name.replace("_", " ") for name in _SHOWN), "misses")
    print_table(f"Search on {record.split} ({record.format} in {record.runtime})", columns, rows)
    if record.price:
        price = record.price
        note(
            f"Price of the last one over plain int8: {price.bytes:+,} bytes, {price.latency_ratio:.2f} times the time ("
            f"{price.latency_ratio_low:.2f}-{price.latency_ratio_high:.2f}; {price.plain_ms:.2f} -> {price.ms:.2f} ms) "
            f"on one thread of {price.machine}; on a phone whose int8 is faster, blocks in float cost more.",
            quiet,
        )
    elif record.chosen == 0:
        note("Plain int8 keeps the limits; nothing stays in float.", quiet)


def _row(one: Candidate, before: Sequence[str] | None) -> tuple[object, ...]:
    added = [unit for unit in one.float_units if unit not in (before or ())]
    values = [one.values.get(name) for name in _SHOWN]
    numbers = ["" if value is None else f"{value:.4f}" for value in values]
    name = "plain int8" if before is None else f"+ {', '.join(added)}"
    return name, f"{one.bytes:,}", f"{one.float_macs:.1%}", *numbers, ", ".join(one.missed)
