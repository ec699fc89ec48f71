"""One page for people: all that is known of a run, in one file that needs no network."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.resources import files
from itertools import groupby
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from melanoma_edge.contract import ModelContract
from melanoma_edge.errors import TrustError
from melanoma_edge.report import svg, words
from melanoma_edge.report.card import CardModel
from melanoma_edge.report.documents import Documents
from melanoma_edge.report.narrow import with_labels
from melanoma_edge.report.summary import Summary, changed_lesions, matrix_of, unrun

if TYPE_CHECKING:
    from jinja2 import Environment

Picture = Callable[[str], str]
"""Given an image id, return its picture as a data address, or nothing."""
SHOWN = 24
"""Lesions decided otherwise that stand open on the page; the others are folded."""
CONTENTS = {
    "use": "Intended use and limits",
    "data": "Data and split",
    "point": "Operating point",
    "metrics": "Metrics",
    "calibration": "Calibration",
    "discrimination": "ROC, predictive values, decision curve",
    "parity": "Parity of exported files",
    "changed": "Lesions answered otherwise",
    "subgroups": "Subgroups",
    "robustness": "Robustness",
    "rejection": "What is not scored",
    "explanations": "Explanations and failures",
    "sizes": "Sizes and times",
    "provenance": "Provenance",
    "checklists": "Checklists",
}
HEADLINES = {
    "sensitivity": "sensitivity",
    "specificity": "specificity",
    "melanoma_auc": "AUC of the target",
    "balanced_accuracy": "balanced accuracy",
    "macro_auc": "macro AUC",
    "accuracy": "accuracy",
    "brier": "Brier",
    "ece": "ECE",
}
_KINDS = {
    "export": "exported files",
    "parity": "parity",
    "parity-matrix": "every runtime",
    "layers": "layer by layer",
    "evaluation": "evaluation",
    "robustness": "robustness",
    "rejection": "rejection",
    "explanations": "explanations",
    "benchmark": "times",
}


@dataclass(frozen=True)
class Link:
    """Name one file of the chain, what it was made from, and its sha256."""

    name: str
    parent: str
    sha256: str


@dataclass(frozen=True)
class Evaluated:
    """Hold the evaluation of one model under the name that a legend gives it."""

    name: str
    document: Mapping[str, Any]


@dataclass(frozen=True)
class Material:
    """Hold all that a page is made of; ``missing`` is what ``summary.sections`` says of the documents."""

    documents: Documents
    contract: ModelContract
    models: Sequence[CardModel]
    summary: Summary
    missing: Mapping[str, str]
    chain: Sequence[Link]
    shared: bool


def render(material: Material, picture: Picture) -> str:
    """Return the page as HTML.

    Raises:
        TrustError: when a document lacks what the page shows of its kind.
    """
    with as_written(material.documents.folder):
        return with_labels(_environment(material).get_template("page.html").render(**_values(material, picture)))


@contextmanager
def as_written(folder: Path) -> Iterator[None]:
    """Turn what lacks in the documents of a run, or is of another type, into ``TrustError``."""
    from jinja2 import TemplateError

    try:
        yield
    except (TemplateError, LookupError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        what = f"a document of the run is not as this version writes it: {error!r}"
        fix = "make the documents in its folders report/ and artifacts/ again"
        raise TrustError(what, where=str(folder), fix=fix) from error


def _environment(material: Material) -> Environment:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("melanoma_edge.report", "page_parts"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    named = (words.three, words.four, words.percent, words.thousands, words.interval, words.fixed, words.signed)
    environment.filters |= {one.__name__: one for one in named}
    environment.filters |= {"two": "{:.2f}".format, "six": "{:.6f}".format}
    macros: Any = environment.get_template("macros.html").module
    environment.globals |= {
        name: getattr(macros, name) for name in ("ci", "shift", "word", "named", "undone", "head", "lesions")
    }
    environment.globals |= {
        "either": lambda value: macros.ci(value) if isinstance(value, Mapping) or value is None else words.three(value),
        "digits": words.digits,
        "turned": words.turned,
        "basename": lambda path: PurePath(path).name,
        "to_threshold": words.to_threshold,
    }
    return environment


def _values(material: Material, picture: Picture) -> dict[str, Any]:
    documents, contract = material.documents, material.contract
    evaluation = documents.evaluations.get("test")
    evaluations = _evaluations(documents)
    matrix = matrix_of(documents)
    changed = changed_lesions(material.models, contract.threshold, matrix)
    left = unrun((model.name for model in material.models), matrix) if matrix else []
    kinds = _KINDS | ({"parity-matrix": f"every runtime of {words.listed(left)}"} if left else {})
    run = documents.run.content
    return {
        "contract": contract,
        "summary": material.summary,
        "stamps": list(words.stamps(contract)),
        "missing": [kinds[kind] for kind, command in material.missing.items() if command],
        "missing_commands": material.missing,
        "shared": material.shared,
        "contents": list(CONTENTS.items()),
        "titles": CONTENTS,
        "not_for": words.NOT_FOR,
        "limits": list(words.limits(contract, _skin_known(evaluation.content if evaluation else {}))),
        "catalog": documents.catalog.content,
        "run": run,
        "left_out": len(run["images_left_out"]),
        "test": run["metrics"]["test"],
        "own": own_name(run),
        "headlines": HEADLINES,
        "point": words.operating_point(contract),
        "calibrated_for": words.calibrated_for(contract),
        "evaluation": evaluation.content if evaluation else None,
        "evaluations": evaluations,
        "further": _further(evaluation.content) if evaluation else {},
        "subgroups": _subgroups(evaluation.content) if evaluation else [],
        "models": material.models,
        "checks_of": _checks,
        "changed": changed,
        "changed_places": words.digits(contract.threshold, (score for one in changed for score in one.scores)),
        "shown": SHOWN,
        "counts": counts(material),
        "matrix": matrix,
        "unrun": left,
        "layers": [one.layers.content for one in documents.artifacts if one.layers],
        "bisections": [one.bisection.content for one in documents.artifacts if one.bisection],
        "single": {kind: documents.single[kind].content if kind in documents.single else None for kind in _KINDS},
        "artifacts": [one.record.content for one in documents.artifacts],
        "chain": material.chain,
        "made_of": list(documents),
        "training": _training(run),
        "checklists": checklists(material.missing),
        "picture": picture,
        "roc": partial(_roc, evaluations, contract.target),
        "reliability": _reliability,
        "whisker": _safe(svg.whisker),
        "swatch": _safe(svg.swatch),
    }


def _safe(function: Callable[..., str]) -> Callable[..., Any]:
    """Return a function whose SVG a template does not escape."""
    from markupsafe import Markup

    return lambda *arguments: Markup(function(*arguments))


def counts(material: Material) -> dict[str, int]:
    """Return what a page counts that no document does."""
    matrix = matrix_of(material.documents)
    changed = changed_lesions(material.models, material.contract.threshold, matrix)
    crossed = sum(one.crossed for one in changed)
    lost = sum(one.lost for one in changed)
    return {"changed": len(changed), "crossed": crossed, "lost": lost, "class_alone": len(changed) - crossed}


def checklists(missing: Mapping[str, str]) -> dict[str, Any]:
    """Return the checklists with what was done here: ``missing`` is that of ``summary.sections``."""
    plain = json.loads(files("melanoma_edge.report").joinpath("checklists.json").read_text("utf-8"))
    return {name: _checklist(one, missing) for name, one in plain.items()}


def own_name(run: Mapping[str, Any]) -> str:
    """Return what a run's own weights are called, which are not the float model once they are rounded."""
    return "rounded weights in float" if run["method"] == "quantize" else "float model"


