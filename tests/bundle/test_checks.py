"""Checks that no bundle of the toy run comes to; what the others find is in ``test_tampered.py``."""

from __future__ import annotations

from dataclasses import replace

import pytest

from melanoma_edge.bundle import verify
from melanoma_edge.bundle.checks import check_contract
from melanoma_edge.errors import TrustError


def test_safeguards_of_the_contract_are_those_of_the_manifest(files: dict[str, bytes]) -> None:
    bundle = verify(files, "bundle")
    own = bundle.contract.effective_safeguards
    carrying = {**files, "contract.json": replace(bundle.contract, safeguards=own).to_json().encode()}
    assert check_contract(bundle.manifest, carrying, "bundle").safeguards == own
    weaker = replace(own, quality=replace(own.quality, smallest_side=1))
    with pytest.raises(TrustError, match=r"safeguards is .* does not fit"):
        check_contract(replace(bundle.manifest, safeguards=weaker), carrying, "bundle")
