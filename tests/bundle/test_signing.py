"""Keys and signatures."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from melanoma_edge.bundle.signing import is_signed, new_key, public_path, read_private, read_public, sign
from melanoma_edge.errors import TrustError, UsageError


def pem(key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> bytes:
    lock = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, lock)


def test_a_new_key_signs_what_its_public_half_confirms(tmp_path: Path) -> None:
    public = new_key(tmp_path / "key.pem")
    assert public == tmp_path / "key.pub.pem"
    signature = sign(b"manifest", read_private(tmp_path / "key.pem"))
    assert is_signed(b"manifest", signature, read_public(public))
    assert not is_signed(b"manifesto", signature, read_public(public))
    assert not is_signed(b"manifest", signature[:-1], read_public(public))


def test_the_same_words_and_key_give_the_same_signature(tmp_path: Path) -> None:
    new_key(tmp_path / "key.pem")
    key = read_private(tmp_path / "key.pem")
    assert sign(b"manifest", key) == sign(b"manifest", key)


def test_a_private_key_is_for_its_owner_alone(tmp_path: Path) -> None:
    new_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600
    assert public_path(tmp_path / "key").read_text().startswith("-----BEGIN PUBLIC KEY")


@pytest.mark.parametrize("there", ["key.pem", "key.pub.pem"])
def test_no_key_is_ever_overwritten(tmp_path: Path, there: str) -> None:
    (tmp_path / there).write_text("precious")
    with pytest.raises(UsageError, match="refusing to overwrite"):
        new_key(tmp_path / "key.pem")
    assert [path.read_text() for path in tmp_path.iterdir()] == ["precious"]


def test_what_is_no_key_on_p256_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    for data, says in (
        (b"text", "not a private key"),
        (pem(ec.generate_private_key(ec.SECP384R1())), "not a key on the curve P-256"),
        (pem(rsa.generate_private_key(65537, 2048)), "not a key on the curve P-256"),
        (pem(ec.generate_private_key(ec.SECP256R1()), b"secret"), "not a private key without password"),
    ):
        path.write_bytes(data)
        with pytest.raises(TrustError, match=says):
            read_private(path)
    with pytest.raises(TrustError, match="not a public key"):
        read_public(path)


def test_a_missing_key_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match="key missing"):
        read_private(tmp_path / "key.pem")
    with pytest.raises(TrustError, match="key missing"):
        read_public(tmp_path)


def test_openssl_confirms_a_signature(tmp_path: Path) -> None:
    """Nothing of ours is needed to check one."""
    public = new_key(tmp_path / "key.pem")
    (tmp_path / "manifest.json").write_text("manifest")
    (tmp_path / "manifest.sig").write_bytes(sign(b"manifest", read_private(tmp_path / "key.pem")))
    command = ["openssl", "dgst", "-sha256", "-verify", public.name, "-signature", "manifest.sig", "manifest.json"]
    try:
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("no openssl on this machine")
    assert done.stdout == "Verified OK\n", done.stderr
