"""A threshold re-chosen on a site's own labelled images: an addition to a contract, recorded and signed, never an edit.

The document names the contract by hash. Whoever applies it gets another threshold and is told so in every answer; the
model, its contract and everything that was proved about it stay what they are.
"""

from __future__ import annotations

import hashlib
import math
import os
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from melanoma_edge.bundle.documents import read
from melanoma_edge.contract import ModelContract, OperatingPoint
from melanoma_edge.errors import TrustError, machine_errors
from melanoma_edge.evaluation.intervals import Estimate, wilson
from melanoma_edge.evaluation.operating_point import claim, to_keep

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

SCHEMA = "melanoma-edge/recalibration/1"
_AGAIN = "make it again with `melanoma-edge recalibrate`"


@dataclass(frozen=True)
class Site:
    """Describe a site's images: the sha256 of their catalog, and counts; ``left_out`` is by reason, in images."""

    sha256: str
    sources: tuple[str, ...]
    images: int
    lesions: int
    positives: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class PointAtSite:
    """Hold a threshold and what it reaches on the site's lesions, with 95 % Wilson intervals.

    Of the new threshold these are of the lesions that it was chosen on, so its sensitivity is not a test of it.
    """

    threshold: float
    sensitivity: Estimate | None
    specificity: Estimate | None


@dataclass(frozen=True)
class Recalibration:
    """Hold a recalibration; ``artifact_sha256`` is None where the float model was run, ``date`` where none was given.

    ``sentence`` says what the number of positives certifies.
    """

    schema: str
    name: str
    contract_sha256: str
    weights_sha256: str
    artifact_sha256: str | None
    runtime: str
    target: str
    target_sensitivity: float
    date: str | None
    site: Site
    before: PointAtSite
    after: PointAtSite
    misses: int
    certified: bool
    sentence: str

    @property
    def raised(self) -> bool:
        """Whether the new threshold is higher than the contract's, and so refers fewer lesions."""
        return self.after.threshold > self.before.threshold

    @property
    def scored(self) -> str:
        """Whose scores the threshold was chosen on, in words."""
        return f"the file {self.artifact_sha256[:12]}" if self.artifact_sha256 else "the float model"


@dataclass(frozen=True)
class Applied:
    """Hold a recalibration that was read, and the sha256 of its file.

    ``signed`` says that a signature of it was checked, ``unchecked`` that one lies beside it and was not.
    """

    document: Recalibration
    sha256: str
    signed: bool = False
    unchecked: bool = False

    def to(
        self, contract: ModelContract, contract_sha256: str, artifact_sha256: str | None, where: str
    ) -> ModelContract:
        """Return a contract with the new threshold.

        A limit of doubt at or above it falls away: what lies there is now referred without doubt.

        Args:
            contract: of the model at hand.
            contract_sha256: of it as it was exported.
            artifact_sha256: of the exported file at hand; None for a float model.
            where: the model, for messages.

        Raises:
            TrustError: when the recalibration is of another contract, or of the scores of another file: each has its
                own scores, and a threshold for one certifies nothing of another.
        """
        made = self.document
        own = (contract_sha256, contract.provenance.weights_sha256, contract.target, contract.threshold)
        if own != (made.contract_sha256, made.weights_sha256, made.target, made.before.threshold):
            what = "the recalibration is of another contract than this model's"
            raise TrustError(what, where=where, fix="recalibrate this model")
        if made.artifact_sha256 != artifact_sha256:
            what = f"the recalibration is of scores of {made.scored}, not of this model's"
            raise TrustError(what, where=where, fix=f"melanoma-edge recalibrate {where} --data FOLDER")
        threshold = made.after.threshold
        safeguards = contract.safeguards
        if safeguards and safeguards.uncertain_from is not None and safeguards.uncertain_from >= threshold:
            safeguards = replace(safeguards, uncertain_from=None)
        point = replace(contract.operating_point, threshold=threshold)
        return replace(contract, operating_point=point, safeguards=safeguards)

    def in_words(self) -> str:
        """Say what must stand with every answer."""
        made, site = self.document, self.document.site
        higher = "; it is HIGHER, so fewer lesions are referred" if made.raised else ""
        certified = "certified" if made.certified else "NOT certified"
        unsigned = "signed, but not checked: give --recalibration-key" if self.unchecked else "not signed"
        return (
            f"recalibrated: threshold {made.after.threshold:.6f} of a site ({site.positives} {made.target} of "
            f"{site.lesions} lesions, {certified} for {made.target_sensitivity:.0%} sensitivity; "
            f"recalibration {self.sha256[:12]}, {'signed' if self.signed else unsigned}) instead of "
            f"the contract's {made.before.threshold:.6f}{higher}"
        )


