"""The document inside every exported file: what it is, its contract, and a seal over the whole file.

The document is one line of ASCII JSON that begins with ``MARKER`` and ends with the seal, so that it is found in a
``.tflite``, ``.onnx`` or ``.ort`` file by a plain search, without knowing any format. The seal is the sha256 of the
whole file with the seal's 64 digits replaced by zeros.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any

from melanoma_edge.contract import ModelContract, check_schema
from melanoma_edge.errors import TrustError, machine_errors
from melanoma_edge.runtime.base import CAM, EMBEDDING, OUTPUT
from melanoma_edge.strictjson import ADDED_LATER, Mismatch, from_plain, to_plain

SCHEMA = "melanoma-edge/artifact/1"
FORMATS = {".tflite": "tflite", ".onnx": "onnx", ".ort": "ort"}
FREE = -1
"""The batch size of an output whose file takes any number of images."""
_MARKER = b'{"schema": "melanoma-edge/artifact/'
_UNSEALED = "0" * 64
_TAIL = len('"}')
_AGAIN = "export the run again or copy the file again from where it came"
_MEANINGS = {
    OUTPUT: "softmax over the contract's classes, temperature applied",
    EMBEDDING: "features of the last layer, averaged over the image: what the classifier head takes",
    CAM: "the classifier head, temperature applied, at every place of the last feature map: the softmax of the mean "
    "over height and width is probabilities",
}


def needed(contract: ModelContract) -> tuple[str, ...]:
    """Return the further outputs without which a model may not be asked: of what its limits of strangeness are."""
    return (EMBEDDING,) if contract.effective_safeguards.outlier else ()


@dataclass(frozen=True)
class CalibrationNote:
    """Say which images an artifact's ranges come from: how many of each class, and one hash over all of them."""

    images: int
    seed: int
    sha256: str
    class_counts: dict[str, int]


@dataclass(frozen=True)
class OutputNote:
    """Describe one float32 output of a file; the first side of ``shape`` is the batch, ``FREE`` where it is free."""

    name: str
    shape: tuple[int, ...]
    meaning: str


@dataclass(frozen=True)
class ArtifactRecord:
    """Describe an exported file whose seal was found intact.

    ``rounding`` says how weights got onto the int8 grid, where they did; ``kept`` which layers of an int8 file are not
    int8, and what instead. ``sha256`` is the hash of the file as it lies on disk; ``seal`` is the one inside it.
    """

    path: Path
    format: str
    precision: str
    contract: ModelContract
    calibration: CalibrationNote | None
    outputs: tuple[OutputNote, ...]
    rounding: str | None
    kept: dict[str, str]
    seal: str
    sha256: str
    bytes: int

    @property
    def extras(self) -> tuple[str, ...]:
        """The names of the outputs beside the probabilities."""
        return tuple(note.name for note in self.outputs if note.name != OUTPUT)


@dataclass(frozen=True)
class _Document:
    schema: str
    format: str
    precision: str
    contract: dict[str, Any]
    calibration: CalibrationNote | None
    outputs: tuple[OutputNote, ...] | None = field(default=None, kw_only=True, metadata=ADDED_LATER)
    rounding: str | None = field(default=None, kw_only=True, metadata=ADDED_LATER)
    kept: dict[str, str] = field(default_factory=dict, kw_only=True, metadata=ADDED_LATER)
    sha256: str


