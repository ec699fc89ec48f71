"""Tables and JSON of a thinning: what it cost and what it changed, before beside after."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import estimate, print_table

if TYPE_CHECKING:
    from melanoma_edge.training.run import Run

_PAIRED = {"balanced_accuracy": "balanced_accuracy", "macro_auc": "macro_auc", "melanoma_auc": "target_auc"}
"""Metrics whose paired difference is shown, with the name that a paired comparison has for them."""


def thinning_document(parent: Run, thinned: Run) -> dict[str, Any]:
    """Return as plain JSON what thinning did: cost, metrics of the test split, and their paired differences."""
    from melanoma_edge.evaluation.metrics import HEADLINES
    from melanoma_edge.parity.runs import compare_runs
    from melanoma_edge.strictjson import to_plain

    compared = compare_runs(parent, thinned)
    metrics = {
        name: {"before": parent.record.metrics["test"][name], "after": thinned.record.metrics["test"][name]}
        for name in HEADLINES
    }
    return {
        "path": str(thinned.path),
        "parent": str(parent.path),
        "thinning": thinned.record.compression,
        "metrics": {"split": compared.split, **metrics},
        "paired": to_plain(compared.paired),
        "record": to_plain(thinned.record),
    }


def describe_plan(record: dict[str, Any]) -> None:
    """Print a thinning: the channels of each site, the cost, and validation before any fine-tuning."""
    rows = [
        (name, found["before"], found["after"], f"{found['after'] / found['before']:.0%}")
        for name, found in record["channels"].items()
    ]
    print_table("Channels", ("made by", "before", "after", "kept"), rows)
    print_table("Cost", ("what", "before", "after", "ratio"), _cost_rows(record))
    before, after = record["validation"]["parent"], record["validation"]["before_fine_tuning"]
    quality = [(name, f"{before[name]:.4f}", f"{after[name]:.4f}") for name in before]
    print_table("Validation, before fine-tuning", ("metric", "before", "after"), quality)


def describe_thinning(document: dict[str, Any]) -> None:
    """Print what a thinning cost and changed on the test split, with intervals."""
    rows = _cost_rows(document["thinning"])
    for name, found in document["metrics"].items():
        if name != "split":
            paired = document["paired"][_PAIRED[name]] if name in _PAIRED else None
            rows.append((name, estimate(found["before"]), estimate(found["after"]), _change(paired)))
    split = document["metrics"]["split"]
    title = f"Before and after, metrics on {split}: value (95 % interval), paired difference (90 % interval)"
    print_table(title, ("what", "before", "after", "change"), rows)
    same, lesions = document["paired"]["same_decision"], document["paired"]["lesions"]
    targets = document["paired"]["targets"]
    counts = [
        ("decisions alike, each at its own threshold", f"{same} of {lesions}"),
        ("target lesions no longer referred", f"{targets['lost']} of {targets['n']}"),
        ("target lesions newly referred", f"{targets['gained']} of {targets['n']}"),
    ]
    print_table("Lesion by lesion", ("what", "count"), counts)


def _cost_rows(record: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    before, after = record["cost"]["before"], record["cost"]["after"]
    names = {"parameters": "parameters", "macs": "multiplications", "int8_bytes": "int8 .tflite bytes, estimated"}
    return [(text, f"{before[n]:,}", f"{after[n]:,}", f"x {after[n] / before[n]:.3f}") for n, text in names.items()]


def _change(paired: dict[str, float] | None) -> str:
    return f"{paired['value']:+.4f} ({paired['low']:+.4f} to {paired['high']:+.4f})" if paired else ""
