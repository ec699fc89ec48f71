"""The gate answers PASS, FAIL or INCONCLUSIVE where its arithmetic says so, and names what would decide."""

from __future__ import annotations

from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.errors import UsageError
from melanoma_edge.evaluation.intervals import Estimate
from melanoma_edge.parity.gate import (
    Check,
    Limits,
    Status,
    check_agreement,
    check_change,
    check_changes,
    check_loss,
    overall,
)
from melanoma_edge.parity.paired import Decisions, Paired

PASS, FAIL, INCONCLUSIVE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE


def loss(n: int, lost: int = 0, gained: int = 0, limit: float = 0.05) -> Check:
    return check_loss("sensitivity_loss", Decisions(n, lost, gained), limit, "melanoma lesions")


@pytest.mark.parametrize(
    ("lost", "gained", "limit", "needed"),
    [
        *((0, 0, 0.05, 52), (1, 1, 0.05, 69), (1, 0, 0.05, 87), (2, 1, 0.05, 101)),
        *((0, 0, 0.03, 88), (1, 1, 0.03, 117), (1, 0, 0.03, 147), (2, 1, 0.03, 169)),
        *((0, 0, 0.02, 133), (1, 1, 0.02, 176), (1, 0, 0.02, 222), (2, 1, 0.02, 255)),
        *((0, 0, 0.10, 25), (1, 1, 0.10, 33), (1, 0, 0.10, 42), (2, 1, 0.10, 49)),
    ],
)
def test_a_loss_passes_from_the_computed_number_on(lost: int, gained: int, limit: float, needed: int) -> None:
    assert loss(needed, lost, gained, limit).status is PASS
    assert loss(needed - 1, lost, gained, limit).status is INCONCLUSIVE


def test_74_melanomas_with_none_lost_pass_and_say_what_they_prove() -> None:
    check = loss(74)
    assert (check.status, check.value, check.limit) == (PASS, 0.0, 0.05)
    assert check.would_pass_at == pytest.approx(0.0353, abs=1e-4)
    assert check.why.startswith("0 lost and 0 gained of 74 melanoma lesions; at most 0.0353")


def test_too_few_melanomas_are_told_how_many_would_decide() -> None:
    check = loss(16)
    assert check.status is INCONCLUSIVE
    assert check.would_pass_at == pytest.approx(0.1446, abs=1e-4)
    assert "52 melanoma lesions with the same result would decide" in check.why


def test_one_lost_of_60_is_undecided_and_many_lost_fail() -> None:
    assert loss(60, lost=1).status is INCONCLUSIVE
    assert loss(60, lost=4).status is INCONCLUSIVE
    assert loss(60, lost=10).status is FAIL
    assert loss(60, gained=10).status is PASS


@given(st.integers(1, 120), st.integers(0, 6), st.integers(0, 6), st.floats(0.01, 0.3))
def test_the_number_named_decides_and_one_less_does_not(n: int, lost: int, gained: int, limit: float) -> None:
    lost, gained = min(lost, n), min(gained, n - min(lost, n))
    check = loss(n, lost, gained, limit)
    if check.status is INCONCLUSIVE and "would decide" in check.why:
        needed = int(check.why.rsplit("; ", 1)[1].split()[0])
        assert needed > n

        def at(cases: int) -> Status:
            scaled = Decisions(cases, lost * cases / n, gained * cases / n)  # type: ignore[arg-type]
            return check_loss("sensitivity_loss", scaled, limit, "").status

        assert at(needed) is not INCONCLUSIVE
        assert at(needed - 1) is INCONCLUSIVE


def test_a_value_at_its_limit_is_never_decided_and_says_so() -> None:
    check = check_change("macro_auc_change", Estimate(-0.01, -0.03, 0.01), 100, -0.01)
    assert check.status is INCONCLUSIVE
    assert "no practical number of lesions decides" in check.why


@given(st.integers(1, 300), st.integers(0, 8), st.floats(0.0, 1.0))
def test_would_pass_at_is_the_tightest_limit_that_passes(n: int, lost: int, limit: float) -> None:
    check = loss(n, min(lost, n), 0, limit)
    assert check.would_pass_at is not None
    assert loss(n, min(lost, n), 0, check.would_pass_at).status is PASS
    assert (check.status is PASS) == (limit >= check.would_pass_at)


@pytest.mark.parametrize(
    ("same", "n", "status"),
    [(88, 88, PASS), (87, 87, INCONCLUSIVE), (80, 88, FAIL), (85, 88, INCONCLUSIVE)],
)
def test_agreement_is_judged_by_wilson(same: int, n: int, status: Status) -> None:
    assert check_agreement("decision_agreement", same, n, 0.97).status is status


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ((0.0, -0.01, 0.01), PASS),
        ((0.0, -0.011, 0.01), INCONCLUSIVE),
        ((-0.03, -0.04, -0.011), FAIL),
        ((-0.03, -0.04, -0.01), INCONCLUSIVE),
        ((0.2, 0.1, 0.3), PASS),
    ],
)
def test_a_change_is_judged_by_its_bounds(change: tuple[float, float, float], status: Status) -> None:
    check = check_change("macro_auc_change", Estimate(*change), 100, -0.01)
    assert (check.status, check.would_pass_at) == (status, change[1])


def test_twice_as_sure_takes_four_times_the_lesions() -> None:
    check = check_change("macro_auc_change", Estimate(0.0, -0.02, 0.02), 100, -0.01)
    assert "400 lesions with the same result would decide" in check.why


