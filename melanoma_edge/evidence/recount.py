"""The checks of parity records and matrices made again of the lesions that they name, as far as these tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.evaluation.intervals import wilson
from melanoma_edge.evidence.differences import Difference, first_difference, near
from melanoma_edge.parity.gate import Check, Limits, Status, check_agreement, check_loss, overall
from melanoma_edge.parity.paired import Decisions
from melanoma_edge.parity.record import misfits, recorded_checks
from melanoma_edge.parity.statistics import Statistics, loss_of
from melanoma_edge.strictjson import from_plain, to_plain

_OF_A_CELL = ("deciding", "more")
_OF_A_FLIP = ("kind", "margin")
"""What a check and a flip of a matrix have beside those of a record."""
_STATISTICS = tuple(field.name for field in fields(Statistics))
_ONE_SESSION = 1e-3
"""By how much numbers of two sessions may differ that one file gave in one runtime."""


def contradicted(record: Mapping[str, Any], contract: ModelContract) -> list[str]:
    """Return what of a parity record is not what its own lesions and counts say, by name; nothing where all fits.

    Agreements, losses and lesions lost are counted again, with their Wilson and Tango bounds. Changes of AUC, balanced
    accuracy and calibration come from every lesion's scores, which a record does not hold: ``Rejudge`` makes them again
    of the answers beside it.

    Args:
        record: of one file, whose statuses fit its numbers; outputs that could not be compared have no lesions.
        contract: of that file.

    Raises:
        LookupError, TypeError, ValueError: for a record that lacks what is counted.
    """
    (judged,) = record["artifacts"]
    if judged["exported"] is None:
        return []
    counts = _Counts(record, judged["flips"], [contract.threshold] * len(judged["flips"]), contract)
    return _miscounted(judged, counts, record["limits"])


def contradicted_cells(matrix: Mapping[str, Any], contract: ModelContract) -> list[str]:
    """Return what of a matrix is not what its own lesions, counts and limits say: check, file and runtime.

    Beside what ``contradicted`` counts, every status must be what its numbers say at the matrix's limits, every cell's
    verdict what its checks say, and the matrix's verdict what its cells say.

    Args:
        matrix: of one run, or of folds, whose flips bear their own fold's threshold.
        contract: of the run.

    Raises:
        LookupError, TypeError, ValueError: for a matrix that lacks what is counted.
    """
    limits = from_plain(Limits, matrix["limits"], "limits")
    wrong = [
        f"{name} of {Path(cell['path']).name} in {cell['runtime']}"
        for cell in matrix["cells"]
        for name in dict.fromkeys(_wrong_in(cell, matrix, limits, contract))
    ]
    if matrix["threshold"] != (None if matrix["runs"] else contract.threshold):
        wrong.append("threshold")
    if matrix["verdict"] != overall(Status(cell["verdict"]) for cell in matrix["cells"]):
        wrong.append("verdict")
    return wrong


def unlike_records(
    matrix: Mapping[str, Any], records: Mapping[str, Mapping[str, Any]]
) -> Iterator[tuple[str, Difference]]:
    """Yield each cell that is not as the record beside its file in the same runtime, and where they first differ.

    Flips do not depend on limits and draws. All else is compared where both have the same.

    Args:
        matrix: of one run; folds have no records of their pooled lesions.
        records: the parity JSON of each file that has one, by its name.
    """
    for cell in matrix["cells"]:
        name = Path(cell["path"]).name
        record = records.get(name)
        if record is None or matrix["runs"] or record["split"] != matrix["split"]:
            continue
        (judged,) = record["artifacts"]
        if any(cell[key] != judged[key] for key in ("sha256", "runtime")):
            continue
        found = {"flips": [_without(one, _OF_A_FLIP) for one in cell["flips"]]}
        if all(matrix[key] == record[key] for key in ("limits", "seed", "resamples")):
            checks = [_without(one, _OF_A_CELL) for one in cell["checks"]]
            numbers = {"checks": checks, "float": matrix["float"], "exported": cell["exported"]}
            found |= numbers | {"verdict": cell["verdict"]}
        if difference := first_difference(found, {key: judged[key] for key in found}, _ONE_SESSION):
            yield f"{name} in {cell['runtime']}", difference


def _without(one: Mapping[str, Any], keys: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in one.items() if key not in keys}


def _wrong_in(
    cell: Mapping[str, Any], matrix: Mapping[str, Any], limits: Limits, contract: ModelContract
) -> Iterator[str]:
    checks = recorded_checks(_without(one, _OF_A_CELL) for one in cell["checks"])
    yield from misfits(cell, checks, limits, matrix["melanomas"])
    known = {fold["threshold"] for fold in matrix["runs"] or ()}
    own = [flip["threshold"] if known else contract.threshold for flip in cell["flips"]]
    if known and not known.issuperset(own):
        yield "flips"
    if cell["exported"] is None:
        yield from (name for name in _STATISTICS if cell[name] is not None)
    else:
        counts = _Counts(matrix, cell["flips"], own, contract)
        yield from _miscounted({**cell, "float": matrix["float"]}, counts, matrix["limits"])
        made = counts.statistics(limits)
        if found := first_difference({name: cell[name] for name in made}, made):
            yield found.name
    if cell["verdict"] != overall(check.status for check in checks):
        yield "verdict"


def _miscounted(judged: Mapping[str, Any], counts: _Counts, limits: Mapping[str, Any]) -> list[str]:
    """Return which of one file's ``checks`` and metrics, ``float`` and ``exported``, are not what its flips say."""
    found = {check["name"]: check for check in judged["checks"]}
    wrong = [check.name for check in counts.checks(limits) if not _same(found.get(check.name), check)]
    told = (found.get("melanomas_lost", {}).get("value"), sum(one["melanoma_lost"] for one in judged["flips"]))
    if told != (counts.of_target.lost,) * 2:
        wrong.append("melanomas_lost")
    return wrong + [name for name, share in counts.changes() if not _moved(judged, name, share)]


