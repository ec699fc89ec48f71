"""Every tampering of the table is found, by what the table says and by nothing before it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tamper import TAMPERINGS, By, Tampering

from melanoma_edge.bundle import open_bundle, verify
from melanoma_edge.bundle.container import zip_bytes
from melanoma_edge.errors import TrustError


def named(by: By) -> Any:
    chosen = [one for one in TAMPERINGS if one.by is by]
    return pytest.mark.parametrize("tampering", chosen, ids=lambda one: one.name)


@named(By.READING)
def test_reading_finds_it(files: dict[str, bytes], tmp_path: Path, tampering: Tampering) -> None:
    archive = tmp_path / "bundle.zip"
    archive.write_bytes(zip_bytes(tampering.spoil(files)))
    with pytest.raises(TrustError) as caught:
        open_bundle(archive)
    assert tampering.says in str(caught.value)
    assert caught.value.exit_code == 7


@named(By.GOLDEN)
def test_golden_vectors_find_it(files: dict[str, bytes], tampering: Tampering) -> None:
    bundle = verify(tampering.spoil(files), "bundle")
    with pytest.raises(TrustError) as caught:
        bundle.rehearse()
    assert tampering.says in str(caught.value)


@named(By.SIGNATURE)
def test_only_the_signature_finds_it(signed: dict[str, bytes], key: Any, tampering: Tampering) -> None:
    spoiled = tampering.spoil(signed)
    verify(spoiled, "bundle").rehearse()
    with pytest.raises(TrustError) as caught:
        verify(spoiled, "bundle", key.public_key())
    assert tampering.says in str(caught.value)


def test_a_signature_of_another_key_is_refused(signed: dict[str, bytes]) -> None:
    stranger = ec.generate_private_key(ec.SECP256R1()).public_key()
    with pytest.raises(TrustError, match="signed by someone else"):
        verify(signed, "bundle", stranger)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_byte_of_any_file_can_be_changed(files: dict[str, bytes], data: st.DataObject) -> None:
    name = data.draw(st.sampled_from([name for name in files if name != "manifest.json"]))
    place = data.draw(st.integers(0, len(files[name]) - 1))
    changed = bytearray(files[name])
    changed[place] ^= data.draw(st.integers(1, 255))
    with pytest.raises(TrustError, match=name):
        verify({**files, name: bytes(changed)}, "bundle")


def test_names_are_different_and_many() -> None:
    assert len({one.name for one in TAMPERINGS}) == len(TAMPERINGS) >= 60