def _checklist(plain: Mapping[str, Any], missing: Mapping[str, str]) -> dict[str, Any]:
    items = []
    for topic, needs, section, note in plain["items"]:
        done = needs == "always" or (needs != "never" and not missing[needs])
        items.append({"topic": topic, "section": section if done else "", "note": note or missing.get(needs, "")})
    return {"about": plain["about"], "items": items, "all": len(items), "done": sum(bool(i["section"]) for i in items)}


def _evaluations(documents: Documents) -> list[Evaluated]:
    own = documents.evaluations.get("test")
    found = [Evaluated(own_name(documents.run.content), own.content)] if own else []
    return found + [Evaluated(one.name, one.evaluation.content) for one in documents.artifacts if one.evaluation]


def _checks(model: CardModel) -> dict[str, Mapping[str, Any]]:
    """Return a file's checks by name; one that was not made has no numbers."""
    names = ("melanomas_lost", "class_agreement", "decision_agreement", "sensitivity_loss", "specificity_loss")
    none: dict[str, Mapping[str, Any]] = {name: {"value": None, "would_pass_at": None} for name in names}
    return none | {check["name"]: check for check in (model.parity["artifacts"][0]["checks"] if model.parity else ())}


def _further(evaluation: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of an evaluation that no run records."""
    return {name.replace("_", " "): one for name, one in evaluation["metrics"].items() if name not in HEADLINES}


def _subgroups(evaluation: Mapping[str, Any]) -> list[tuple[str, list[Mapping[str, Any]]]]:
    rows = evaluation["subgroups"]
    return [(name, list(inside)) for name, inside in groupby(rows, key=lambda row: row["attribute"])]


def _skin_known(evaluation: Mapping[str, Any]) -> bool:
    rows = evaluation.get("subgroups", ())
    return any(row["attribute"] == "fitzpatrick" and row["value"] != "unknown" for row in rows)


def _training(run: Mapping[str, Any]) -> dict[str, str]:
    flat = {**run["configuration"], **{key: run["environment"][key] for key in ("python", "platform", "devices")}}
    flat |= run["environment"]["packages"]
    return {key.replace("_", " "): _plain(value) for key, value in flat.items()}


def _plain(value: Any) -> str:
    return words.listed(value) if isinstance(value, list) else "" if value is None else str(value)


def _roc(evaluations: Sequence[Evaluated], target: str, name: str) -> Any:
    from markupsafe import Markup

    curves = []
    for one in evaluations:
        binary = one.document["binary"][name]
        if not binary or not binary["roc"]:
            continue
        found = one.document["metrics"] if name == target else {}
        specificity, sensitivity = found.get("specificity"), found.get("sensitivity")
        at = (1 - specificity["value"], sensitivity["value"]) if specificity and sensitivity else None
        curves.append(svg.Curve(one.name, binary["roc"], at))
    says = f"ROC of the {name} score: {words.listed(curve.name for curve in curves)}; the areas stand in the legend."
    return Markup(svg.plane(curves, f"others called {name}", f"{name} called {name}", says))


def _reliability(name: str, bins: Sequence[Mapping[str, Any]]) -> Any:
    from markupsafe import Markup

    says = f"Reliability of the {name} score; the bins stand in the table that follows."
    return Markup(svg.reliability(bins, "mean score", f"share of {name}", says))
