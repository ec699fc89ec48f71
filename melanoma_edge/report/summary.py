"""What a report says in sum: the verdict in one sentence, the lesions that changed, what was done and what was not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.report import words
from melanoma_edge.report.card import CardModel
from melanoma_edge.report.documents import Documents, remake

_WORST = ("FAIL", "INCONCLUSIVE", "unverified", "PASS")
_SAYS = {
    "PASS": "decides as the float model did",
    "FAIL": "does not decide as the float model did",
    "INCONCLUSIVE": "was tested on too few lesions to tell whether it decides as the float model did",
}


@dataclass(frozen=True)
class Summary:
    """Hold the worst of the verdicts, the sentence that says it, and the counts in the sentence."""

    status: str
    sentence: str
    counts: dict[str, int]


def summary(models: Sequence[CardModel], contract: ModelContract) -> Summary:
    """Return the verdict on a run's exported files in one sentence."""
    statuses = Counter(model.verdict for model in models)
    judged = [model for model in models if model.parity]
    if not judged:
        sentence = "No exported file has been judged: nothing proves that a file decides as this model does."
        return Summary("unverified", sentence, {"files": len(models)})
    parity = judged[0].parity
    assert parity is not None
    on = f"on {parity['groups']:,} {parity['split']} lesions, {parity['melanomas']} of them {contract.target}"
    lost = [sum(flip["melanoma_lost"] for flip in _judged(one)["flips"]) for one in judged]
    counts = {"files": len(models), "most_lost": max(lost), **{name: statuses[name] for name in _WORST}}
    if len(models) == 1:
        sentence = f"{models[0].name} {_SAYS[models[0].verdict]}, {on}: {lost[0]} {contract.target} lost."
    else:
        tally = ", ".join(_tally(name, models) for name in reversed(_WORST) if statuses[name])
        most = f"none loses a {contract.target}" if not max(lost) else f"at most {max(lost)} {contract.target} lost"
        sentence = f"Of {len(models)} exported files, judged against the float model {on}: {tally}; {most}."
    return Summary(next(name for name in _WORST if statuses[name]), sentence, counts)


def _tally(status: str, models: Sequence[CardModel]) -> str:
    """Count the files with a status; those that are no PASS are named."""
    names = [model.name for model in models if model.verdict == status]
    return f"{len(names)} {status}" + (f" ({words.listed(names)})" if status != "PASS" else "")


def _judged(model: CardModel) -> Mapping[str, Any]:
    assert model.parity is not None
    (found,) = model.parity["artifacts"]
    return found  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Change:
    """Hold what one exported file makes of a lesion otherwise than the float model; ``crossed`` the decision."""

    model: str
    predicted: str
    score: float
    crossed: bool
    lost: bool


@dataclass(frozen=True)
class Changed:
    """Hold a lesion on which some exported file differs from the float model."""

    image_id: str
    group: str
    label: str
    predicted: str
    score: float
    changes: tuple[Change, ...]

    @property
    def lost(self) -> bool:
        """Whether a file no longer refers it although it is of the target."""
        return any(change.lost for change in self.changes)

    @property
    def crossed(self) -> bool:
        """Whether a file decides otherwise."""
        return any(change.crossed for change in self.changes)


def changed_lesions(models: Iterable[CardModel], threshold: float) -> list[Changed]:
    """Return the lesions whose class or decision changed in any file: lost ones first, then other decisions."""
    heads: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    changes: dict[tuple[str, str, str], list[Change]] = {}
    for model in models:
        for flip in _judged(model)["flips"] if model.parity else ():
            key = (flip["group"], flip["label"], flip["image_id"])
            heads.setdefault(key, flip)
            crossed = (flip["float_score"] >= threshold) != (flip["exported_score"] >= threshold)
            change = Change(model.name, flip["exported_class"], flip["exported_score"], crossed, flip["melanoma_lost"])
            changes.setdefault(key, []).append(change)
    found = [
        Changed(
            one["image_id"], one["group"], one["label"], one["float_class"], one["float_score"], tuple(changes[key])
        )
        for key, one in heads.items()
    ]
    return sorted(found, key=lambda one: (not one.lost, not one.crossed, one.image_id))


def sections(documents: Documents) -> dict[str, str]:
    """Return, by what a report may hold, nothing where it was done and else the command that does it."""
    run = documents.folder
    there = {
        "export": bool(documents.artifacts),
        "parity": any(one.parity for one in documents.artifacts),
        "parity-matrix": bool(documents.matrices),
        "layers": any(one.layers for one in documents.artifacts),
        "evaluation": "test" in documents.evaluations,
        **{kind: kind in documents.single for kind in ("robustness", "rejection", "explanations", "benchmark")},
    }
    return {kind: "" if done else remake(kind, run) for kind, done in there.items()}
