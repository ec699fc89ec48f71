"""Limits as a user writes them."""

from __future__ import annotations

import pytest

from melanoma_edge.cli.limits import parsed_limits
from melanoma_edge.errors import UsageError
from melanoma_edge.parity.gate import Limits


def test_nothing_given_leaves_the_defaults() -> None:
    assert parsed_limits([]) == Limits()


def test_given_limits_replace_the_defaults() -> None:
    found = parsed_limits(["sensitivity_loss=0.03", "macro_auc_change=-0.02", "melanomas_lost=2"])
    assert (found.sensitivity_loss, found.macro_auc_change, found.melanomas_lost) == (0.03, -0.02, 2)
    assert found.specificity_loss == Limits().specificity_loss


@pytest.mark.parametrize("text", ["", "=", "0.1", "sensitivity_loss", "sensitivity_loss=", "sensitivity_loss=a", "=1"])
def test_what_is_no_pair_is_refused(text: str) -> None:
    with pytest.raises(UsageError):
        parsed_limits([text])


@pytest.mark.parametrize("text", ["luck=1", "sensitivity_loss=nan", "sensitivity_loss=inf", "melanomas_lost=1.5"])
def test_unknown_names_and_impossible_values_are_refused(text: str) -> None:
    with pytest.raises(UsageError, match=r"limits"):
        parsed_limits([text])