def signature_path(path: Path) -> Path:
    """Return where the signature of a recalibration stands."""
    return path.with_name(f"{path.name}.sig")


def read_recalibration(path: Path, key: EllipticCurvePublicKey | None = None) -> Applied:
    """Read a recalibration.

    Args:
        path: of the document; its signature lies beside it.
        key: whose holder must have signed it; without one a signature is not checked.

    Raises:
        TrustError: when it is missing, damaged, contradicts itself, or is not signed by the holder of the key.
    """
    data = _bytes(path, "recalibration missing")
    if key:
        from melanoma_edge.bundle.signing import is_signed

        signature = _bytes(signature_path(path), "recalibration is not signed")
        if not is_signed(data, signature, key):
            what = "signature is not of this recalibration and this key: it was changed, or signed by someone else"
            raise TrustError(what, where=str(path), fix="get it again from where it came")
    found = read(Recalibration, data, SCHEMA, str(path))
    if not _sound(found):
        raise TrustError("the recalibration contradicts itself", where=str(path), fix=_AGAIN)
    beside = os.path.lexists(signature_path(path))
    return Applied(found, hashlib.sha256(data).hexdigest(), bool(key), beside and not key)


def _sound(found: Recalibration) -> bool:
    """Tell whether what a recalibration claims is what its own numbers say."""
    site, wanted = found.site, found.target_sensitivity
    counted = 0 <= found.misses < site.positives <= site.lesions <= site.images
    if not counted or not 0 < wanted < 1 or not 0 <= found.after.threshold <= 1:
        return False
    if not _moved_alike(found.before, found.after):
        return False
    point = OperatingPoint(found.after.threshold, wanted, site.positives, found.misses, found.certified)
    kept = site.positives - found.misses
    least, certified = to_keep(site.positives, wanted)
    reached = (kept >= least, found.certified == certified, found.sentence == in_words(point, found.target))
    return all(reached) and _near(found.after.sensitivity, wilson(kept, site.positives))


def _moved_alike(before: PointAtSite, after: PointAtSite) -> bool:
    """Tell whether what two thresholds reach on the same lesions differs in their order, if it differs at all."""
    low, high = sorted((before, after), key=lambda point: point.threshold)
    pairs = ((low.sensitivity, high.sensitivity), (high.specificity, low.specificity))
    if before.threshold == after.threshold:
        return before == after
    return all((more is None) == (less is None) for more, less in pairs) and all(
        more.value >= less.value for more, less in pairs if more and less
    )


def _near(found: Estimate | None, made: Estimate) -> bool:
    return found is not None and all(
        math.isclose(one, other, abs_tol=1e-9) for one, other in zip(astuple(found), astuple(made), strict=True)
    )


def in_words(point: OperatingPoint, target: str) -> str:
    """Say what a threshold that was chosen on a site's lesions proves."""
    return claim(point, target).replace("the validation split", "the site")


def _bytes(path: Path, missing: str) -> bytes:
    with machine_errors(f"reading {path.name}"):
        try:
            return path.read_bytes()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
            raise TrustError(missing, where=str(path), fix=_AGAIN) from error
