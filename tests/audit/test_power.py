"""What a split's melanomas would prove."""

import pytest

from melanoma_edge.audit.power import LOSS, ClassCount, prove
from melanoma_edge.evaluation.intervals import allowed_misses, tango
from melanoma_edge.parity.gate import Limits


def _count(label: str, groups: int) -> ClassCount:
    return ClassCount(label, groups, groups, groups)


def test_the_known_numbers_come_out() -> None:
    proof = prove([_count("MEL", 400), _count("NV", 900)])
    assert proof.validation_needed == 59
    assert proof.test_needed == 52
    assert proof.groups == {"train": 280, "validation": 60, "test": 60}
    assert proof.certified == pytest.approx(0.05 ** (1 / 60)) and proof.certified > 0.95
    assert proof.misses_allowed == allowed_misses(60) == 0
    assert proof.loss_bound == tango(0, 0, 60).high < LOSS


def test_the_limit_is_that_of_the_gate() -> None:
    assert Limits().sensitivity_loss == LOSS


def test_few_melanomas_prove_little() -> None:
    proof = prove([_count("MEL", 20), _count("NV", 900)])
    assert proof.groups == {"train": 14, "validation": 3, "test": 3}
    assert proof.misses_allowed == -1
    assert proof.certified < 0.4 and proof.loss_bound > 0.4


def test_without_melanoma_malignancy_counts() -> None:
    proof = prove([_count("BCC", 10), _count("SCC", 10), _count("NV", 50)])
    assert proof.target == "malignant" and sum(proof.groups.values()) == 20


def test_nothing_to_find_proves_nothing() -> None:
    proof = prove([_count("NV", 50)])
    assert (proof.certified, proof.loss_bound, proof.misses_allowed) == (0.0, 1.0, -1)