def paired(**changes: object) -> Paired:
    same = {
        "lesions": 400,
        "same_class": 400,
        "same_decision": 400,
        "targets": Decisions(100, 0, 0),
        "others": Decisions(300, 0, 0),
        "balanced_accuracy": Estimate(0.0, 0.0, 0.0),
        "macro_auc": Estimate(0.0, 0.0, 0.0),
        "target_auc": Estimate(0.0, 0.0, 0.0),
        "mean_score_change": 0.0,
        "calibration_change": 0.0,
    }
    return Paired(**(same | changes))  # type: ignore[arg-type]


def judged(comparison: Paired, limits: Limits | None = None, lost: tuple[str, ...] = ()) -> dict[str, Check]:
    return {check.name: check for check in check_changes(comparison, limits or Limits(), "melanoma", lost)}


def test_no_change_passes_every_check_and_every_limit_has_its_check() -> None:
    checks = judged(paired())
    assert {check.status for check in checks.values()} == {PASS}
    assert list(checks) == [field.name for field in fields(Limits)]


@pytest.mark.parametrize(
    ("name", "changes", "status"),
    [
        ("class_agreement", {"same_class": 340}, FAIL),
        ("class_agreement", {"same_class": 376}, INCONCLUSIVE),
        ("decision_agreement", {"same_decision": 370}, FAIL),
        ("sensitivity_loss", {"targets": Decisions(100, 2, 0)}, INCONCLUSIVE),
        ("sensitivity_loss", {"targets": Decisions(0, 0, 0)}, INCONCLUSIVE),
        ("specificity_loss", {"others": Decisions(300, 30, 0)}, FAIL),
        ("balanced_accuracy_change", {"balanced_accuracy": Estimate(-0.05, -0.07, -0.03)}, FAIL),
        ("macro_auc_change", {"macro_auc": None}, INCONCLUSIVE),
        ("melanoma_auc_change", {"target_auc": Estimate(-0.005, -0.02, 0.01)}, INCONCLUSIVE),
        ("melanomas_lost", {"targets": Decisions(100, 3, 5)}, FAIL),
        ("mean_score_change", {"mean_score_change": 0.021}, FAIL),
        ("calibration_change", {"calibration_change": 0.031}, FAIL),
    ],
)
def test_each_planted_change_turns_its_own_check(name: str, changes: dict[str, object], status: Status) -> None:
    assert judged(paired(**changes))[name].status is status


def test_melanomas_lost_allows_one_in_fifty_and_names_them() -> None:
    check = judged(paired(targets=Decisions(149, 2, 0)), lost=("ISIC_1", "ISIC_2"))["melanomas_lost"]
    assert (check.status, check.value, check.limit) == (PASS, 2, 2)
    assert "ISIC_1, ISIC_2" in check.why
    assert judged(paired(targets=Decisions(20, 1, 0)))["melanomas_lost"].status is PASS
    assert judged(paired(targets=Decisions(20, 1, 0)), Limits(melanomas_lost=0))["melanomas_lost"].status is FAIL


def test_words_name_the_target_where_labels_know_no_melanoma() -> None:
    checks = check_changes(paired(), Limits(), "malignant", ())
    assert any("AUC of malignant" in check.why for check in checks if check.name == "melanoma_auc_change")


@given(st.lists(st.sampled_from(Status)))
def test_one_fail_fails_and_one_doubt_is_doubt(statuses: list[Status]) -> None:
    expected = FAIL if FAIL in statuses else INCONCLUSIVE if INCONCLUSIVE in statuses else PASS
    assert overall(statuses) is expected


def test_exit_codes() -> None:
    assert [status.exit_code for status in (PASS, FAIL, INCONCLUSIVE)] == [0, 5, 6]


def test_limits_are_replaced_by_name_and_unknown_names_are_all_named() -> None:
    limits = Limits().override({"sensitivity_loss": 0.02, "melanomas_lost": 3})
    assert (limits.sensitivity_loss, limits.lost_allowed(1000), limits.class_agreement) == (0.02, 3, 0.93)
    with pytest.raises(UsageError, match="sens, spec"):
        Limits().override({"spec": 0.1, "sens": 0.1})


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("class_agreement", 1.1), ("sensitivity_loss", -0.01), ("macro_auc_change", 0.01), ("melanomas_lost", 1.5)),
        *(("mean_score_change", float("nan")), ("calibration_change", "0.1"), ("decision_agreement", None)),
        *(("melanomas_lost", True), ("balanced_accuracy_change", -2.0)),
    ],
)
def test_impossible_limits_are_refused(name: str, value: float) -> None:
    with pytest.raises(UsageError, match=name):
        Limits().override({name: value})


@pytest.mark.parametrize(
    ("name", "value", "limit", "inside"),
    [
        ("decision_agreement", 0.99, 0.99, True),
        ("decision_agreement", 0.98, 0.99, False),
        ("macro_auc_change", -0.004, -0.003, False),
        ("balanced_accuracy_change", 0.01, -0.02, True),
        ("sensitivity_loss", 0.06, 0.05, False),
        ("melanomas_lost", 1, 1, True),
        ("mean_score_change", 0.021, 0.02, False),
    ],
)
def test_a_value_is_inside_its_limit_or_not_whatever_its_interval(
    name: str, value: float, limit: float, inside: bool
) -> None:
    assert Check(name, value, limit, Status.INCONCLUSIVE, None, "").inside is inside


def test_what_is_undefined_breaks_no_limit_unless_it_failed() -> None:
    assert Check("macro_auc_change", None, -0.01, Status.INCONCLUSIVE, None, "").inside
    assert not Check("shape_match", None, None, Status.FAIL, None, "").inside
