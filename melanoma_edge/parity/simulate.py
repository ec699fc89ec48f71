"""How often the gate errs: its answer on sensitivity, when the true loss is known.

``python -m melanoma_edge.parity.simulate`` prints the table.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from melanoma_edge.parity.gate import Limits, Status, check_loss
from melanoma_edge.parity.paired import Decisions

LOSSES = (0.0, 0.02, 0.05, 0.10)
MELANOMAS = (52, 74, 90, 150, 300)
CHURN = 0.005


@dataclass(frozen=True)
class ErrorRates:
    """Hold the shares of simulated exports by the answer on ``sensitivity_loss``."""

    loss: float
    melanomas: int
    passed: float
    inconclusive: float
    failed: float


def simulate(
    losses: Sequence[float] = LOSSES,
    melanomas: Sequence[int] = MELANOMAS,
    limit: float = Limits.sensitivity_loss,
    churn: float = CHURN,
    draws: int = 20_000,
    seed: int = 0,
) -> tuple[ErrorRates, ...]:
    """Return the gate's answers on exports that truly lose a known share of melanoma sensitivity.

    Args:
        losses: true net losses of sensitivity.
        melanomas: numbers of melanomas in the split.
        limit: on ``sensitivity_loss``.
        churn: share of melanomas gained, and lost on top of the net loss: flips that cancel out on average.
        draws: simulated splits for each pair of loss and number.
        seed: of the random generator.
    """
    generator = np.random.default_rng(seed)
    return tuple(_row(loss, n, limit, churn, draws, generator) for loss in losses for n in melanomas)


def _row(loss: float, n: int, limit: float, churn: float, draws: int, generator: np.random.Generator) -> ErrorRates:
    shares = [loss + churn, churn, 1 - loss - 2 * churn]
    outcomes, counts = np.unique(generator.multinomial(n, shares, size=draws)[:, :2], axis=0, return_counts=True)
    found = dict.fromkeys(Status, 0)
    for (lost, gained), count in zip(outcomes.tolist(), counts.tolist(), strict=True):
        found[check_loss("sensitivity_loss", Decisions(n, lost, gained), limit, "melanomas").status] += count
    ordered = (found[status] / draws for status in (Status.PASS, Status.INCONCLUSIVE, Status.FAIL))
    return ErrorRates(loss, n, *ordered)


def main() -> None:
    """Print the table."""
    from rich.console import Console
    from rich.table import Table

    title = f"sensitivity_loss, limit {Limits.sensitivity_loss:g}; {CHURN:.1%} more lost and as many gained"
    table = Table("true loss", "melanomas", "PASS", "INCONCLUSIVE", "FAIL", title=title)
    for row in simulate():
        shares = (row.passed, row.inconclusive, row.failed)
        table.add_row(f"{row.loss:.0%}", str(row.melanomas), *(f"{share:.1%}" for share in shares))
    Console().print(table)


if __name__ == "__main__":
    main()
