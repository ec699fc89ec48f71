"""Tables of evaluations for the terminal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import note, print_table

if TYPE_CHECKING:
    from melanoma_edge.evaluation import Estimate
    from melanoma_edge.evaluation.binary import Binary
    from melanoma_edge.evidence.documents import Evaluation, SubgroupNote

Row = tuple[str, Callable[["Evaluation"], object]]


def describe_evaluations(found: Sequence[Evaluation], names: Sequence[str], quiet: bool) -> None:
    """Print evaluations side by side: what counts most first, then a sentence on each, then what nobody measured."""
    first = found[0]
    print_table(_title(first), ("value (95 % interval)", *names), _rows(_headlines(first), found))
    for name, one in zip(names, found, strict=True):
        click.echo(f"{name}: {sentence(one)}")
    click.echo(f"{first.operating_point.sentence}\n")
    question = first.target
    print_table(f"{question.capitalize()} or not", ("", *names), _rows(_questions(question), found))
    print_table(
        "Predictive values, which depend on how common it is",
        ("prevalence", "model", "referred and positive (PPV)", "not referred and not positive (NPV)"),
        _predictive(found, names),
    )
    _subgroups(found, names)
    flow = first.flow
    left = "".join(f", {item.images:,} left out ({item.why})" for item in flow.left_out)
    note(f"Images: {flow.received:,} received{left}, {flow.images:,} of {flow.lesions:,} lesions judged.", quiet)
    for text in first.notes:
        note(f"Note: {text}", quiet)


def sentence(one: Evaluation) -> str:
    """Return what the decision did, in one sentence."""
    asked = _asked(one)
    if asked.sensitivity is None or asked.specificity is None:
        return f"{one.groups:,} lesions, too little to say what the decision does."
    hits, spared = (
        round(estimate.value * n)
        for estimate, n in ((asked.sensitivity, asked.positives), (asked.specificity, asked.others))
    )
    sure = ""
    if hits == asked.positives and asked.sensitivity_exact:
        sure = f" None was missed, which proves no more than {asked.sensitivity_exact.low:.1%}."
    return (
        f"of {asked.positives:,} {one.target} lesions {hits:,} are referred ({_percent(asked.sensitivity)}), of "
        f"{asked.others:,} others {spared:,} are not ({_percent(asked.specificity)}).{sure}"
    )


def _asked(one: Evaluation) -> Binary:
    found = one.binary[one.target]
    assert found, "the target is always asked for"
    return found


def _title(one: Evaluation) -> str:
    stamps = [text for text, holds in (("LEAKY split", one.leaky), ("synthetic images", one.synthetic)) if holds]
    what = f"Evaluation on {one.groups:,} lesions ({one.targets:,} {one.target}), {one.split}"
    return f"{what} ({', '.join(stamps)})" if stamps else what


def _rows(rows: Sequence[Row], found: Sequence[Evaluation]) -> list[tuple[object, ...]]:
    return [(name, *(value(one) for one in found)) for name, value in rows]


def _headlines(first: Evaluation) -> list[Row]:
    named = {
        "sensitivity": f"{first.target} sensitivity",
        "specificity": "specificity",
        "melanoma_auc": f"{first.target} AUC",
    }
    order = [*named, *(name for name in first.metrics if name not in named)]
    rows: list[Row] = [(named.get(name, _spelled(name)), _metric(name)) for name in order]
    return [*rows, ("threshold", lambda one: "of each fold" if one.threshold is None else f"{one.threshold:.4g}")]


def _spelled(name: str) -> str:
    return " ".join(word.upper() if word in ("auc", "ece", "nll", "f1") else word for word in name.split("_"))


def _metric(name: str) -> Callable[[Evaluation], str]:
    return lambda one: _estimate(one.metrics[name])


def _questions(question: str) -> list[Row]:
    def asked(pick: Callable[[Binary], object]) -> Callable[[Evaluation], object]:
        return lambda one: pick(found) if (found := one.binary[question]) else "not defined"

    return [
        ("AUC (DeLong)", asked(lambda b: _estimate(b.auc))),
        ("AUC against nevi alone", lambda one: _estimate(one.melanoma_vs_nevus.auc if one.melanoma_vs_nevus else None)),
        ("partial AUC above 80 % sensitivity (0.2 best, 0.02 chance)", asked(lambda b: _estimate(b.partial_auc))),
        ("average precision", asked(lambda b: f"{_estimate(b.pr_auc)}, chance {_chance(b):.3f}")),
        ("calibration slope (1), intercept (0)", asked(lambda b: _line(b))),
        ("the same at validation's mixture", asked(lambda b: _shifted(b))),
        (
            "ECE, equal mass and width",
            asked(lambda b: f"{b.calibration.ece_mass.value:.3f}, {b.calibration.ece_width.value:.3f}"),
        ),
        ("re-fitted threshold: sensitivity, specificity", _refitted),
    ]


def _chance(asked: Binary) -> float:
    return asked.positives / (asked.positives + asked.others)


def _line(asked: Binary) -> str:
    return f"{_short(asked.calibration.slope)}, {_short(asked.calibration.intercept)}"


def _shifted(asked: Binary) -> str:
    found = asked.calibration_shifted
    return f"{_short(found.slope)}, {_short(found.intercept)}, ECE {found.ece_mass.value:.3f}" if found else "not known"


def _refitted(one: Evaluation) -> str:
    found = one.refitted
    if not found:
        return "none"
    return f"{found.threshold:.4g}: {_value(found.sensitivity)}, {_value(found.specificity)}"


def _predictive(found: Sequence[Evaluation], names: Sequence[str]) -> list[tuple[str, ...]]:
    shares = [value.prevalence for value in _asked(found[0]).ppv_npv]
    return [
        (f"{share:.1%}", name, _estimate(_asked(one).ppv_npv[place].ppv), _estimate(_asked(one).ppv_npv[place].npv))
        for place, share in enumerate(shares)
        for name, one in zip(names, found, strict=True)
    ]


def _subgroups(found: Sequence[Evaluation], names: Sequence[str]) -> None:
    """Print the subgroups: of one model with intervals, of several the values side by side."""
    first, alone = found[0], len(found) == 1
    rows = []
    for groups in zip(*(one.subgroups for one in found), strict=True):
        group = groups[0]
        attribute = group.attribute.replace("_", " ") + (" (estimated)" if group.estimated else "")
        numbers = (
            _three(group) if alone else [f"{_value(one.sensitivity)}, {_value(one.specificity)}" for one in groups]
        )
        rows.append((attribute, group.value, group.n, group.targets, *numbers, "few" if group.few else ""))
    shown = ("sensitivity", "specificity", "AUC") if alone else [f"{name}: sensitivity, specificity" for name in names]
    title = f"For whom; grey and `few`: under 10 {first.target} lesions or under 10 others"
    grey = {place for place, group in enumerate(first.subgroups) if group.few}
    print_table(title, ("by", "value", "lesions", first.target, *shown, ""), rows, grey)


def _three(group: SubgroupNote) -> list[str]:
    return [_estimate(value) for value in (group.sensitivity, group.specificity, group.auc)]


def _value(estimate: Estimate | None) -> str:
    return f"{estimate.value:.3f}" if estimate else "none"


def _estimate(value: Estimate | None) -> str:
    return f"{value.value:.3f} ({value.low:.3f}-{value.high:.3f})" if value else "not defined"


def _short(value: Estimate | None) -> str:
    return f"{value.value:.2f} ({value.low:.2f} to {value.high:.2f})" if value else "not defined"


def _percent(value: Estimate) -> str:
    return f"{value.value:.1%}, 95 % interval {value.low:.1%} to {value.high:.1%}"
