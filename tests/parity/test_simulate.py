"""The gate errs as seldom as its confidence promises."""

from __future__ import annotations

import pytest

from melanoma_edge.parity.simulate import ErrorRates, simulate, simulate_gate


@pytest.fixture(scope="module")
def rates() -> dict[tuple[float, int], ErrorRates]:
    rows = simulate(losses=(0.0, 0.05, 0.10), melanomas=(74, 150, 300), draws=4000)
    return {(row.loss, row.melanomas): row for row in rows}


def test_a_loss_at_the_limit_passes_about_once_in_twenty(rates: dict[tuple[float, int], ErrorRates]) -> None:
    for n in (74, 150, 300):
        assert rates[0.05, n].passed < 0.07


def test_a_loss_of_twice_the_limit_never_passes_and_no_loss_never_fails(
    rates: dict[tuple[float, int], ErrorRates],
) -> None:
    for n in (74, 150, 300):
        assert rates[0.10, n].passed < 0.01
        assert rates[0.0, n].failed < 0.01


def test_more_melanomas_decide_more(rates: dict[tuple[float, int], ErrorRates]) -> None:
    for loss in (0.0, 0.10):
        doubts = [rates[loss, n].inconclusive for n in (74, 150, 300)]
        assert doubts == sorted(doubts, reverse=True)
        assert doubts[0] > doubts[-1]


def test_shares_sum_to_one_and_the_seed_repeats_them(rates: dict[tuple[float, int], ErrorRates]) -> None:
    for row in rates.values():
        assert row.passed + row.inconclusive + row.failed == pytest.approx(1)
    assert simulate((0.02,), (60,), draws=500, seed=4) == simulate((0.02,), (60,), draws=500, seed=4)


def test_without_flips_nothing_is_lost() -> None:
    (row,) = simulate((0.0,), (52,), churn=0.0, draws=100)
    assert (row.passed, row.inconclusive, row.failed) == (1.0, 0.0, 0.0)


def test_the_whole_gate_passes_what_loses_nothing_and_fails_what_loses_much() -> None:
    lossless, lossy = simulate_gate((0.0, 0.10), pairs=12, resamples=60)
    assert (lossless.passed, lossy.failed) == (1.0, 1.0)
    (small,) = simulate_gate((0.0,), pairs=12, lesions=(20, 60, 20), resamples=60)
    assert small.passed == small.failed == 0.0, "few lesions decide nothing"
