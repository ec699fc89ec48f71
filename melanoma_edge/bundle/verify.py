"""Reading a bundle: whatever is used of it stood every check before, here and on a phone alike."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.bundle.checks import check_contract, check_golden, check_listing, check_models, check_parity
from melanoma_edge.bundle.container import Files, read_files
from melanoma_edge.bundle.documents import REMAKE, read
from melanoma_edge.bundle.golden import Golden, Judge, rehearse, runners
from melanoma_edge.bundle.manifest import MANIFEST, SCHEMA, SIGNATURE, Manifest, sha256
from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import TrustError
from melanoma_edge.progress import Progress, silent
from melanoma_edge.runtime import Runner, run_artifact
from melanoma_edge.runtime.artifact import ArtifactRecord

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey


@dataclass(frozen=True, eq=False)
class Bundle:
    """Hold a bundle whose files are what its manifest says, and fit each other.

    ``sha256`` is the manifest's, and with it the bundle's. ``trusted`` says that it was signed by the holder of the key
    that was given; a signature that nobody checked proves nothing.
    """

    where: str
    files: Files
    manifest: Manifest
    contract: ModelContract
    records: Mapping[str, ArtifactRecord]
    parity: Mapping[str, Any]
    golden: Golden
    trusted: bool

    @property
    def sha256(self) -> str:
        """The sha256 of the manifest."""
        return sha256(self.files[MANIFEST])

    @property
    def signed(self) -> bool:
        """Whether a signature is there, good or not."""
        return SIGNATURE in self.files

    def runner(self, threads: int | None = None) -> Runner:
        """Open its TFLite model, whose contract bears the bundle's safeguards; raises as ``runtime.open_model``."""
        record = self.records["tflite"]
        contract = replace(self.contract, safeguards=self.manifest.safeguards)
        return run_artifact(replace(record, contract=contract), self.files[record.path.name], threads)

    def rehearse(self, progress: Progress = silent) -> None:
        """Run its golden vectors in every runtime of this machine.

        Raises:
            TrustError: at the first that comes out otherwise.
            MachineError: when a runtime is missing.
        """
        judge = Judge(self.contract, self.manifest.safeguards)
        with runners(self.records, self.files) as opened:
            rehearse(self.golden, self.files, judge, opened, self.where, progress)


def open_bundle(path: Path, key: EllipticCurvePublicKey | None = None) -> Bundle:
    """Read a bundle, folder or zip, and check everything but its golden vectors.

    Args:
        path: of the bundle.
        key: whose holder must have signed it; without one a signature is not looked at.

    Raises:
        TrustError: when it is missing, or at the first thing that is not as it must be.
        MachineError: when it may not be read.
    """
    return verify(read_files(path), str(path), key)


def verify(files: Files, where: str, key: EllipticCurvePublicKey | None = None) -> Bundle:
    """Check the files of a bundle; raises as ``open_bundle``."""
    if MANIFEST not in files:
        raise TrustError(f"no {MANIFEST}: not a bundle", where=where, fix="give what `melanoma-edge bundle` wrote")
    if key:
        _check_signature(files, where, key)
    manifest = read(Manifest, files[MANIFEST], SCHEMA, f"{where}/{MANIFEST}")
    check_listing(manifest, files, where)
    contract = check_contract(manifest, files, where)
    records = check_models(manifest, contract, files, where)
    parity = check_parity(manifest, contract, records, files, where)
    golden = check_golden(manifest, contract, files, where)
    return Bundle(where, files, manifest, contract, records, parity, golden, key is not None)


def _check_signature(files: Files, where: str, key: EllipticCurvePublicKey) -> None:
    from melanoma_edge.bundle.signing import is_signed

    if SIGNATURE not in files:
        raise TrustError("bundle is not signed", where=where, fix="get a signed one, or make it with --sign")
    if not is_signed(files[MANIFEST], files[SIGNATURE], key):
        what = "signature is not of this manifest and this key: the bundle was changed, or signed by someone else"
        raise TrustError(what, where=where, fix=REMAKE)
