"""The model contract: all that must travel with weights so that nobody guesses."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import TrustError
from melanoma_edge.files import to_json
from melanoma_edge.safeguards import Safeguards, default_safeguards
from melanoma_edge.safeguards import problem as problem_of_safeguards
from melanoma_edge.strictjson import OPTIONAL, Mismatch, from_plain, to_plain

SCHEMA = "melanoma-edge/contract/1"

INTENDED_USE = (
    "Triage aid for a clinician looking at a dermoscopic image of a lesion already judged suspicious. "
    "Not a diagnosis, not screening, not for consumer photos."
)
LEAKY_USE = (
    "LEAKY split: trained to compare with published numbers that were measured the same way, never for use on people."
)
SYNTHETIC_USE = "Trained on synthetic images: for tests and demonstrations only, never for use on people."

Floats = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class PixelRecipe:
    """Name every step from a file to ``uint8 [N, N, 3]``; ``pixels.py`` is the one implementation in Python."""

    version: int = 1
    orientation: str = "exif"
    colour: str = "srgb"
    channels: str = "rgb"
    crop: str = "centre-square"
    resize: str = "pillow-bilinear"


@dataclass(frozen=True)
class OperatingPoint:
    """Hold the threshold frozen on validation, and what it can claim.

    ``certified`` is true when so few validation positives fell below the threshold that the target
    sensitivity holds with one-sided 95 % confidence (binomial tolerance bound); never of a leaky split.
    """

    threshold: float
    target_sensitivity: float
    positives: int
    misses: int
    certified: bool


@dataclass(frozen=True)
class Provenance:
    """Say where weights come from, by hash. ``method`` is train, prune, thin or quantize.

    ``leaky`` is true where images of one lesion stood on both sides of the split: what was measured means nothing.
    """

    tool: str
    method: str
    sources: tuple[str, ...]
    licences: tuple[str, ...]
    synthetic: bool
    catalog_sha256: str
    weights_sha256: str
    reference_sha256: str
    leaky: bool = field(default=False, metadata=OPTIONAL)


def stamp(provenance: Provenance) -> str:
    """Return what must stand beside every number of such a model, or nothing."""
    leaky, synthetic = provenance.leaky, provenance.synthetic
    return ", ".join(text for text, holds in (("LEAKY split", leaky), ("synthetic images", synthetic)) if holds)


@dataclass(frozen=True)
class ModelContract:
    """State what a model takes, what it answers and how the answer becomes a decision.

    ``classes`` is the order of the outputs. The target score is the sum of the probabilities of
    ``target_classes``; ``melanoma_classes`` or ``malignant_classes`` are empty where the labels do not know them.
    ``class_prior`` is the class mixture under which the probabilities are calibrated. The graph takes raw
    pixel values in ``input_range``; the temperature is inside the graph and stands here for the record.
    ``safeguards`` stand here where they were derived from training data.
    """

    schema: str
    name: str
    classes: tuple[str, ...]
    target: str
    target_classes: tuple[str, ...]
    melanoma_classes: tuple[str, ...]
    malignant_classes: tuple[str, ...]
    class_prior: tuple[float, ...]
    input_size: int
    input_range: tuple[int, int]
    image_types: tuple[str, ...]
    pixels: PixelRecipe
    temperature: float
    operating_point: OperatingPoint
    intended_use: str
    provenance: Provenance
    safeguards: Safeguards | None = field(default=None, metadata=OPTIONAL)

    def __post_init__(self) -> None:
        problem = _problem(self)
        if problem:
            raise Mismatch(problem)

    def to_json(self) -> str:
        """Return the contract as JSON; ``from_json`` gives it back byte for byte."""
        return to_json(to_plain(self))

    @classmethod
    def from_json(cls, text: str, where: str = "contract") -> ModelContract:
        """Read a contract.

        Raises:
            TrustError: for broken JSON, another schema version, unknown or missing keys, or contradictions.
        """
        try:
            document = json.loads(text)
        except (ValueError, RecursionError) as error:
            raise TrustError(f"contract is not JSON: {error}", where=where, fix=_REMAKE) from error
        return cls.from_document(document, where)

    @classmethod
    def from_document(cls, document: Any, where: str = "contract") -> ModelContract:
        """Read a contract from parsed JSON; raises as ``from_json``."""
        check_schema(document, SCHEMA, where)
        try:
            return from_plain(cls, document, "contract")
        except Mismatch as error:
            raise TrustError(f"contract does not fit its schema: {error}", where=where, fix=_REMAKE) from error

    @property
    def sha256(self) -> str:
        """The sha256 of the contract's JSON."""
        return hashlib.sha256(self.to_json().encode()).hexdigest()

    @property
    def threshold(self) -> float:
        """The frozen operating threshold on the target score."""
        return self.operating_point.threshold

    @property
    def target_columns(self) -> tuple[int, ...]:
        """The columns whose probabilities sum to the target score."""
        return tuple(self.classes.index(name) for name in self.target_classes)

    @property
    def effective_safeguards(self) -> Safeguards:
        """The model's own limits, else the defaults."""
        return self.safeguards or default_safeguards(self.input_size)

    def target_score(self, probabilities: Floats) -> Floats:
        """Return the target score, float64 ``[...]``, of probabilities ``[..., classes]``."""
        return self._sum(probabilities, self.target_classes)

    def melanoma_score(self, probabilities: Floats) -> Floats | None:
        """Return the melanoma score of probabilities ``[..., classes]``, or None where no class is melanoma."""
        return self._sum(probabilities, self.melanoma_classes) if self.melanoma_classes else None

    def malignant_score(self, probabilities: Floats) -> Floats | None:
        """Return the malignancy score of probabilities ``[..., classes]``, or None where no class is malignant."""
        return self._sum(probabilities, self.malignant_classes) if self.malignant_classes else None

    def agreement(self, before: Floats, after: Floats) -> dict[str, float]:
        """Compare two models' probabilities ``[n, classes]`` of the same images; no label is needed.

        Returns:
            ``class_agreement`` and ``decision_agreement``, shares of images with one predicted class and one decision
            at the frozen threshold, and ``mean_score_change``, the mean size of the target score's change.
        """
        scores = self.target_score(before), self.target_score(after)
        decisions = [score >= self.threshold for score in scores]
        return {
            "class_agreement": float((before.argmax(axis=1) == after.argmax(axis=1)).mean()),
            "decision_agreement": float((decisions[0] == decisions[1]).mean()),
            "mean_score_change": float(np.abs(scores[0] - scores[1]).mean()),
        }

    def _sum(self, probabilities: Floats, names: tuple[str, ...]) -> Floats:
        """Add one class after the other, so that every language gets the same bits."""
        values = np.asarray(probabilities, np.float64)
        total = np.zeros(values.shape[:-1])
        for name in names:
            total = total + values[..., self.classes.index(name)]
        return np.asarray(total)