def unsealed_document(
    format_name: str,
    precision: str,
    contract: ModelContract,
    calibration: CalibrationNote | None,
    outputs: Mapping[str, tuple[int, ...]] | None = None,
    rounding: str | None = None,
    kept: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """Return the document to embed, with zeros where ``seal`` will write the hash.

    Args:
        format_name: one of the values of ``FORMATS``.
        precision: its name.
        contract: the model's.
        calibration: where the ranges of int8 come from.
        outputs: shapes by name, in the file's order; by default the probabilities of one image alone.
        rounding: how weights got onto the int8 grid.
        kept: layers of an int8 file that are not int8, and what instead.
    """
    document = _Document(
        SCHEMA,
        format_name,
        precision,
        to_plain(contract),
        calibration,
        _UNSEALED,
        outputs=_notes(outputs, contract),
        rounding=rounding,
        kept={name: str(kind) for name, kind in kept.items()},
    )
    return json.dumps(to_plain(document), allow_nan=False, separators=(",", ": "))


def _notes(outputs: Mapping[str, tuple[int, ...]] | None, contract: ModelContract) -> tuple[OutputNote, ...]:
    shapes = outputs or {OUTPUT: (1, len(contract.classes))}
    return tuple(OutputNote(name, shape, _MEANINGS[name]) for name, shape in shapes.items())


def seal(data: bytes) -> bytes:
    """Return the file's bytes with the hash of the whole written into its document.

    Raises:
        TrustError: when the bytes hold no document, or more than one.
    """
    _, place = _find_document(data, "data to seal")
    zeroed = _with_digits(data, place, _UNSEALED)
    return _with_digits(data, place, hashlib.sha256(zeroed).hexdigest())


def read_record(path: Path) -> ArtifactRecord:
    """Read the document of an exported file and check the seal.

    Raises:
        TrustError: when the file is missing, holds no document, was changed in any byte, or its schema is newer.
        MachineError: when it may not be read.
    """
    return read_artifact(path)[0]


def read_artifact(path: Path) -> tuple[ArtifactRecord, bytes]:
    """Read an exported file once and return its record with the bytes that were checked; raises as ``read_record``."""
    data = _read(path)
    return check_artifact(data, path), data


def check_artifact(data: bytes, path: Path) -> ArtifactRecord:
    """Return the record of an exported file's bytes.

    Args:
        data: the whole file.
        path: its name, for messages and its format.

    Raises:
        TrustError: as ``read_record``.
    """
    where = str(path)
    plain, place = _find_document(data, where)
    check_schema(plain, SCHEMA, where)
    try:
        document = from_plain(_Document, plain, "artifact")
    except Mismatch as error:
        raise TrustError(f"artifact does not fit its schema: {error}", where=where, fix=_AGAIN) from error
    if hashlib.sha256(_with_digits(data, place, _UNSEALED)).hexdigest() != document.sha256:
        raise TrustError("artifact was changed or damaged: its seal does not match", where=where, fix=_AGAIN)
    if FORMATS.get(path.suffix, document.format) != document.format:
        raise TrustError(f"file name says {path.suffix}, content says {document.format}", where=where, fix=_AGAIN)
    contract = ModelContract.from_document(document.contract, where)
    return ArtifactRecord(
        path=path,
        format=document.format,
        precision=document.precision,
        contract=contract,
        calibration=document.calibration,
        outputs=document.outputs or _notes(None, contract),
        rounding=document.rounding,
        kept=document.kept,
        seal=document.sha256,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
    )


def _read(path: Path) -> bytes:
    try:
        with machine_errors(f"reading {path.name}"):
            return path.read_bytes()
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise TrustError("artifact missing", where=str(path), fix="give the path of an exported file") from error


def _find_document(data: bytes, where: str) -> tuple[Any, int]:
    """Return the parsed document and the position of its seal's first digit."""
    start = data.find(_MARKER)
    if start < 0:
        fix = "give a file written by `melanoma-edge export`"
        raise TrustError("no contract inside: not a melanoma-edge artifact, or cut off", where=where, fix=fix)
    if data.find(_MARKER, start + 1) >= 0:
        raise TrustError("two contracts inside: the file was tampered with", where=where, fix=_AGAIN)
    try:
        document, length = json.JSONDecoder().raw_decode(data[start:].decode("latin-1"))
    except (ValueError, RecursionError) as error:
        raise TrustError("the contract inside is damaged", where=where, fix=_AGAIN) from error
    return document, start + length - _TAIL - len(_UNSEALED)


def _with_digits(data: bytes, place: int, digits: str) -> bytes:
    return data[:place] + digits.encode() + data[place + len(digits) :]
