"""Which channels go: the cheapest eight of any site, one site after another, until a cost is reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.compression.importance import Importance
from melanoma_edge.compression.sites import Kept, Site, resized, sites
from melanoma_edge.model.cost import Cost, cost
from melanoma_edge.model.spec import NetworkSpec

STEP = 8
"""Channels go by eights: kernels of phone processors compute eight or sixteen at a time, and pad what is less."""

Measure = Callable[[Cost], int]
"""What is to be reached: multiplications or bytes."""


def everything(spec: NetworkSpec) -> dict[str, NDArray[np.bool_]]:
    """Return every channel of every site as kept."""
    return {site.name: np.ones(site.channels, bool) for site in sites(spec)}


def narrowest(spec: NetworkSpec) -> NetworkSpec:
    """Return the layout with every site at its least: eight channels, or what it has if that is less."""
    return resized(spec, {site.name: min(site.channels, STEP) for site in sites(spec)})


def narrowed(spec: NetworkSpec, kept: Kept, importance: Importance, goal: float, measure: Measure) -> Kept:
    """Drop channels until what is left costs at most ``goal``.

    Each time, every site offers its least important channels down to the next multiple of eight, and the lowest price
    is taken: importance lost per cost saved, or the share that the site has lost in all, as ``importance`` says.
    Weighing a loss against what it saves: Theis et al. 2018, section 3. What is saved beyond the goal counts nothing.

    Args:
        spec: the whole layout.
        kept: channels that are left so far.
        importance: of every channel.
        goal: in the units of ``measure``; at least what ``narrowest`` costs.
        measure: what of the cost counts.
    """
    kept = {name: np.array(mask) for name, mask in kept.items()}
    now = measure(cost(_layout(spec, kept)))
    while now > goal:
        offers = [offer for site in sites(spec) if (offer := _offer(spec, kept, importance, site, measure))]
        if not offers:
            break
        best = min(offers, key=lambda offer: offer.price(now, goal))
        kept[best.site][best.channels] = False
        now = best.left
    return kept


@dataclass(frozen=True, eq=False)
class _Offer:
    """Hold the channels that a site would lose next: their importance, what the site has then lost, what is left."""

    site: str
    channels: NDArray[np.int64]
    importance: float
    lost: float
    left: int
    per_cost: bool

    def price(self, now: float, goal: float) -> float:
        return self.importance / min(now - self.left, now - goal) if self.per_cost else self.lost


def _offer(spec: NetworkSpec, kept: Kept, importance: Importance, site: Site, measure: Measure) -> _Offer | None:
    values, mask = importance.values[site.name], np.array(kept[site.name])
    channels = _least(mask, values)
    if not len(channels):
        return None
    mask[channels] = False
    left = measure(cost(_layout(spec, {**kept, site.name: mask})))
    return _Offer(
        site.name, channels, float(values[channels].sum()), float(values[~mask].sum()), left, importance.per_cost
    )


def _least(mask: NDArray[np.bool_], values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the channels that a site would lose next; none when eight are left."""
    left = np.flatnonzero(mask)
    count = len(left) - (len(left) - 1) // STEP * STEP if len(left) > STEP else 0
    return left[np.argsort(values[left], kind="stable")[:count]]


def _layout(spec: NetworkSpec, kept: Kept) -> NetworkSpec:
    return resized(spec, {name: int(mask.sum()) for name, mask in kept.items()})
