"""Limits of the gate as a user writes them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from melanoma_edge.parity.gate import Limits


def parsed_limits(given: Sequence[str], option: str = "--limit") -> Limits:
    """Return the gate's limits with ``NAME=VALUE`` pairs applied.

    Raises:
        UsageError: for an unknown name or a value that is no number or out of range.
    """
    from melanoma_edge.parity.gate import Limits

    changes: dict[str, float | int | None] = {}
    for pair in given:
        name, equals, value = pair.partition("=")
        try:
            changes[name] = int(value) if value.lstrip("+-").isdigit() else float(value)
        except ValueError:
            equals = ""
        if not equals:
            fix = f"write for instance {option} sensitivity_loss=0.03"
            raise UsageError(f"limit {pair!r} is not NAME=VALUE", fix=fix)
    return Limits().override(changes)
