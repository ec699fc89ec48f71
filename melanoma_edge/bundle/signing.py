"""Signatures of manifests: ECDSA on P-256 over SHA-256, which every Android version checks as ``SHA256withECDSA``."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from melanoma_edge.errors import TrustError, machine_errors
from melanoma_edge.files import refuse_overwrite, write_bytes, written

_MAKE = "make one with `melanoma-edge bundle --new-key key.pem`"


def public_path(key: Path) -> Path:
    """Return where the public half of a new key stands."""
    return key.with_name(f"{key.name.removesuffix('.pem')}.pub.pem")


def new_key(path: Path) -> Path:
    """Write a private key, readable for its owner alone, and its public half beside it; return the latter's path.

    Raises:
        UsageError: when one of them exists.
        MachineError: when they cannot be written.
    """
    public = public_path(path)
    refuse_overwrite([path, public], force=False)
    key = ec.generate_private_key(ec.SECP256R1())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    with written(path) as temporary:
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "wb") as stream:
            stream.write(secret)
    write_bytes(public, key.public_key().public_bytes(pem, serialization.PublicFormat.SubjectPublicKeyInfo))
    return public


def read_private(path: Path) -> ec.EllipticCurvePrivateKey:
    """Read a private key.

    Raises:
        TrustError: when it is missing, damaged, locked with a password, or of another kind.
        MachineError: when it may not be read.
    """
    data = _read(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise TrustError(f"not a private key without password: {error}", where=str(path), fix=_MAKE) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TrustError("not a key on the curve P-256", where=str(path), fix=_MAKE)
    return key


def read_public(path: Path) -> ec.EllipticCurvePublicKey:
    """Read a public key; raises as ``read_private``."""
    data = _read(path)
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        fix = "give the .pub.pem that stands beside the private key"
        raise TrustError(f"not a public key: {error}", where=str(path), fix=fix) from error
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise TrustError("not a key on the curve P-256", where=str(path), fix=_MAKE)
    return key


def sign(data: bytes, key: ec.EllipticCurvePrivateKey) -> bytes:
    """Return the signature in DER; the same data and key give the same bytes (RFC 6979)."""
    return key.sign(data, ec.ECDSA(hashes.SHA256(), deterministic_signing=True))


def is_signed(data: bytes, signature: bytes, key: ec.EllipticCurvePublicKey) -> bool:
    """Tell whether the holder of the key's private half signed exactly these bytes."""
    try:
        key.verify(signature, data, ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        return False
    return True


def _read(path: Path) -> bytes:
    with machine_errors(f"reading {path.name}"):
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise TrustError("key missing", where=str(path), fix=_MAKE) from error
