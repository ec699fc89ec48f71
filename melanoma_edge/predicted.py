"""What is answered of an image, and of several images of one lesion together."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.decision import State, counts, decide_together, mean
from melanoma_edge.errors import named

SCHEMA = "melanoma-edge/prediction/1"
GROUP_SCHEMA = "melanoma-edge/prediction-group/1"


@dataclass(frozen=True)
class Prediction:
    """Answer one image.

    ``decision`` is one of ``decision.State``; what decided against a score stands in ``warnings`` in words.
    ``recalibration`` is the sha256 of the document whose threshold decided in place of the contract's, ``_certified``
    whether its lesions certify that, and ``_raised`` whether it is higher, so that fewer lesions are referred.
    """

    image: str
    artifact: str
    probabilities: dict[str, float]
    target_score: float
    melanoma_score: float | None
    malignant_score: float | None
    threshold: float
    decision: str
    quality: dict[str, int]
    warnings: tuple[str, ...]
    group: str | None = None
    recalibration: str | None = None
    recalibration_certified: bool | None = None
    recalibration_raised: bool | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --json``."""
        return _document(SCHEMA, self)


@dataclass(frozen=True)
class Unreadable:
    """Answer an image that could not be decoded."""

    image: str
    artifact: str
    error: str
    group: str | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --json``."""
        return _document(SCHEMA, self)


@dataclass(frozen=True)
class GroupPrediction:
    """Answer one lesion seen on several images.

    Attributes:
        images: those that count; probabilities and scores are the means over them, None where there is none.
        left_out: the others, each with the reason: ``retake``, ``not-assessable`` or ``unreadable``.
        decision: on the mean target score; where no image counts, ``retake`` or ``not-assessable``.
    """

    group: str
    artifact: str
    images: tuple[str, ...]
    left_out: dict[str, str]
    probabilities: dict[str, float] | None
    target_score: float | None
    melanoma_score: float | None
    malignant_score: float | None
    threshold: float
    decision: str
    warnings: tuple[str, ...]
    recalibration: str | None = None
    recalibration_certified: bool | None = None
    recalibration_raised: bool | None = None

    def to_document(self) -> dict[str, Any]:
        """Return the JSON object of ``predict --group-by --json``."""
        return _document(GROUP_SCHEMA, self)


def _document(schema: str, answer: Prediction | Unreadable | GroupPrediction) -> dict[str, Any]:
    """Return an answer as plain JSON; without a group or a recalibration there is no key for it."""
    rare = ("group", "recalibration", "recalibration_certified", "recalibration_raised")
    kept = {name: value for name, value in vars(answer).items() if name not in rare or value is not None}
    return {"schema": schema} | {name: list(v) if isinstance(v, tuple) else v for name, v in kept.items()}


def together(group: str, answers: Sequence[Prediction | Unreadable], contract: ModelContract) -> GroupPrediction:
    """Answer a lesion by the mean over those of its images that count.

    Args:
        group: names the lesion.
        answers: of its images by one model, one or more.
        contract: whose threshold and limit of doubt decide.
    """
    read = [answer for answer in answers if isinstance(answer, Prediction)]
    kept = [answer for answer in read if counts(State(answer.decision))]
    # What cannot be read another photo may cure, as one that is blurred.
    states = [State(answer.decision) if isinstance(answer, Prediction) else State.RETAKE for answer in answers]
    scores = [answer.target_score for answer in kept]
    state = decide_together(states, scores, contract.threshold, contract.effective_safeguards.uncertain_from)
    out = {a.image: a.decision if isinstance(a, Prediction) else "unreadable" for a in answers if a not in kept}
    means = {name: mean([answer.probabilities[name] for answer in kept]) for name in contract.classes if kept}
    return GroupPrediction(
        group=group,
        artifact=answers[0].artifact,
        images=tuple(answer.image for answer in kept),
        left_out=out,
        probabilities=means or None,
        target_score=_mean_of(scores),
        melanoma_score=_mean_of([answer.melanoma_score for answer in kept]),
        malignant_score=_mean_of([answer.malignant_score for answer in kept]),
        threshold=contract.threshold,
        decision=str(state),
        warnings=tuple(_group_warnings(contract, state, scores, out)),
    )


def _mean_of(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _group_warnings(
    contract: ModelContract, state: State, scores: Sequence[float], out: Mapping[str, str]
) -> Iterator[str]:
    yield from stamps(contract)
    if out:
        what = named(f"{image} ({why})" for image, why in out.items())
        yield f"{len(out)} of {len(out) + len(scores)} images left out: {what}"
    alone = sum(score >= contract.threshold for score in scores)
    if alone and state != State.REFER:
        yield f"{alone} of {len(scores)} images alone would be referred; their mean is below the threshold"


def stamps(contract: ModelContract) -> Iterator[str]:
    """Yield what must be said with every answer of such a model."""
    if contract.provenance.leaky:
        yield "LEAKY: the model was tested on lesions that it was trained on: its numbers and threshold mean nothing"
    if contract.provenance.synthetic:
        yield "the model was trained on synthetic images: its answers mean nothing for people"
