"""Plots: where points lie, that those who do not see them are told, and that nothing is told by colour alone."""

from __future__ import annotations

import re
from xml.etree import ElementTree

import pytest

from melanoma_edge.report.svg import SERIES, Curve, plane, reliability, swatch, whisker


def parts(drawn: str, name: str) -> list[ElementTree.Element]:
    return [one for one in ElementTree.fromstring(drawn).iter() if name in (one.get("class") or "").split()]


def test_a_curve_runs_from_corner_to_corner_and_the_mark_lies_where_it_decides() -> None:
    drawn = plane([Curve("a", [(0, 0), (0.5, 1), (1, 1)], (0.5, 1.0))], "others", "mel < 1", 'says "a" & b')
    (line,) = parts(drawn, "series")
    (grid, *_) = parts(drawn, "grid")
    assert grid is not None
    places = [tuple(map(float, pair.split())) for pair in line.attrib["d"].lstrip("M").split("L")]
    (left, bottom), (middle, top), (right, _) = places
    assert middle - left == right - middle > 0 and bottom > top
    (mark,) = parts(drawn, "mark")
    assert (float(mark.attrib["cx"]), float(mark.attrib["cy"])) == (middle, top)
    assert ElementTree.fromstring(drawn).get("aria-label") == 'says "a" & b'


def test_series_differ_in_more_than_colour() -> None:
    shapes = {
        re.sub(r"[\d.]+", "", swatch(place).split("/>")[1].split("class")[0] + swatch(place)[-40:])
        for place in range(SERIES)
    }
    assert len(shapes) == SERIES
    assert swatch(0) == swatch(SERIES)


def test_bins_have_a_bar_and_a_mark() -> None:
    drawn = reliability([{"mean": 0.2, "share": 0.3, "low": 0.1, "high": 0.5, "n": 9}], "x", "y", "says")
    assert len(parts(drawn, "series")) == len(parts(drawn, "mark")) == 1


@pytest.mark.parametrize(("few", "name"), [(True, "few"), (False, "whisker")])
def test_a_whisker_spans_its_interval(few: bool, name: str) -> None:
    drawn = whisker({"value": 0.5, "low": 0.25, "high": 1.2}, few)
    (bar,) = parts(drawn, "bar")
    assert bar.attrib["d"] == "M50.0 8H200.0"  # what lies beyond 1 ends there
    assert name in drawn and 'aria-hidden="true"' in drawn
    assert whisker(None) == ""
