"""The rejection document: what is not answered of photos, by run, split and model."""

from __future__ import annotations

from dataclasses import dataclass, field

from melanoma_edge.evaluation.conformal import ConformalSets
from melanoma_edge.evaluation.intervals import Estimate
from melanoma_edge.evaluation.separation import RiskCoverage, Separation
from melanoma_edge.evidence.photo_quality import Fault, Refused
from melanoma_edge.evidence.side_by_side import FileNote, Header
from melanoma_edge.safeguards import QualityLimits
from melanoma_edge.strictjson import ADDED_LATER

SCHEMA = "melanoma-edge/rejection/1"
COUNTED = (
    "Images are counted, not lesions, since each photo is answered by itself. Where a lesion has several, they are not "
    "independent: intervals are then too narrow, and the share that the limit of strangeness lets pass is less "
    "certain. Sets alone are of lesions."
)


@dataclass(frozen=True)
class OutlierNote:
    """Describe limits of strangeness without their numbers, of which there are thousands."""

    directions: int
    features: int
    limit: float


@dataclass(frozen=True)
class LimitsNote:
    """Say which limits were measured; ``outlier_from`` is None where there are none."""

    quality: QualityLimits
    outlier_from: str | None
    outlier: OutlierNote | None
    uncertain_from: float | None


@dataclass(frozen=True)
class OtherPhotos:
    """Hold what the quality gate alone refuses of pictures that are no lesions."""

    name: str
    images: int
    unreadable: int
    refused: int
    share: Estimate | None


@dataclass(frozen=True)
class QualityFound:
    """Hold what the quality gate does to photos of each split, to spoiled ones of test, and to other pictures."""

    splits: tuple[Refused, ...]
    faults: tuple[Fault, ...]
    others: tuple[OtherPhotos, ...]


@dataclass(frozen=True)
class Accepted:
    """Hold the share of images within the limit of strangeness."""

    name: str
    images: int
    share: Estimate | None


@dataclass(frozen=True)
class Strange:
    """Hold how pictures that are no lesions are told from the test split.

    ``refused`` is at the limit, by distance alone; the separations say what each score could do at best: ``distance``
    of the embedding, and for comparison ``energy``, the negative log-sum of the powers of the logits (W. Liu and
    others, Energy-based Out-of-distribution Detection, NeurIPS 2020), which needs no limit of its own.
    """

    name: str
    images: int
    refused: Estimate | None
    distance: Separation
    energy: Separation


@dataclass(frozen=True)
class OutlierFound:
    """Hold what the limit of strangeness does: to the splits, to each class of test, and to other pictures."""

    accepted: tuple[Accepted, ...]
    per_class: tuple[Accepted, ...]
    others: tuple[Strange, ...]


@dataclass(frozen=True)
class Told:
    """Count photos by what a user is told of them."""

    name: str
    images: int
    retake: int
    not_assessable: int
    refer: int
    refer_uncertain: int
    no_sign: int


@dataclass(frozen=True)
class Count:
    """Count photos, and those of the target among them."""

    images: int
    targets: int


@dataclass(frozen=True)
class ModelRejection:
    """Hold what one model leaves unanswered. ``outlier`` is None for a file that answers no embedding.

    ``flow`` follows the photos of test as STARD asks: received, and each state that a user may be told.
    """

    name: str
    artifact: FileNote | None
    outlier: OutlierFound | None
    answers: tuple[Told, ...]
    flow: dict[str, Count]
    conformal: ConformalSets
    risk_coverage: RiskCoverage


@dataclass(frozen=True)
class Rejection(Header):
    """Hold ``report/rejection.json``; ``counted`` says what of: photos, but for the sets."""

    limits: LimitsNote
    quality: QualityFound
    models: tuple[ModelRejection, ...]
    counted: str = field(default=COUNTED, metadata=ADDED_LATER)
