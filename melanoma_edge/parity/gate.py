"""The gate: limits on what an export may change, each answered PASS, FAIL or INCONCLUSIVE.

Where an interval exists, a limit is passed when the one-sided 95 % bound on the harmful side lies within it,
failed when the other bound lies outside it, and otherwise undecided for lack of cases, whose number is then named.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum

from melanoma_edge.errors import ParityFailed, ParityInconclusive, UsageError, named
from melanoma_edge.evaluation.intervals import ONE_SIDED, Estimate, tango, wilson
from melanoma_edge.parity.paired import Decisions, Paired


class Status(StrEnum):
    """Answer whether a limit, or all of them, are held."""

    PASS = "PASS"
    FAIL = "FAIL"
    INCONCLUSIVE = "INCONCLUSIVE"

    @property
    def exit_code(self) -> int:
        """The exit code of a command that ends with this status: 0, 5 or 6."""
        codes = {Status.FAIL: ParityFailed.exit_code, Status.INCONCLUSIVE: ParityInconclusive.exit_code}
        return codes.get(self, 0)


@dataclass(frozen=True)
class Check:
    """Answer one question of the gate.

    ``would_pass_at`` is the tightest limit that these cases would have passed. Value, limit or ``would_pass_at``
    is None where there is none; ``why`` says it in words.
    """

    name: str
    value: float | None
    limit: float | None
    status: Status
    would_pass_at: float | None
    why: str

    @property
    def inside(self) -> bool:
        """Whether the value as it stands, uncertainty aside, keeps the limit; what is undefined breaks none."""
        if self.value is None or self.limit is None:
            return self.status is not Status.FAIL
        return self.value >= self.limit if self.name.endswith(_AT_LEAST) else self.value <= self.limit


_AT_LEAST = ("agreement", "auc_change", "accuracy_change", "constant_output")
_RANGES = {"agreement": (0.0, 1.0), "loss": (0.0, 1.0), "auc_change": (-1.0, 0.0), "accuracy_change": (-1.0, 0.0)}


@dataclass(frozen=True)
class Limits:
    """Hold what an export may change.

    Agreements are least shares, losses are largest shares, changes of accuracy and AUC are least differences at or
    below 0, the other two changes are largest sizes. ``melanomas_lost`` is the largest count; None means one in 50
    of the split's, and at least 1.

    Raises:
        UsageError: for a number outside its range.
    """

    class_agreement: float = 0.93
    decision_agreement: float = 0.97
    sensitivity_loss: float = 0.05
    specificity_loss: float = 0.03
    balanced_accuracy_change: float = -0.02
    macro_auc_change: float = -0.01
    melanoma_auc_change: float = -0.01
    melanomas_lost: int | None = None
    mean_score_change: float = 0.02
    calibration_change: float = 0.03

    def __post_init__(self) -> None:
        wrong = [message for name, value in asdict(self).items() if (message := _out_of_range(name, value))]
        if wrong:
            raise UsageError(f"impossible limits: {named(wrong)}", where="limits of the gate", fix="correct them")

    def override(self, changes: Mapping[str, float | int | None]) -> Limits:
        """Return the limits with some replaced, by name.

        Raises:
            UsageError: for names that are no limit, all named, and for numbers outside their range.
        """
        known = [field.name for field in fields(self)]
        unknown = sorted(set(changes) - set(known))
        if unknown:
            fix = f"choose among {', '.join(known)}"
            raise UsageError(f"unknown limits: {named(unknown)}", where="limits of the gate", fix=fix)
        return replace(self, **changes)  # type: ignore[arg-type]

    def lost_allowed(self, targets: int) -> int:
        """Return how many of the split's target lesions may be lost."""
        return max(1, targets // 50) if self.melanomas_lost is None else self.melanomas_lost


def _out_of_range(name: str, value: float | int | None) -> str:
    """Say what is wrong with one limit, or nothing."""
    if name == "melanomas_lost":
        good = value is None or (type(value) is int and value >= 0)
        return "" if good else f"{name} must be a whole number, not {value!r}"
    low, high = next((span for ending, span in _RANGES.items() if name.endswith(ending)), (0.0, 1.0))
    good = type(value) in (int, float) and low <= value <= high  # type: ignore[operator]
    return "" if good else f"{name} must lie between {low:g} and {high:g}, not {value!r}"


def overall(statuses: Iterable[Status]) -> Status:
    """Return FAIL if one failed, else INCONCLUSIVE if one is undecided, else PASS."""
    found = set(statuses)
    return next((status for status in (Status.FAIL, Status.INCONCLUSIVE) if status in found), Status.PASS)


def check_changes(paired: Paired, limits: Limits, target: str, lost_ids: Iterable[str]) -> tuple[Check, ...]:
    """Judge a paired comparison.

    Args:
        paired: the comparison.
        limits: what may change.
        target: what the target score stands for, ``melanoma`` or ``malignant``, for the words.
        lost_ids: image ids of the target lesions lost, for the words.
    """
    n, lesions = paired.lesions, f"{target} lesions"
    return (
        check_agreement("class_agreement", paired.same_class, n, limits.class_agreement),
        check_agreement("decision_agreement", paired.same_decision, n, limits.decision_agreement),
        check_loss("sensitivity_loss", paired.targets, limits.sensitivity_loss, lesions),
        check_loss("specificity_loss", paired.others, limits.specificity_loss, "lesions to be left alone"),
        check_change("balanced_accuracy_change", paired.balanced_accuracy, n, limits.balanced_accuracy_change),
        check_change("macro_auc_change", paired.macro_auc, n, limits.macro_auc_change),
        check_change("melanoma_auc_change", paired.target_auc, n, limits.melanoma_auc_change, f"AUC of {target}: "),
        _check_lost(paired.targets, limits.lost_allowed(paired.targets.n), lesions, list(lost_ids)),
        _check_size("mean_score_change", paired.mean_score_change, limits.mean_score_change),
        _check_size("calibration_change", paired.calibration_change, limits.calibration_change),
    )


def deciding(paired: Paired, limits: Limits) -> dict[str, int | None]:
    """Return how many cases, with the same result, would decide each limit that is undecided.

    None is where no practical number does. What is not defined is left out: more cases of the same kind do not help.
    """
    n = paired.lesions
    questions = (
        _agreement("class_agreement", paired.same_class, n, limits.class_agreement),
        _agreement("decision_agreement", paired.same_decision, n, limits.decision_agreement),
        _loss("sensitivity_loss", paired.targets, limits.sensitivity_loss, ""),
        _loss("specificity_loss", paired.others, limits.specificity_loss, ""),
        _change("balanced_accuracy_change", paired.balanced_accuracy, n, limits.balanced_accuracy_change),
        _change("macro_auc_change", paired.macro_auc, n, limits.macro_auc_change),
        _change("melanoma_auc_change", paired.target_auc, n, limits.melanoma_auc_change),
    )
    open_ones = [one for one in questions if one and one.status(one.n) is Status.INCONCLUSIVE]
    return {one.name: one.wanted() for one in open_ones}


def check_loss(name: str, decisions: Decisions, limit: float, lesions: str) -> Check:
    """Judge right decisions lost by Tango's interval for paired proportions."""
    question = _loss(name, decisions, limit, lesions)
    return question.check() if question else _undefined(name, limit, f"the split has no {lesions}")


def _loss(name: str, decisions: Decisions, limit: float, lesions: str) -> _Question | None:
    n, lost, gained = decisions.n, decisions.lost, decisions.gained

    def at(cases: float) -> Estimate:
        return tango(lost * cases / n, gained * cases / n, cases)

    facts = f"{lost} lost and {gained} gained of {n} {lesions}"
    return _Question(name, at, n, limit, facts, lesions, rising=True) if n else None


def check_agreement(name: str, same: int, n: int, limit: float) -> Check:
    """Judge the share of lesions answered alike by Wilson's interval."""
    return _agreement(name, same, n, limit).check()


def _agreement(name: str, same: int, n: int, limit: float) -> _Question:
    def at(cases: float) -> Estimate:
        return wilson(same * cases / n, cases, ONE_SIDED)

    return _Question(name, at, n, limit, f"{same} of {n} lesions alike", "lesions", rising=False)


def check_change(name: str, change: Estimate | None, n: int, limit: float, what: str = "") -> Check:
    """Judge a difference by its bootstrap bounds, whose distance from it shrinks with the root of the cases."""
    question = _change(name, change, n, limit, what)
    why = f"{what}not defined, because the split lacks classes"
    return question.check() if question else _undefined(name, limit, why)


def _change(name: str, change: Estimate | None, n: int, limit: float, what: str = "") -> _Question | None:
    if change is None:
        return None

    def at(cases: float) -> Estimate:
        shrink = math.sqrt(n / cases)
        low, high = (change.value * (1 - shrink) + end * shrink for end in (change.low, change.high))
        return Estimate(change.value, low, high)

    return _Question(name, at, n, limit, f"{what}{change.value:+.4f}", "lesions", rising=False)


def _check_lost(decisions: Decisions, limit: int, lesions: str, ids: list[str]) -> Check:
    status = Status.FAIL if decisions.lost > limit else Status.PASS
    which = f": {named(ids)}" if ids else ""
    why = f"{decisions.lost} of {decisions.n} {lesions} no longer referred{which}"
    return Check("melanomas_lost", decisions.lost, limit, status, decisions.lost, why)


def _check_size(name: str, value: float, limit: float) -> Check:
    status = Status.PASS if value <= limit else Status.FAIL
    return Check(name, value, limit, status, value, f"{value:.4f}; at most {limit:g} may be")


def _undefined(name: str, limit: float, why: str) -> Check:
    return Check(name, None, limit, Status.INCONCLUSIVE, None, why)


@dataclass(frozen=True)
class _Question:
    """Judge an interval against a limit. ``at`` gives it for other numbers of cases; if ``rising``, more is worse."""

    name: str
    at: Callable[[float], Estimate]
    n: int
    limit: float
    facts: str
    cases: str
    rising: bool

    def check(self) -> Check:
        now, status = self.at(self.n), self.status(self.n)
        bound, most = (now.high, "at most") if self.rising else (now.low, "at least")
        why = f"{self.facts}; {most} {bound:.4f} with one-sided 95 % confidence"
        if status is Status.INCONCLUSIVE:
            wanted = self.wanted()
            why += (
                f"; {wanted} {self.cases} with the same result would decide"
                if wanted
                else f"; no practical number of {self.cases} decides with this result, so near is the limit"
            )
        return Check(self.name, now.value, self.limit, status, bound, why)

    def status(self, cases: float) -> Status:
        interval = self.at(cases)
        if interval.high <= self.limit if self.rising else interval.low >= self.limit:
            return Status.PASS
        outside = interval.low > self.limit if self.rising else interval.high < self.limit
        return Status.FAIL if outside else Status.INCONCLUSIVE

    def wanted(self) -> int | None:
        """Return how many cases with these same rates would decide, by doubling and halving; None above a million."""
        few, many = self.n, 2 * self.n
        while self.status(many) is Status.INCONCLUSIVE:
            few, many = many, 2 * many
            if many > _COUNTABLE:
                return None
        while many - few > 1:
            middle = (few + many) // 2
            few, many = (middle, many) if self.status(middle) is Status.INCONCLUSIVE else (few, middle)
        return many


_COUNTABLE = 1_000_000
