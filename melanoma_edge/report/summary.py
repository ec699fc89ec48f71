"""What a report says in sum: the verdict in one sentence, the lesions that changed, what was done and what was not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePath
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
    counts: dict[str, Any]


@dataclass(frozen=True)
class _Answer:
    """Hold the verdict on one file, or on it in one runtime; ``lost`` is None where nothing could be compared."""

    name: str
    status: str
    lost: int | None


def summary(models: Sequence[CardModel], contract: ModelContract, matrix: Mapping[str, Any] | None = None) -> Summary:
    """Return the verdict on a run's exported files, and on each in every runtime of a matrix, in one sentence.

    ``counts.most_lost`` is None where for some file or runtime nothing could be compared and the others lost nothing.
    """
    files = [_of_file(model) for model in models]
    cells = [_of_cell(cell) for cell in matrix["cells"]] if matrix else []
    tested = matrix or next((model.parity for model in models if model.parity), None)
    if tested is None:
        sentence = "No exported file has been judged: nothing proves that a file decides as this model does."
        return Summary("unverified", sentence, {"files": len(models)})
    on = f"on {tested['groups']:,} {tested['split']} lesions, {tested['melanomas']} of them {contract.target}"
    found = [*files, *cells]
    statuses = {one.status for one in found}
    if len(found) == 1:
        sentence = f"{found[0].name} {_SAYS[found[0].status]}, {on}: {_lost(found, contract.target)}."
    else:
        parts = [_tally(files), *([_over_runtimes(models, matrix, cells)] if matrix and cells else [])]
        head = f"Of {len(files)} exported {'files' if len(files) > 1 else 'file'}, judged against the float model {on}"
        sentence = f"{head}: {'; '.join([*parts, _lost(found, contract.target)])}."
    counts: dict[str, Any] = {"files": len(files), **_counts(files), "most_lost": _most_lost(found)}
    if matrix and cells:
        counts |= {"pairs": len(cells), "in_runtimes": _counts(cells), **reach(models, matrix)}
    return Summary(next(name for name in _WORST if name in statuses), sentence, counts)


def unrun(names: Iterable[str], matrix: Mapping[str, Any] | None) -> list[str]:
    """Return the names of files of which a matrix says nothing."""
    ran = {PurePath(cell["path"]).name for cell in matrix["cells"]} if matrix else set()
    return [name for name in names if name not in ran]


def reach(models: Sequence[CardModel], matrix: Mapping[str, Any]) -> dict[str, int]:
    """Count the files that a matrix ran, and the runtimes that it ran any in."""
    ran = len(models) - len(unrun((model.name for model in models), matrix))
    return {"files_in_runtimes": ran, "runtimes": len({cell["runtime"] for cell in matrix["cells"]})}


def _over_runtimes(models: Sequence[CardModel], matrix: Mapping[str, Any], cells: Sequence[_Answer]) -> str:
    """Say how many files were run in how many runtimes, what came out, and which were not run."""
    ran, runtimes = reach(models, matrix).values()
    left = unrun((model.name for model in models), matrix)
    files = f"{ran} of {_some(len(models), 'file')}"
    said = f"{files} run in {_some(runtimes, 'runtime')}, {_some(len(cells), 'pair')}: {_tally(cells)}"
    return said + (f"; not run there: {words.listed(left)}" if left else "")


def _some(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"


def _of_file(model: CardModel) -> _Answer:
    return _Answer(model.name, model.verdict, _count_lost(_judged(model)) if model.parity else None)


def _of_cell(cell: Mapping[str, Any]) -> _Answer:
    return _Answer(_in_runtime(cell), cell["verdict"], _count_lost(cell))


def _in_runtime(cell: Mapping[str, Any]) -> str:
    return f"{PurePath(cell['path']).name} in {cell['runtime']}"


def _count_lost(judged: Mapping[str, Any]) -> int | None:
    """Return how many lesions of the target were lost, None where outputs were no such that can be compared."""
    compared = judged["exported"] and any(check["name"] == "melanomas_lost" for check in judged["checks"])
    return sum(flip["melanoma_lost"] for flip in judged["flips"]) if compared else None


def _most_lost(found: Sequence[_Answer]) -> int | None:
    most = max((one.lost or 0 for one in found), default=0)
    return most if most or all(one.lost is not None for one in found) else None


def _lost(found: Sequence[_Answer], target: str) -> str:
    """Say how many were lost at most and where, and for what nobody knows."""
    unknown = [one.name for one in found if one.lost is None]
    if len(found) == 1:
        return f"{target} lost could not be counted" if unknown else f"{found[0].lost} {target} lost"
    most = max((one.lost or 0 for one in found), default=0)
    worst = words.listed(one.name for one in found if one.lost == most)
    if most:
        said = f"at most {most} {target} lost ({worst})"
    else:
        said = f"no {target} lost where it could be counted" if unknown else f"none loses a {target}"
    return said + (f", not counted for {words.listed(unknown)}" if unknown else "")


def _counts(found: Sequence[_Answer]) -> dict[str, int]:
    return {name: sum(one.status == name for one in found) for name in _WORST}


def _tally(found: Sequence[_Answer]) -> str:
    """Count what has each status; those that are no PASS are named."""
    parts = []
    for status in reversed(_WORST):
        names = [one.name for one in found if one.status == status]
        named = f" ({words.listed(names)})" if status != "PASS" else ""
        parts += [f"{len(names)} {status}{named}"] if names else []
    return ", ".join(parts)


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
    def scores(self) -> tuple[float, ...]:
        """Those of the float model and of every file that differs."""
        return (self.score, *(change.score for change in self.changes))

    @property
    def crossed(self) -> bool:
        """Whether a file decides otherwise."""
        return any(change.crossed for change in self.changes)


def changed_lesions(
    models: Sequence[CardModel], threshold: float, matrix: Mapping[str, Any] | None = None
) -> list[Changed]:
    """Return the lesions whose class or decision changed in any file or runtime: lost ones first, then other decisions.

    What a runtime of the matrix answers as the file's own test did is named once.
    """
    heads: dict[tuple[str, str, str], Mapping[str, Any]] = {}
    changes: dict[tuple[str, str, str], list[Change]] = {}
    for name, flips in [*_flips_of_files(models), *_flips_of_cells(models, matrix)]:
        for flip in flips:
            key = (flip["group"], flip["label"], flip["image_id"])
            heads.setdefault(key, flip)
            own = threshold if flip.get("threshold") is None else flip["threshold"]
            crossed = (flip["float_score"] >= own) != (flip["exported_score"] >= own)
            change = Change(name, flip["exported_class"], flip["exported_score"], crossed, flip["melanoma_lost"])
            changes.setdefault(key, []).append(change)
    found = [
        Changed(
            one["image_id"], one["group"], one["label"], one["float_class"], one["float_score"], tuple(changes[key])
        )
        for key, one in heads.items()
    ]
    return sorted(found, key=lambda one: (not one.lost, not one.crossed, one.image_id))


_Flips = tuple[str, Sequence[Mapping[str, Any]]]


def _flips_of_files(models: Sequence[CardModel]) -> Iterator[_Flips]:
    yield from ((model.name, _judged(model)["flips"]) for model in models if model.parity)


def _flips_of_cells(models: Sequence[CardModel], matrix: Mapping[str, Any] | None) -> Iterator[_Flips]:
    told = {(model.name, _judged(model)["runtime"]): _judged(model)["flips"] for model in models if model.parity}
    for cell in matrix["cells"] if matrix else ():
        before = {_answer_of(flip) for flip in told.get((PurePath(cell["path"]).name, cell["runtime"]), ())}
        yield _in_runtime(cell), [flip for flip in cell["flips"] if _answer_of(flip) not in before]


def _answer_of(flip: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(flip[key] for key in ("group", "label", "image_id", "exported_class", "exported_score"))


def matrix_of(documents: Documents) -> Mapping[str, Any] | None:
    """Return the matrix of the test split, if there is one."""
    return documents.matrices["test"].content if "test" in documents.matrices else None


def sections(documents: Documents, run: str) -> dict[str, str]:
    """Return, by what a report may hold, nothing where it was done and else the command that does it to a ``run``."""
    names = [one.name for one in documents.artifacts]
    matrix = matrix_of(documents)
    there = {
        "export": bool(documents.artifacts),
        "parity": any(one.parity for one in documents.artifacts),
        "parity-matrix": bool(matrix) and not unrun(names, matrix),
        "layers": any(one.layers for one in documents.artifacts),
        "evaluation": "test" in documents.evaluations,
        **{kind: kind in documents.single for kind in ("robustness", "rejection", "explanations", "benchmark")},
    }
    return {kind: "" if done else remake(kind, run, names) for kind, done in there.items()}
