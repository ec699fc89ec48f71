"""Golden values of an independent implementation, and properties that hold for all counts."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from melanoma_edge.evaluation.intervals import (
    allowed_misses,
    clopper_pearson,
    mcnemar,
    positives_needed,
    tango,
    wilson,
)


@pytest.mark.parametrize(
    ("successes", "n", "low", "high"),
    [
        (14, 16, 0.639771727342413, 0.9650225122567595),
        (27, 30, 0.7437891742081593, 0.9654001112526658),
        (59, 66, 0.7968769124835199, 0.9476665274452051),
        (135, 150, 0.8415651883318529, 0.9384586161736859),
        (270, 300, 0.8608335376153785, 0.9290520854049847),
    ],
)
def test_wilson_has_the_published_ends(successes: int, n: int, low: float, high: float) -> None:
    found = wilson(successes, n)
    assert (found.low, found.high) == pytest.approx((low, high), abs=1e-12)


@pytest.mark.parametrize(("n", "low"), [(16, 0.806), (30, 0.886), (66, 0.945), (150, 0.975), (300, 0.987)])
def test_all_right_still_proves_little(n: int, low: float) -> None:
    found = wilson(n, n)
    assert (round(found.low, 3), found.high) == (low, 1.0)
    assert wilson(0, n).low == 0.0


@pytest.mark.parametrize(
    ("n", "bounds"),
    [
        (16, (0.1446, 0.2375, 0.1907, 0.2721)),
        (52, (0.0495, 0.0817, 0.0652, 0.0938)),
        (101, (0.0261, 0.0432, 0.0344, 0.0495)),
        (150, (0.0177, 0.0293, 0.0234, 0.0337)),
        (300, (0.0089, 0.0148, 0.0118, 0.017)),
        (400, (0.0067, 0.0111, 0.0089, 0.0128)),
    ],
)
def test_tango_has_the_published_upper_bounds(n: int, bounds: tuple[float, ...]) -> None:
    found = [round(tango(lost, gained, n).high, 4) for lost, gained in ((0, 0), (1, 0), (1, 1), (2, 1))]
    assert tuple(found) == bounds


@pytest.mark.parametrize(
    ("margin", "needed"),
    [(0.05, (52, 69, 87, 101)), (0.03, (88, 117, 147, 169)), (0.02, (133, 176, 222, 255)), (0.10, (25, 33, 42, 49))],
)
def test_melanomas_needed_for_non_inferiority(margin: float, needed: tuple[int, ...]) -> None:
    for (lost, gained), n in zip(((0, 0), (1, 1), (1, 0), (2, 1)), needed, strict=True):
        assert tango(lost, gained, n).high < margin <= tango(lost, gained, n - 1).high


@pytest.mark.parametrize(("lost", "gained", "high"), [(0, 0, 0.022), (1, 0, 0.037), (2, 0, 0.050), (5, 2, 0.070)])
def test_accuracy_on_118_images(lost: int, gained: int, high: float) -> None:
    assert round(tango(lost, gained, 118).high, 3) == high


def test_a_published_tango_interval() -> None:
    """Airway hyper-responsiveness, M. W. Fagerland and others, Statistics in Medicine 33 (2014) 2850."""
    found = tango(1, 7, 21, 0.95)
    assert (round(found.low, 3), round(found.high, 3)) == (-0.517, -0.026)


@pytest.mark.parametrize(("lost", "gained", "n"), [(0, 0, 30), (1, 0, 52), (3, 7, 80), (12, 2, 40), (5, 5, 10)])
def test_the_ends_are_where_the_likelihoods_score_test_turns(lost: int, gained: int, n: int) -> None:
    """The nuisance is found by maximising the likelihood itself, not by the quadratic of the paper."""
    from scipy.optimize import minimize_scalar

    def statistic(delta: float) -> float:
        def loss(q: float) -> float:
            counts = zip((lost, gained, n - lost - gained), (q + delta, q, 1 - 2 * q - delta), strict=True)
            return -sum(k * np.log(p) for k, p in counts if k)

        low, high = max(0.0, -delta), (1 - delta) / 2
        q = minimize_scalar(loss, bounds=(low + 1e-13, high - 1e-13), method="bounded", options={"xatol": 1e-13}).x
        return float((lost - gained - n * delta) / np.sqrt(n * (2 * q + delta * (1 - delta))))

    found = tango(lost, gained, n, 0.95)
    assert statistic(found.low) == pytest.approx(1.959964, abs=2e-3)
    assert statistic(found.high) == pytest.approx(-1.959964, abs=2e-3)


@pytest.mark.parametrize(("n", "lost", "gained"), [(80, 0.08, 0.05), (150, 0.04, 0.04), (300, 0.03, 0.01)])
def test_95_percent_tango_intervals_cover_95_percent(n: int, lost: float, gained: float) -> None:
    counts = np.random.default_rng(n).multinomial(n, [lost, gained, 1 - lost - gained], 2000)
    found = [tango(int(b), int(c), n, 0.95) for b, c, _ in counts]
    assert 0.93 <= np.mean([one.low <= lost - gained <= one.high for one in found]) <= 0.97


_PAIRS = st.integers(1, 500).flatmap(
    lambda n: st.integers(0, n).flatmap(lambda lost: st.tuples(st.just(lost), st.integers(0, n - lost), st.just(n)))
)


@given(_PAIRS)
def test_tango_contains_the_difference_and_stays_in_range(case: tuple[int, int, int]) -> None:
    lost, gained, n = case
    found = tango(lost, gained, n)
    assert found.value == (lost - gained) / n
    assert -1 <= found.low <= found.value <= found.high <= 1


@given(_PAIRS)
def test_tango_mirrors_when_losses_and_gains_change_places(case: tuple[int, int, int]) -> None:
    lost, gained, n = case
    there, back = tango(lost, gained, n), tango(gained, lost, n)
    assert (there.low, there.high) == pytest.approx((-back.high, -back.low), abs=1e-9)


@given(_PAIRS)
def test_one_more_loss_never_lowers_either_bound(case: tuple[int, int, int]) -> None:
    lost, gained, n = case
    if lost + gained < n:
        before, after = tango(lost, gained, n), tango(lost + 1, gained, n)
        assert after.high >= before.high - 1e-9
        assert after.low >= before.low - 1e-9


@given(_PAIRS, st.floats(0.5, 0.94))
def test_more_confidence_widens_the_interval(case: tuple[int, int, int], confidence: float) -> None:
    narrow, wide = tango(*case, confidence), tango(*case, confidence + 0.05)
    assert wide.low <= narrow.low and narrow.high <= wide.high


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_the_exact_interval_contains_the_proportion_and_agrees_with_scipy(case: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    found = clopper_pearson(*case)
    theirs = binomtest(*case).proportion_ci()
    assert found.low <= found.value <= found.high
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


@given(st.integers(1, 400).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_agrees_with_scipy(case: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    found, theirs = wilson(*case), binomtest(*case).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_mcnemar_has_the_published_values() -> None:
    found = mcnemar(5, 2)
    assert (found.exact, found.mid_p) == pytest.approx((0.453125, 0.2890625))


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_and_mid_p_is_smaller(lost: int, gained: int) -> None:
    from scipy.stats import binomtest

    found = mcnemar(lost, gained)
    assert found.exact == pytest.approx(binomtest(lost, lost + gained).pvalue if lost + gained else 1.0)
    assert 0 < found.mid_p <= found.exact


@pytest.mark.parametrize(
    ("positives", "misses"), [(30, -1), (58, -1), (59, 0), (92, 0), (93, 1), (124, 2), (153, 3), (181, 4), (300, 8)]
)
def test_certifying_95_percent_needs_59_positives(positives: int, misses: int) -> None:
    assert allowed_misses(positives) == misses


@pytest.mark.parametrize(("sensitivity", "needed"), [(0.80, 14), (0.90, 29), (0.95, 59), (0.99, 299)])
def test_the_fewest_that_certify_do_and_one_less_does_not(sensitivity: float, needed: int) -> None:
    assert positives_needed(sensitivity) == needed
    assert allowed_misses(needed, sensitivity) == 0
    assert allowed_misses(needed - 1, sensitivity) == -1
