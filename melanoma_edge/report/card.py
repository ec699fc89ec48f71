"""The model card: what people must know before they use a model, every number out of JSON documents."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.report import words


@dataclass(frozen=True)
class CardModel:
    """Hold one exported file as a card describes it.

    ``parity`` is the record of its test, None where nobody judged it; ``verdict`` what that says, and
    ``limits_changed`` whether at other limits than the usual ones.
    """

    name: str
    precision: str
    bytes: int
    sha256: str
    verdict: str
    limits_changed: bool
    parity: Mapping[str, Any] | None


def model_card(
    contract: ModelContract,
    models: Sequence[CardModel],
    further: Mapping[str, Sequence[str]] | None = None,
    worst: str = "",
) -> str:
    """Return a card as Markdown.

    Args:
        contract: of the model.
        models: its exported files; the numbers of the only one that was judged are the evidence, of several those of
            the float model that they were judged against.
        further: more lines by title, at the end.
        worst: the verdict over the files in every runtime, where those were tried.
    """
    parts = (
        _head(contract, models, worst),
        _identity(contract, models),
        _use(contract),
        _evidence(contract, models),
        *(_parity(model) for model in models),
        _section("Calibration", [words.calibrated_for(contract)]),
        _section("Limits", [f"- {text}" for text in words.limits(contract)]),
        *(_section(title, lines) for title, lines in (further or {}).items()),
    )
    return "\n".join(line for part in parts for line in part).rstrip() + "\n"


def plain(text: str) -> str:
    """Return a text as Markdown that is read as it is: one line, without markup, HTML or ends of a table's cell."""
    return " ".join(text.split()).translate(_MARKUP)


_MARKUP = str.maketrans({**{sign: f"\\{sign}" for sign in "\\|`[]*"}, "&": "&amp;", "<": "&lt;"})


def _head(contract: ModelContract, models: Sequence[CardModel], worst: str) -> Iterator[str]:
    warnings = list(words.stamps(contract))
    if worst in ("FAIL", "INCONCLUSIVE") and all(model.verdict != worst for model in models):
        warnings.append(f"{worst}: not by every file's own test, but in one of the runtimes; see Verdict.")
    if any(model.verdict == "FAIL" for model in models):
        warnings.append("FAIL: a file below does not decide as the float model did.")
    if any(model.verdict == "INCONCLUSIVE" for model in models):
        warnings.append(
            "INCONCLUSIVE: the test had too few lesions to prove that the file decides as the float model did."
        )
    if any(model.limits_changed for model in models):
        warnings.append("Judged at limits that were changed: what these files may change is not what is usual.")
    yield f"# {plain(contract.name)}"
    yield ""
    for text in warnings:
        yield f"**{text}**"
        yield ""


def _identity(contract: ModelContract, models: Sequence[CardModel]) -> Iterator[str]:
    provenance = contract.provenance
    rows = {
        "classes": ", ".join(contract.classes),
        "target": f"{contract.target}: {', '.join(contract.target_classes)}",
        "image types": ", ".join(contract.image_types),
        "input": f"{contract.input_size} x {contract.input_size} pixels",
        "made by": f"{provenance.tool}, {provenance.method}",
        "trained on": f"{', '.join(provenance.sources)} ({', '.join(provenance.licences)})",
        "images, sha256": provenance.catalog_sha256,
        "weights, sha256": provenance.weights_sha256,
        "reference, sha256": provenance.reference_sha256,
    }
    for model in models:
        name = plain(model.name)
        rows[f"`{name}`"] = f"{model.precision}, {model.bytes:,} bytes"
        rows[f"`{name}`, sha256"] = model.sha256
    yield "## Identity"
    yield ""
    yield "| what | value |"
    yield "|---|---|"
    yield from (f"| {name} | {plain(str(value))} |" for name, value in rows.items())
    yield ""


def _use(contract: ModelContract) -> Iterator[str]:
    yield from _section("Intended use", [plain(contract.intended_use)])
    yield "What it is not for:"
    yield ""
    yield from (f"- {text}" for text in words.NOT_FOR)
    yield ""


def _evidence(contract: ModelContract, models: Sequence[CardModel]) -> Iterator[str]:
    lines = []
    tested = [(model.name, model.parity) for model in models if model.parity]
    name, judged = tested[0] if tested else ("", None)
    if judged is None:
        lines = ["No exported file has been judged: nothing proves that a file decides as this model does.", ""]
    elif numbers := judged["artifacts"][0]["exported" if len(tested) == 1 else "float"]:
        whose = f"`{plain(name)}`" if len(tested) == 1 else "The float model that the files are judged against"
        lines = [
            f"{whose}, on {judged['groups']} lesions never seen in training, {judged['melanomas']} of them "
            f"{judged['target']}, grouped by lesion: {judged['target']} sensitivity "
            f"{words.interval(numbers['sensitivity'])}, specificity {words.interval(numbers['specificity'])}, AUC "
            f"{words.interval(numbers['melanoma_auc'])}, balanced accuracy over all classes "
            f"{words.interval(numbers['balanced_accuracy'])}; 95 % intervals in brackets.",
            "",
        ]
    yield from _section("Evidence", [*lines, words.operating_point(contract)])


def _parity(model: CardModel) -> Iterator[str]:
    if model.parity is None:
        return
    (judged,) = model.parity["artifacts"]
    usual = "limits that were changed for it" if model.limits_changed else "the usual limits"
    yield f"## `{plain(model.name)}` against the float model: {model.verdict}"
    yield ""
    yield f"Compared on the same lesions in {judged['runtime']}, at {usual}. What changed:"
    yield ""
    yield "| check | status | found |"
    yield "|---|---|---|"
    yield from (f"| {check['name']} | {check['status']} | {plain(check['why'])} |" for check in judged["checks"])
    yield ""


def _section(title: str, lines: Sequence[str]) -> Iterator[str]:
    yield f"## {title}"
    yield ""
    yield from lines
    yield ""