class _Counts:
    """Count decisions and classes that changed among a record's lesions."""

    def __init__(
        self,
        counted: Mapping[str, Any],
        flips: Sequence[Mapping[str, Any]],
        thresholds: Sequence[float],
        contract: ModelContract,
    ) -> None:
        self.lesions, of_target = counted["groups"], counted["melanomas"]
        self.same_class = self.lesions - sum(one["float_class"] != one["exported_class"] for one in flips)
        lost, gained = [0, 0], [0, 0]
        for one, threshold in zip(flips, thresholds, strict=True):
            before, after = (one[key] >= threshold for key in ("float_score", "exported_score"))
            target = one["label"] in contract.target_classes
            if before != after:
                (lost if before == target else gained)[target] += 1
        self.same_decision = self.lesions - sum(lost) - sum(gained)
        self.of_target = Decisions(of_target, lost[True], gained[True])
        self.others = Decisions(self.lesions - of_target, lost[False], gained[False])

    def checks(self, limits: Mapping[str, Any]) -> Iterator[Check]:
        yield check_agreement("class_agreement", self.same_class, self.lesions, limits["class_agreement"])
        yield check_agreement("decision_agreement", self.same_decision, self.lesions, limits["decision_agreement"])
        yield check_loss("sensitivity_loss", self.of_target, limits["sensitivity_loss"], "")
        yield check_loss("specificity_loss", self.others, limits["specificity_loss"], "")

    def statistics(self, limits: Limits) -> dict[str, Any]:
        """Return what a matrix says of each cell that follows from counts."""
        found = {
            "sensitivity": loss_of(self.of_target, limits.sensitivity_loss),
            "specificity": loss_of(self.others, limits.specificity_loss),
            "class_agreement": wilson(self.same_class, self.lesions),
            "decision_agreement": wilson(self.same_decision, self.lesions),
        }
        return {name: to_plain(value) for name, value in found.items()}

    def changes(self) -> Iterator[tuple[str, float]]:
        """Yield by how much sensitivity and specificity fell, where the split has such lesions."""
        for name, counted in (("sensitivity", self.of_target), ("specificity", self.others)):
            if counted.n:
                yield name, (counted.lost - counted.gained) / counted.n


def _moved(judged: Mapping[str, Any], name: str, fell: float) -> bool:
    before, after = judged["float"][name]["value"], judged["exported"][name]["value"]
    return near(before - fell, after)


def _same(found: Mapping[str, Any] | None, made: Check) -> bool:
    if found is None:
        return False
    pairs = ((found["value"], made.value), (found["would_pass_at"], made.would_pass_at))
    return found["status"] == made.status.value and all(_close(one, other) for one, other in pairs)


def _close(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else near(one, other)
