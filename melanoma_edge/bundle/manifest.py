"""The manifest: every file of a bundle by hash, and the chain from the images to the files that a phone runs."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

from melanoma_edge.bundle.container import Files
from melanoma_edge.contract import ModelContract
from melanoma_edge.safeguards import Safeguards

SCHEMA = "melanoma-edge/bundle/1"
MANIFEST, SIGNATURE, CONTRACT, CARD, GOLDEN = (
    "manifest.json",
    "manifest.sig",
    "contract.json",
    "model_card.md",
    "golden/golden.json",
)
MODELS = {"tflite": "model.tflite", "onnx": "model.onnx"}
"""Names of the models by format; the first is in every bundle."""
PARITY = {form: f"parity/{form}.json" for form in MODELS}
LAST_RELEASE = 2**31 - 1


@dataclass(frozen=True)
class Model:
    """Name one model of the bundle."""

    path: str
    precision: str
    sha256: str
    bytes: int


@dataclass(frozen=True)
class Listed:
    """State what one file of the bundle is, to the byte."""

    sha256: str
    bytes: int


@dataclass(frozen=True)
class Manifest:
    """Hold ``manifest.json``.

    ``verdict`` is the worst of the models'; ``limits_changed`` says that some were judged at limits that are not the
    usual ones. ``lesions`` and ``melanomas`` count what they were judged on. ``chain`` names by hash what each file was
    made from; its ``sha256`` is that of the others. ``files`` lists everything but the manifest and its signature.
    """

    schema: str
    name: str
    release: int
    tool: str
    synthetic: bool
    target: str
    verdict: str
    limits_changed: bool
    lesions: int
    melanomas: int
    artifacts: dict[str, Model]
    safeguards: Safeguards
    chain: dict[str, str]
    files: dict[str, Listed]


def listed(files: Files) -> dict[str, Listed]:
    """Return the entries of ``Manifest.files``, in order of names."""
    return {
        name: Listed(sha256(files[name]), len(files[name]))
        for name in sorted(files)
        if name not in (MANIFEST, SIGNATURE)
    }


def chain(contract: ModelContract, files: Files) -> dict[str, str]:
    """Return what the files were made from, by hash, and the hash of it all."""
    links = {name: getattr(contract.provenance, f"{name}_sha256") for name in ("catalog", "weights", "reference")}
    links["contract"] = sha256(files[CONTRACT])
    for form, model in MODELS.items():
        if model in files:
            links |= {form: sha256(files[model]), f"parity_{form}": sha256(files[PARITY[form]])}
    return {**links, "sha256": _hash_of(links)}


def sha256(data: bytes) -> str:
    """Return the sha256 of bytes as 64 hexadecimal digits."""
    return hashlib.sha256(data).hexdigest()


def _hash_of(links: Mapping[str, str]) -> str:
    return sha256("".join(f"{name} {digest}\n" for name, digest in links.items()).encode())
