"""What stands beside the gate, against numbers worked out by hand and by others."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest, entropy

from melanoma_edge.evaluation.intervals import tango
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.parity.gate import Limits, deciding
from melanoma_edge.parity.paired import pair
from melanoma_edge.parity.statistics import by_subgroup, describe, kind_of
from melanoma_edge.parity.verdict import Flip


def cases(scores: list[float], labels: list[int]) -> Cases:
    values = np.array(scores)
    return Cases(np.stack([values, 1 - values], axis=1), np.array(labels), (0,), 0.5)


def models(lost: int, gained: int, n: int, others: int = 40) -> tuple[Cases, Cases]:
    """Return two models on ``n`` melanomas and others, of which the second loses and gains some."""
    first, second = np.full(n, 0.9), np.full(n, 0.8)
    second[:lost] = 0.4
    first[lost : lost + gained], second[lost : lost + gained] = 0.3, 0.6
    rest = [0.1] * others
    labels = [0] * n + [1] * others
    return cases([*first.tolist(), *rest], labels), cases([*second.tolist(), *rest], labels)


def described(lost: int, gained: int, n: int) -> tuple[object, object]:
    before, after = models(lost, gained, n)
    paired = pair(before, after, 20, 0)
    return describe(before, after, paired, Limits()), paired


def test_losses_have_tangos_interval_and_mcnemars_test() -> None:
    found, _ = described(5, 1, 80)
    loss = found.sensitivity  # type: ignore[attr-defined]
    assert (loss.n, loss.lost, loss.gained) == (80, 5, 1)
    assert loss.loss == tango(5, 1, 80)
    assert loss.mcnemar_exact == pytest.approx(binomtest(1, 6, 0.5).pvalue)


@pytest.mark.parametrize(("n", "equivalent"), [(51, False), (52, True)])
def test_equivalence_needs_as_many_as_the_gate(n: int, equivalent: bool) -> None:
    """Without a flip 52 melanomas bound the loss by 5 points, in both directions."""
    found, _ = described(0, 0, n)
    assert found.sensitivity.equivalent is equivalent  # type: ignore[attr-defined]


def test_no_significant_difference_is_not_equivalence() -> None:
    found, _ = described(1, 1, 20)
    loss = found.sensitivity  # type: ignore[attr-defined]
    assert loss.mcnemar_exact == 1.0 and not loss.equivalent


def test_scores_move_as_bland_and_altman_say() -> None:
    before = cases([0.2, 0.4, 0.6, 0.8], [0, 0, 1, 1])
    after = cases([0.3, 0.4, 0.5, 0.9], [0, 0, 1, 1])
    found = describe(before, after, pair(before, after, 5, 0), Limits()).score
    changes = np.array([0.1, 0.0, -0.1, 0.1])
    assert found.mean_difference == pytest.approx(changes.mean())
    assert (found.low, found.high) == pytest.approx(tuple(np.quantile(changes, [0.025, 0.975])))
    assert found.largest == pytest.approx(0.1)


def test_divergence_is_of_the_exported_from_the_float_model() -> None:
    before, after = cases([0.2, 0.9], [0, 1]), cases([0.4, 0.9], [0, 1])
    found = describe(before, after, pair(before, after, 5, 0), Limits()).kl
    each = [entropy([0.2, 0.8], [0.4, 0.6]), 0.0]
    assert found.mean == pytest.approx(np.mean(each), abs=1e-6)
    assert found.p99 == pytest.approx(np.quantile(each, 0.99), abs=1e-6)


@pytest.mark.parametrize("sums", [(1 - 1e-6, 1 + 1e-6), (1, 1), (1 + 1e-6, 1 - 1e-6)])
def test_models_that_answer_alike_diverge_by_nothing_however_their_answers_sum(sums: tuple[float, float]) -> None:
    """Answers are float32: they sum to 1 only nearly, and a divergence is never below 0."""
    shares = np.random.default_rng(0).dirichlet(np.ones(2), 40)
    before, after = (Cases(shares * total, np.arange(40) % 2, (0,), 0.5) for total in sums)
    found = describe(before, after, pair(before, after, 5, 0), Limits()).kl
    assert 0 <= found.mean < 1e-12 and 0 <= found.p99 < 1e-12


def test_subgroups_count_their_own_losses() -> None:
    before, after = models(3, 0, 12, others=12)
    sexes = ["f", "m"] * 12
    found = {one.value: one for one in by_subgroup(before, after, {"sex": sexes, "site": ["back"] * 24})}
    assert set(found) == {"f", "m"}, "what has one value parts nothing"
    assert (found["f"].n, found["f"].melanomas, found["f"].lost) == (12, 6, 2)
    assert (found["m"].lost, found["m"].few) == (1, True)
    assert found["f"].decision_agreement.value == pytest.approx(10 / 12)


def test_the_number_that_decides_is_the_one_in_words() -> None:
    _, paired = described(0, 0, 16)
    wanted = deciding(paired, Limits())  # type: ignore[arg-type]
    assert wanted["sensitivity_loss"] == 52
    assert "macro_auc_change" not in wanted, "what is decided needs no more"


@pytest.mark.parametrize(
    ("label", "before", "after", "kind"),
    [
        ("MEL", 0.6, 0.4, "melanoma lost"),
        ("MEL", 0.4, 0.6, "melanoma gained"),
        ("NV", 0.4, 0.6, "alarm gained"),
        ("NV", 0.6, 0.4, "alarm lost"),
        ("NV", 0.6, 0.7, "class only"),
    ],
)
def test_a_flip_has_a_direction(label: str, before: float, after: float, kind: str) -> None:
    flip = Flip("id", "group", label, "NV", "MEL", before, after, kind == "melanoma lost")
    assert kind_of(flip, ("MEL",), 0.5) == kind
