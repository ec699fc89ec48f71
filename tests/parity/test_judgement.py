"""The whole judgement on drawn splits."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from benches import Drawn, with_lost
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from melanoma_edge.contract import ModelContract
from melanoma_edge.parity import Judgement, Limits, Status, judge
from melanoma_edge.strictjson import to_plain

PASS, FAIL, INCONCLUSIVE = Status.PASS, Status.FAIL, Status.INCONCLUSIVE
STRUCTURE = {"finite_outputs", "constant_output", "labels_match", "shape_match"}


def judged(
    drawn: Drawn, exported: NDArray[Any], contract: ModelContract, limits: Limits | None = None, resamples: int = 200
) -> Judgement:
    reference = drawn.probabilities
    rows = (drawn.ids, drawn.groups, drawn.labels)
    return judge(reference, exported, *rows, contract, limits or Limits(), resamples=resamples)


def statuses(found: Judgement) -> dict[str, Status]:
    return {check.name: check.status for check in found.checks}


def test_identical_outputs_pass_with_enough_cases(drawn: Drawn, contract: ModelContract) -> None:
    found = judged(drawn, drawn.probabilities, contract)
    assert found and found.verdict is PASS
    assert set(statuses(found).values()) == {PASS}
    assert len(found.checks) == 14
    assert found.flips == ()
    assert found.float_metrics == found.exported_metrics


def test_identical_outputs_of_few_melanomas_are_inconclusive(drawn: Drawn, contract: ModelContract) -> None:
    kept = np.r_[0:40, 74:334]
    rows = ([drawn.ids[i] for i in kept], [drawn.groups[i] for i in kept], drawn.labels[kept])
    same = drawn.probabilities[kept]
    found = judge(same, same, *rows, contract, Limits(), resamples=50)
    assert not found and found.verdict is INCONCLUSIVE
    assert [name for name, status in statuses(found).items() if status is INCONCLUSIVE] == ["sensitivity_loss"]


def test_one_lost_melanoma_is_named_and_doubted(drawn: Drawn, contract: ModelContract) -> None:
    found = judged(drawn, with_lost(drawn, 1), contract)
    assert (statuses(found)["sensitivity_loss"], statuses(found)["melanomas_lost"]) == (INCONCLUSIVE, PASS)
    (flip,) = found.flips
    assert flip.melanoma_lost and flip.label == "MEL" and flip.exported_class == "NV"
    assert flip.float_score >= 0.3 and flip.exported_score == pytest.approx(0.05)
    assert flip.image_id in next(check.why for check in found.checks if check.name == "melanomas_lost")


def test_a_melanoma_that_the_reference_missed_is_not_lost(contract: ModelContract) -> None:
    before = np.array([[0.2, 0.8, 0, 0], [0.1, 0.9, 0, 0]])
    after = np.array([[0.2, 0.1, 0.7, 0], [0.1, 0.9, 0, 0]])
    (flip,) = judge(before, after, ["a", "b"], ["a", "b"], [0, 1], contract, Limits(), resamples=20).flips
    assert (flip.label, flip.float_class, flip.exported_class, flip.melanoma_lost) == ("MEL", "NV", "BCC", False)


def test_many_lost_melanomas_fail_and_come_first(drawn: Drawn, contract: ModelContract) -> None:
    exported = with_lost(drawn, 12)
    exported[-30:] = exported[-30:][:, [1, 0, 2, 3]]
    rows = (drawn.ids[::-1], drawn.groups, drawn.labels)
    found = judge(drawn.probabilities, exported, *rows, contract, Limits(), resamples=50)
    assert found.verdict is FAIL
    assert statuses(found)["sensitivity_loss"] is FAIL and statuses(found)["melanomas_lost"] is FAIL
    lost = [flip.melanoma_lost for flip in found.flips]
    assert lost == sorted(lost, reverse=True) and sum(lost) == 12 < len(lost)


@pytest.mark.parametrize(
    ("broken", "name"),
    [
        (lambda x: np.where(np.arange(4) == 1, np.nan, x), "finite_outputs"),
        (lambda x: np.full_like(x, 0.25), "constant_output"),
        (lambda x: x[:, [1, 0, 2, 3]], "labels_match"),
        (lambda x: x[:, :3], "labels_match"),
        (lambda x: x[:-2], "shape_match"),
    ],
)
def test_broken_outputs_fail_by_name_and_give_no_number(
    drawn: Drawn, contract: ModelContract, broken: Callable[[Any], Any], name: str
) -> None:
    found = judged(drawn, broken(drawn.probabilities), contract)
    assert found.verdict is FAIL
    assert statuses(found)[name] is FAIL
    assert set(statuses(found)) <= STRUCTURE
    assert found.exported_metrics is None and found.flips == ()
    json.dumps(to_plain(found), allow_nan=False)


def test_several_images_are_one_lesion_and_its_flip_is_named_by_the_first(contract: ModelContract) -> None:
    before = np.array([[0.4, 0.6, 0, 0], [0.3, 0.7, 0, 0], [0.1, 0.9, 0, 0]])
    after = np.array([[0.2, 0.8, 0, 0], [0.44, 0.56, 0, 0], [0.1, 0.9, 0, 0]])
    rows = (["z", "y", "x"], ["g", "g", "h"], [0, 0, 1])
    assert judge(before, after, *rows, contract, Limits(), resamples=20).flips == ()
    after[0] = [0.1, 0.9, 0, 0]
    (flip,) = judge(before, after, *rows, contract, Limits(), resamples=20).flips
    assert (flip.image_id, flip.group, flip.melanoma_lost) == ("y", "g", True)


@settings(deadline=None, max_examples=15)
@given(seed=st.integers(0, 10_000), noise=st.floats(0, 0.3))
def test_the_order_of_images_does_not_matter(drawn: Drawn, contract: ModelContract, seed: int, noise: float) -> None:
    generator = np.random.default_rng(seed)
    n = len(drawn.ids)
    exported = (1 - noise) * drawn.probabilities + noise * generator.dirichlet(np.ones(4), n)
    order = generator.permutation(n)
    rows = ([drawn.ids[i] for i in order], [drawn.groups[i] for i in order], drawn.labels[order])
    one = judged(drawn, exported, contract, resamples=20)
    other = judge(drawn.probabilities[order], exported[order], *rows, contract, Limits(), resamples=20)
    assert (one.verdict, one.flips) == (other.verdict, other.flips)
    assert one.exported_metrics == other.exported_metrics


def test_the_seed_repeats_the_judgement(drawn: Drawn, contract: ModelContract) -> None:
    exported = 0.8 * drawn.probabilities + 0.05
    assert judged(drawn, exported, contract) == judged(drawn, exported, contract)
