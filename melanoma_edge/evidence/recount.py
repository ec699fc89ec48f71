"""The checks of a parity record made again of the lesions that it names, as far as these tell."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.parity.gate import Check, check_agreement, check_loss
from melanoma_edge.parity.paired import Decisions

_NEAR = 1e-9


def contradicted(record: Mapping[str, Any], contract: ModelContract) -> list[str]:
    """Return what of a parity record is not what its own lesions and counts say, by name; nothing where all fits.

    Agreements, losses and lesions lost are counted again, with their Wilson and Tango bounds. Changes of AUC, balanced
    accuracy and calibration come from every lesion's scores, which a record does not hold.

    Args:
        record: of one file; one whose outputs could not be compared has nothing to count.
        contract: of that file.

    Raises:
        LookupError, TypeError, ValueError: for a record that lacks what is counted.
    """
    (judged,) = record["artifacts"]
    if judged["exported"] is None:
        return []
    counts = _Counts(record, judged["flips"], contract)
    found = {check["name"]: check for check in judged["checks"]}
    limits = record["limits"]
    wrong = [check.name for check in counts.checks(limits) if not _same(found[check.name], check)]
    lost = counts.of_target.lost
    if found["melanomas_lost"]["value"] != lost or sum(one["melanoma_lost"] for one in judged["flips"]) != lost:
        wrong.append("melanomas_lost")
    return wrong + [name for name, share in counts.changes() if not _moved(judged, name, share)]


class _Counts:
    """Count decisions and classes that changed among a record's lesions."""

    def __init__(self, record: Mapping[str, Any], flips: Sequence[Mapping[str, Any]], contract: ModelContract) -> None:
        self._n, of_target = record["groups"], record["melanomas"]
        self._classes = sum(one["float_class"] != one["exported_class"] for one in flips)
        lost, gained = [0, 0], [0, 0]
        for one in flips:
            before, after = (one[key] >= contract.threshold for key in ("float_score", "exported_score"))
            target = one["label"] in contract.target_classes
            if before != after:
                (lost if before == target else gained)[target] += 1
        self._decisions = sum(lost) + sum(gained)
        self.of_target = Decisions(of_target, lost[True], gained[True])
        self._others = Decisions(self._n - of_target, lost[False], gained[False])

    def checks(self, limits: Mapping[str, Any]) -> Iterator[Check]:
        yield check_agreement("class_agreement", self._n - self._classes, self._n, limits["class_agreement"])
        yield check_agreement("decision_agreement", self._n - self._decisions, self._n, limits["decision_agreement"])
        yield check_loss("sensitivity_loss", self.of_target, limits["sensitivity_loss"], "")
        yield check_loss("specificity_loss", self._others, limits["specificity_loss"], "")

    def changes(self) -> Iterator[tuple[str, float]]:
        """Yield by how much sensitivity and specificity fell, where the split has such lesions."""
        for name, counted in (("sensitivity", self.of_target), ("specificity", self._others)):
            if counted.n:
                yield name, (counted.lost - counted.gained) / counted.n


def _moved(judged: Mapping[str, Any], name: str, fell: float) -> bool:
    before, after = judged["float"][name]["value"], judged["exported"][name]["value"]
    return math.isclose(before - fell, after, abs_tol=_NEAR)


def _same(found: Mapping[str, Any], made: Check) -> bool:
    pairs = ((found["value"], made.value), (found["would_pass_at"], made.would_pass_at))
    return found["status"] == made.status.value and all(_close(one, other) for one, other in pairs)


def _close(one: float | None, other: float | None) -> bool:
    return one is other if one is None or other is None else math.isclose(one, other, abs_tol=_NEAR)
