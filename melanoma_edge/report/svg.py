"""Plots as SVG inside a page, drawn of JSON numbers; colours come from the page's style, so that dark stays dark.

Lines differ in dashes and points in shape as well as in colour. Every plot says in words what it shows.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

_SIDE, _LEFT, _BOTTOM, _TOP = 320, 46, 42, 10
"""Pixels of the plotted square, and what stands around it."""
_TICKS = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
SERIES = 6
"""How many lines the page's style tells apart."""


@dataclass(frozen=True)
class Curve:
    """Hold a line ``[(x, y)]`` and the point on it where decisions are made, both between 0 and 1."""

    name: str
    points: Sequence[Sequence[float]]
    at: tuple[float, float] | None = None


def plane(curves: Sequence[Curve], across: str, up: str, says: str) -> str:
    """Return curves in the unit square over a dotted diagonal.

    Args:
        curves: at most ``SERIES`` are told apart.
        across, up: names of the axes.
        says: what a reader who cannot see the plot is told.
    """
    body = [_line([(0, 0), (1, 1)], "diagonal")]
    for place, curve in enumerate(curves):
        body.append(_line(curve.points, f"series s{place % SERIES}"))
    body += [_mark(curve.at, place % SERIES) for place, curve in enumerate(curves) if curve.at]
    return _figure(body, across, up, says)


def reliability(bins: Iterable[Mapping[str, Any]], across: str, up: str, says: str) -> str:
    """Return points with bars over a dotted diagonal, of bins with ``mean``, ``share``, ``low`` and ``high``."""
    body = [_line([(0, 0), (1, 1)], "diagonal")]
    for one in bins:
        body.append(_line([(one["mean"], one["low"]), (one["mean"], one["high"])], "series s0"))
        body.append(_mark((one["mean"], one["share"]), 0))
    return _figure(body, across, up, says)


def whisker(estimate: Mapping[str, float] | None, few: bool = False) -> str:
    """Return one row of a forest plot, from 0 to 1: a bar for the interval, a mark for the value; grey for few cases.

    It repeats what the row's cells say in numbers, so it is hidden from screen readers.
    """
    if not estimate:
        return ""
    low, value, high = (round(200 * max(0.0, min(1.0, estimate[key])), 1) for key in ("low", "value", "high"))
    name = "whisker few" if few else "whisker"
    return (
        f'<svg class="{name}" viewBox="-4 0 208 16" width="208" height="16" aria-hidden="true" focusable="false">'
        f'<path class="grid" d="M0 0V16M100 0V16M200 0V16"/><path class="bar" d="M{low} 8H{high}"/>'
        f'<rect class="mark" x="{value - 3:.1f}" y="5" width="6" height="6"/></svg>'
    )


def swatch(place: int) -> str:
    """Return a short piece of the line that stands for a curve, for its legend."""
    number = place % SERIES
    return (
        '<svg class="swatch" viewBox="0 0 44 14" width="44" height="14" aria-hidden="true" focusable="false">'
        f'<path class="series s{number}" d="M1 7H43"/>{_shape(22, 7, number)}</svg>'
    )


def _figure(body: Iterable[str], across: str, up: str, says: str) -> str:
    width, height = _LEFT + _SIDE + 12, _TOP + _SIDE + _BOTTOM
    grid = "".join(_tick(value) for value in _TICKS)
    labels = (
        f'<text x="{_LEFT + _SIDE / 2:.0f}" y="{height - 6}" text-anchor="middle">{escape(across)}</text>'
        f'<text transform="translate(12 {_TOP + _SIDE / 2:.0f}) rotate(-90)" text-anchor="middle">{escape(up)}</text>'
    )
    return (
        f'<svg class="plot" viewBox="0 0 {width} {height}" role="img" aria-label="{escape(says)}">'
        f"{grid}{''.join(body)}{labels}</svg>"
    )


def _tick(value: float) -> str:
    x, y = _place(value, value)
    return (
        f'<path class="grid" d="M{x} {_TOP}V{_TOP + _SIDE}M{_LEFT} {y}H{_LEFT + _SIDE}"/>'
        f'<text x="{x}" y="{_TOP + _SIDE + 16}" text-anchor="middle">{value:g}</text>'
        f'<text x="{_LEFT - 6}" y="{y + 4}" text-anchor="end">{value:g}</text>'
    )


def _place(x: float, y: float) -> tuple[float, float]:
    inside = (max(0.0, min(1.0, float(value))) for value in (x, y))
    across, up = inside
    return round(_LEFT + _SIDE * across, 1), round(_TOP + _SIDE * (1 - up), 1)


def _line(points: Iterable[Sequence[float]], name: str) -> str:
    places = [_place(x, y) for x, y in points]
    return f'<path class="{name}" d="M{"L".join(f"{x} {y}" for x, y in places)}"/>' if places else ""


def _mark(at: tuple[float, float], number: int) -> str:
    return _shape(*_place(*at), number)


def _shape(x: float, y: float, number: int) -> str:
    """Return one of six marks around a place: circle, square, triangle, diamond, cross, plus."""
    if number == 0:
        return f'<circle class="mark s{number}" cx="{x}" cy="{y}" r="5"/>'
    shapes = {
        1: "m-4.5 -4.5h9v9h-9z",
        2: "m0 -6l5.5 10h-11z",
        3: "m0 -6l6 6l-6 6l-6 -6z",
        4: "m-5 -5l10 10m0 -10l-10 10",
        5: "m-6 0h12m-6 -6v12",
    }
    return f'<path class="mark s{number}" d="M{x} {y}{shapes[number]}"/>'
