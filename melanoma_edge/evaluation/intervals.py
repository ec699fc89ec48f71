"""Intervals and tests for proportions, single and paired."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist

ONE_SIDED = 0.90
"""Confidence of the two-sided interval whose either end is a one-sided 95 % bound."""


@dataclass(frozen=True)
class Estimate:
    """Hold a value and the ends of its interval."""

    value: float
    low: float
    high: float


def wilson(successes: float, n: float, confidence: float = 0.95) -> Estimate:
    """Return a proportion with its Wilson score interval.

    Source: E. B. Wilson, JASA 22 (1927) 209. At 0 or ``n`` successes the outer end is exactly 0 or 1.

    Args:
        successes: count, 0 to ``n``; fractions are allowed, for planning.
        n: count, above 0.
        confidence: of the two-sided interval.
    """
    z = normal_quantile(confidence)
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z / scale * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    low = 0.0 if successes <= 0 else centre - half
    high = 1.0 if successes >= n else centre + half
    return Estimate(p, min(low, p), max(high, p))


def clopper_pearson(successes: int, n: int, confidence: float = 0.95) -> Estimate:
    """Return a proportion with its exact interval (Clopper and Pearson, Biometrika 26 (1934) 404)."""
    from scipy.stats import beta

    tail = (1 - confidence) / 2
    low = 0.0 if successes == 0 else float(beta.ppf(tail, successes, n - successes + 1))
    high = 1.0 if successes == n else float(beta.ppf(1 - tail, successes + 1, n - successes))
    return Estimate(successes / n, low, high)


@lru_cache(maxsize=4096)
def tango(lost: float, gained: float, n: float, confidence: float = ONE_SIDED) -> Estimate:
    """Return the difference ``(lost - gained) / n`` of paired proportions with Tango's score interval.

    It stays informative when nothing changed: zero of 16 pairs lost still bounds the loss only by 14.5 points.
    Source: T. Tango, Statistics in Medicine 17 (1998) 891.

    Args:
        lost: pairs right before and wrong after; fractions are allowed, for planning.
        gained: pairs wrong before and right after.
        n: all pairs, above 0; ``lost + gained <= n``.
        confidence: of the two-sided interval; at the default either end is a one-sided 95 % bound.
    """
    z = normal_quantile(confidence)
    estimate = (lost - gained) / n

    def rejected(delta: float) -> bool:
        return abs(_tango_statistic(lost, gained, n, delta)) > z

    return Estimate(estimate, _boundary(rejected, estimate, -1.0), _boundary(rejected, estimate, 1.0))


def _tango_statistic(lost: float, gained: float, n: float, delta: float) -> float:
    """Return the score statistic of the hypothesis that the true difference is ``delta``."""
    a = 2 * n
    b = -lost - gained + (2 * n - lost + gained) * delta
    c = -gained * delta * (1 - delta)
    discordant = (math.sqrt(max(b * b - 4 * a * c, 0.0)) - b) / (2 * a)
    variance = n * (2 * discordant + delta * (1 - delta))
    return (lost - gained - n * delta) / math.sqrt(max(variance, 1e-12))


def _boundary(rejected: Callable[[float], bool], inside: float, outside: float) -> float:
    """Return by bisection where ``rejected`` turns true on the way from ``inside`` to ``outside``."""
    if not rejected(math.nextafter(outside, 0.0)):
        return outside
    while True:
        middle = (inside + outside) / 2
        if abs(outside - inside) < 1e-12 or middle in (inside, outside):
            return middle
        inside, outside = (inside, middle) if rejected(middle) else (middle, outside)


@dataclass(frozen=True)
class McNemar:
    """Hold two-sided p values of a difference between paired proportions; a large one does not prove equality."""

    exact: float
    mid_p: float


def mcnemar(lost: int, gained: int) -> McNemar:
    """Test whether losses and gains are equally likely.

    Source: M. W. Fagerland and others, BMC Medical Research Methodology 13 (2013) 91.
    """
    n, fewer = lost + gained, min(lost, gained)
    if n == 0:
        return McNemar(1.0, 1.0)
    middle = math.comb(n, fewer) / 2**n
    tail = sum(math.comb(n, k) for k in range(fewer + 1)) / 2**n
    exact = min(1.0, 2 * tail)
    return McNemar(exact, 1 - middle / 2 if lost == gained else exact - middle)


def positives_needed(sensitivity: float = 0.95, alpha: float = 0.05) -> int:
    """Return the fewest positives that can certify ``sensitivity`` at confidence ``1 - alpha``, none of them missed."""
    needed = math.ceil(math.log(alpha) / math.log(sensitivity))
    return needed if allowed_misses(needed, sensitivity, alpha) >= 0 else needed + 1


def allowed_misses(positives: int, sensitivity: float = 0.95, alpha: float = 0.05) -> int:
    """Return the most misses among ``positives`` that still certify ``sensitivity`` at confidence ``1 - alpha``.

    This is the binomial tolerance bound; -1 says that not even zero misses certify it (below 59 positives
    for 95 % at 95 %).
    """
    from scipy.stats import binom

    misses = -1
    while misses < positives - 1 and binom.cdf(misses + 1, positives, 1 - sensitivity) <= alpha:
        misses += 1
    return misses


@lru_cache
def normal_quantile(confidence: float) -> float:
    """Return how many standard errors a two-sided interval of a normal value reaches to either side."""
    return NormalDist().inv_cdf(0.5 + confidence / 2)