_REMAKE = "export the run again with this version of melanoma-edge"
_NUMBER = re.compile("[0-9]{1,9}")


def check_schema(document: Any, wanted: str, where: str) -> None:
    """Raise ``TrustError`` unless ``document["schema"]`` is ``wanted``; say so when it is from a newer version."""
    found = document.get("schema") if isinstance(document, dict) else None
    if found == wanted:
        return
    kind, _, version = str(found).rpartition("/")
    newer = (
        kind == wanted.rpartition("/")[0]
        and _NUMBER.fullmatch(version)
        and int(version) > int(wanted.rpartition("/")[2])
    )
    fix = "upgrade melanoma-edge" if newer else f"give a file whose schema is {wanted}"
    raise TrustError(
        f"{'newer ' if newer else ''}schema {found!r}, but this version reads {wanted!r}", where=where, fix=fix
    )


def read_contract(path: Path) -> ModelContract:
    """Read ``contract.json``.

    Raises:
        TrustError: when it is missing or does not fit its schema.
    """
    try:
        return ModelContract.from_json(path.read_text("utf-8"), str(path))
    except (FileNotFoundError, UnicodeDecodeError) as error:
        raise TrustError("contract missing or not text", where=str(path), fix=_REMAKE) from error


def _problem(contract: ModelContract) -> str:
    classes = contract.classes
    parts = (contract.target_classes, contract.melanoma_classes, contract.malignant_classes)
    point = contract.operating_point
    checks = {
        "classes must be two or more different names": len(set(classes)) == len(classes) >= 2,
        "target, melanoma and malignant classes must be among classes, each once": all(
            set(part) <= set(classes) and len(set(part)) == len(part) for part in parts
        ),
        "target_classes must not be empty or everything": 0 < len(set(contract.target_classes)) < len(classes),
        "class_prior must be one share per class, summing to 1": len(contract.class_prior) == len(classes)
        and min(contract.class_prior) >= 0
        and abs(sum(contract.class_prior) - 1) < 1e-6,
        "input_size must be positive": contract.input_size > 0,
        "input_range must be 0 and 255": contract.input_range == (0, 255),
        "pixel recipe is not one this version knows": contract.pixels == PixelRecipe(),
        "temperature must be positive": 0 < contract.temperature < float("inf"),
        "threshold must lie between 0 and 1": 0 <= point.threshold <= 1,
        "target sensitivity must lie between 0 and 1": 0 <= point.target_sensitivity <= 1,
        "misses must not be more than positives": 0 <= point.misses <= point.positives,
    }
    messages = [message for message, holds in checks.items() if not holds]
    if contract.safeguards and (wrong := problem_of_safeguards(contract.safeguards, point.threshold)):
        messages.append(wrong)
    return "; ".join(messages)
