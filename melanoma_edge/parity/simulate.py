"""How often the gate errs when the true loss is known: its check of sensitivity alone, and all its checks together.

``python -m melanoma_edge.parity.simulate`` prints both tables.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.evaluation.bootstrap import Array
from melanoma_edge.evaluation.calibration import softmax
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.parity.gate import Limits, Status, check_changes, check_loss, overall
from melanoma_edge.parity.outputs import check_outputs
from melanoma_edge.parity.paired import Decisions, pair

if TYPE_CHECKING:
    from rich.table import Table

LOSSES = (0.0, 0.02, 0.05, 0.10)
MELANOMAS = (52, 74, 90, 150, 300)
CHURN = 0.005
GATE_LOSSES, PAIRS = (0.0, 0.01, 0.02, 0.05, 0.10), 400
CLASSES = ("melanoma", "nevus", "other")
LESIONS = (150, 600, 250)
"""Of each class in a simulated split."""
ROUNDING = 0.05
"""Standard deviation of what an export adds to a logit, besides the loss."""
_SIGNAL = 2.2
_SENSITIVITY = 0.9
_MANY = 200_000
_RESAMPLES = 100


@dataclass(frozen=True)
class ErrorRates:
    """Hold the shares of simulated exports by the answer on ``sensitivity_loss``, or by the verdict."""

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


def simulate_gate(
    losses: Sequence[float] = GATE_LOSSES,
    pairs: int = PAIRS,
    lesions: Sequence[int] = LESIONS,
    resamples: int = _RESAMPLES,
    seed: int = 0,
) -> tuple[ErrorRates, ...]:
    """Return the verdicts of the whole gate on pairs of a float model and an export.

    Logits are normal around 2.2 for a lesion's class and 0 for the others, with variance 1; the float model refers at a
    sensitivity of 90 %. The export adds normal noise, ``ROUNDING`` large, and answers melanoma by so much less that it
    truly loses the share of melanomas asked for, which is measured on 200,000 melanomas.

    Args:
        losses: true net losses of sensitivity.
        pairs: for each loss, each with lesions of its own.
        lesions: of each class of ``CLASSES`` in a split.
        resamples: of the gate's bootstrap.
        seed: of the random generator.
    """
    generator = np.random.default_rng(seed)
    known = _logits(generator, np.zeros(_MANY, np.int64))
    threshold = float(np.quantile(softmax(known)[:, 0], 1 - _SENSITIVITY))
    labels, rates = np.repeat(np.arange(len(CLASSES)), lesions), []
    for loss in losses:
        moved = _moved(generator, known, loss, threshold) if loss else 0.0
        found = dict.fromkeys(Status, 0)
        for _ in range(pairs):
            logits = _logits(generator, labels)
            before, after = (
                Cases(softmax(one), labels, (0,), threshold) for one in (logits, _exported(generator, logits, moved))
            )
            checks = check_changes(pair(before, after, resamples, seed), Limits(), CLASSES[0], ())
            checks += check_outputs(before.probabilities, after.probabilities, CLASSES)
            found[overall(check.status for check in checks)] += 1
        ordered = (found[status] / pairs for status in (Status.PASS, Status.INCONCLUSIVE, Status.FAIL))
        rates.append(ErrorRates(loss, lesions[0], *ordered))
    return tuple(rates)


def _logits(generator: np.random.Generator, labels: NDArray[np.int64]) -> Array:
    return np.asarray(generator.normal(size=(len(labels), len(CLASSES))) + _SIGNAL * np.eye(len(CLASSES))[labels])


def _exported(generator: np.random.Generator, logits: Array, moved: float) -> Array:
    return np.asarray(logits + generator.normal(0, ROUNDING, logits.shape) - moved * np.eye(len(CLASSES))[0])


def _moved(generator: np.random.Generator, melanomas: Array, loss: float, threshold: float) -> float:
    """Return by how much less melanoma is answered where a share of melanomas is lost, by halving."""
    rounded, low, high = _exported(generator, melanomas, 0.0), 0.0, 10.0
    while high - low > 1e-4:
        middle = (low + high) / 2
        kept = float((softmax(rounded - middle * np.eye(len(CLASSES))[0])[:, 0] >= threshold).mean())
        low, high = (low, middle) if _SENSITIVITY - kept > loss else (middle, high)
    return (low + high) / 2


def main() -> None:
    """Print the tables."""
    from rich.console import Console

    alone = f"sensitivity_loss, limit {Limits.sensitivity_loss:g}; {CHURN:.1%} more lost and as many gained"
    Console().print(_table(alone, simulate()))
    Console().print(_table(f"the whole gate, {PAIRS} pairs a row, {sum(LESIONS)} lesions each", simulate_gate()))


def _table(title: str, rates: Sequence[ErrorRates]) -> Table:
    from rich.table import Table

    table = Table("true loss", "melanomas", "PASS", "INCONCLUSIVE", "FAIL", title=title)
    for row in rates:
        shares = (row.passed, row.inconclusive, row.failed)
        table.add_row(f"{row.loss:.0%}", str(row.melanomas), *(f"{share:.1%}" for share in shares))
    return table


if __name__ == "__main__":
    main()
