"""Where two JSON documents that should say the same differ, by name."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_NEAR = 1e-9
_SUMS = ("verdict", "status")
_WORDS = "why"
"""A sentence for people, made of numbers that stand beside it; later versions may put it otherwise."""
_MISSING = "missing"


def near(one: float, other: float, within: float = _NEAR) -> bool:
    """Tell whether two numbers are the same but for the last digits, which machines round otherwise."""
    return math.isclose(one, other, rel_tol=0, abs_tol=within)


@dataclass(frozen=True)
class Difference:
    """Name what two documents say otherwise, and what they say."""

    name: str
    said: Any
    made: Any


def first_difference(said: Mapping[str, Any], made: Mapping[str, Any], within: float = _NEAR) -> Difference | None:
    """Return the first number or word that differs between two documents, None where none does.

    Verdicts and statuses, which follow from numbers, come last; reasons in words are not compared.

    Args:
        said: as it was found.
        made: as it must be.
        within: by how much numbers that are alike may differ.
    """
    before, after = dict(_leaves(said)), dict(_leaves(made))
    for name in sorted(before | after, key=lambda name: name.endswith(_SUMS)):
        one, other = before.get(name, _MISSING), after.get(name, _MISSING)
        if not _alike(one, other, within):
            return Difference(name, one, other)
    return None


def _leaves(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every number and word of a document under its dotted name; checks stand under their own."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            if key == _WORDS:
                continue
            yield from _leaves(item, f"{name}.{key}" if name else key)
    elif isinstance(value, list):
        yield f"{name}.count", len(value)
        for place, item in enumerate(value, 1):
            own = item.get("name", place) if isinstance(item, Mapping) else place
            yield from _leaves(item, f"{name}.{own}")
    else:
        yield name, value


def _alike(one: Any, other: Any, within: float) -> bool:
    if all(type(value) in (int, float) for value in (one, other)):
        return near(one, other, within)
    return type(one) is type(other) and bool(one == other)
