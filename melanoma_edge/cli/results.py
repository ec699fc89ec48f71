"""Tables and JSON of runs, artifacts and verdicts, the same wherever they are shown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import estimate, note, print_json, print_table
from melanoma_edge.cli.thinning import describe_plan
from melanoma_edge.errors import TrustError

if TYPE_CHECKING:
    from exporters import Artifact
    from melanoma_edge.parity.verdict import Judgement, Verdict
    from melanoma_edge.predicted import GroupPrediction, Prediction
    from melanoma_edge.progress import Progress
    from melanoma_edge.training.cluster import Cluster
    from melanoma_edge.training.config import TrainConfig
    from melanoma_edge.training.run import Run
    from melanoma_edge.training.teacher import Teacher

PLAN_SCHEMA = "melanoma-edge/plan/1"
_FLIPS_SHOWN = 10
_WORKER_SCHEMA = "melanoma-edge/worker/1"


def describe_run(run: Run, as_json: bool, quiet: bool = False) -> None:
    """Print what a run reached on each split, with 95 % intervals over lesions."""
    from melanoma_edge.contract import stamp
    from melanoma_edge.evaluation.metrics import HEADLINES
    from melanoma_edge.evaluation.operating_point import claim
    from melanoma_edge.strictjson import to_plain

    if as_json:
        print_json({"schema": run.record.schema, "path": str(run.path), **to_plain(run.record)})
        return
    splits = list(run.record.metrics)
    rows = [(name, *(estimate(run.record.metrics[split][name]) for split in splits)) for name in HEADLINES]
    rows += [("images", *(str(run.record.metrics[split]["images"]) for split in splits))]
    stamped = stamp(run.contract.provenance)
    name = f"{run.record.name} ({stamped})" if stamped else run.record.name
    print_table(f"{name}: value (95 % interval)", ("metric", *splits), rows)
    sentence = claim(run.contract.operating_point, run.contract.target, leaky=run.contract.provenance.leaky)
    note(f"Threshold {run.contract.threshold:.4g}. {sentence}", quiet)
    _describe_lowest(run, quiet)
    note(f"Run: {run.path}", quiet)


def _describe_lowest(run: Run, quiet: bool) -> None:
    """Print which lesion holds the threshold down, and what it and its neighbours cost."""
    from melanoma_edge.report.words import three, to_threshold

    found, misses = run.record.lowest_targets, run.contract.operating_point.misses
    if not found:
        return
    rows = [
        (
            one.image_id,
            one.group,
            f"{one.score:.4f}",
            three(one.specificity),
            to_threshold(place, misses),
        )
        for place, one in enumerate(found)
    ]
    title = f"{run.contract.target.capitalize()} lesions of lowest score on validation"
    print_table(title, ("image", "group", "score", "specificity of a threshold just below", ""), rows)
    note("Where the one that holds the threshold down costs much, look at its picture: is its label right?", quiet)


def describe_worker(cluster: Cluster, as_json: bool, quiet: bool = False) -> None:
    """Print that a worker has done its part; the run is at the chief's."""
    chief = cluster.addresses[0]
    if as_json:
        print_json({"schema": _WORKER_SCHEMA, "index": cluster.index, "chief": chief})
    note(f"This worker has done its part; the run is with the chief, {chief}.", quiet or as_json)


def describe_compression(run: Run, quiet: bool = False) -> None:
    """Print what compression did, pruning layer by layer, and what it buys.

    Raises:
        TrustError: when the record of it is damaged.
    """
    record = run.record.compression
    if not record:
        return
    try:
        if "reached" in record:
            _describe_pruning(record, quiet)
        elif record["kind"] == "thinning":
            describe_plan(record)
        else:
            kept = record["weights_against_float"]
            note(f"Compression: {record['kind']}. Alone it keeps {kept['class_agreement']:.1%} of classes.", quiet)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        fix = "restore the run from a backup or make it again"
        raise TrustError(f"run.json is damaged: compression: {error!r}", where=str(run.path), fix=fix) from error


def _describe_pruning(record: dict[str, Any], quiet: bool) -> None:
    rows = [
        (
            name.removesuffix("/kernel"),
            f"{layer['weights']:,}",
            f"{layer['zeros']:,}",
            f"{layer['share']:.1%}",
            f"{layer['two_of_four']:.1%}",
        )
        for name, layer in record["layers"].items()
    ]
    print_table("Sparsity", ("layer", "weights", "zeros", "share", "blocks of 4 with 2 zeros"), rows)
    print_table("Left dense", ("why", "layers"), Counter(record["dense"].values()).items())
    sizes = {"all weights, float32": "deflated_bytes", "kernels, int8": "int8_deflated_bytes"}
    print_table(
        "Bytes after deflate, as an app store downloads them",
        ("what", "before", "after", "change"),
        [(what, *_sizes(record[key])) for what, key in sizes.items()],
    )
    note(
        f"Sparsity {record['reached']:.1%} of {record['pruned_weights']:,} weights in 1x1 convolutions "
        f"({record['all_weights']:,} weights in all), pattern {record['pattern']}. {record['meaning']}",
        quiet,
    )


def _sizes(size: dict[str, int | None]) -> tuple[str, str, str]:
    before, after = size["before"], size["after"] or 0
    return (f"{before:,}", f"{after:,}", f"{after / before - 1:+.0%}") if before else ("", f"{after:,}", "")


def plan_training(
    config: TrainConfig, out: Path, as_json: bool, progress: Progress, teacher: Teacher | None = None
) -> None:
    """Print what ``train`` would do; reads and looks at the data, but neither draws nor trains."""
    from melanoma_edge.data.catalog import SPLITS
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.material import divided, planned_data
    from melanoma_edge.training.teacher import check_pupil

    catalog = divided(planned_data(config, progress), config)
    if teacher:
        check_pupil(teacher, catalog)
    splits = {name: len(catalog.part(name)) for name in SPLITS}
    plan = {
        "schema": PLAN_SCHEMA,
        "out": str(out),
        "configuration": to_plain(config),
        "teacher": {"path": str(teacher.run.path), **teacher.settings} if teacher else None,
        "images": splits,
        "classes": catalog.counts(),
        "sources": list(catalog.sources),
        "image_types": list(catalog.image_types),
        "licences": list(catalog.licences),
        "policies": catalog.policies,
        "leaky": catalog.leaky,
        "notes": list(catalog.notes),
    }
    print_plan(plan, as_json)


def print_plan(plan: dict[str, Any], as_json: bool) -> None:
    """Print a plan as JSON or as a table of its keys."""
    if as_json:
        print_json(plan)
        return
    rows = [(key, value) for key, value in plan.items() if key != "schema"]
    print_table("Plan: nothing was written", ("what", "how"), rows)


def describe_artifacts(artifacts: list[Artifact]) -> None:
    """Print what was written."""
    rows = [(item.path.name, item.format, item.precision, f"{item.bytes:,}", item.sha256[:12]) for item in artifacts]
    print_table("Artifacts", ("file", "format", "precision", "bytes", "sha256"), rows)


def describe_verdict(verdict: Verdict, quiet: bool = False) -> None:
    """Print each artifact's checks, the lesions that changed, and at last one row per artifact."""
    for artifact in verdict.artifacts:
        title = f"{Path(artifact.path).name} on {artifact.runtime}: {artifact.verdict.value}"
        describe_judgement(title, artifact.judgement, quiet)
    names = ("class_agreement", "decision_agreement", "sensitivity_loss", "melanoma_auc_change")
    rows = []
    for artifact in verdict.artifacts:
        checks = {check.name: check for check in artifact.judgement.checks}
        lost = sum(flip.melanoma_lost for flip in artifact.judgement.flips)
        numbers = [_number(checks[name].value) if name in checks else "none" for name in names]
        rows.append(
            (Path(artifact.path).name, artifact.runtime, f"{artifact.bytes:,}", *numbers, lost, artifact.verdict)
        )
    columns = (
        "artifact",
        "runtime",
        "bytes",
        *(name.replace("_", " ") for name in names),
        f"{verdict.target}s lost",
        "verdict",
    )
    print_table(f"Parity with the float model on the {verdict.split} split", columns, rows)
    note(
        f"{verdict.verdict.value}: {len(verdict.artifacts)} artifacts on {verdict.groups} lesions "
        f"({verdict.melanomas} {verdict.target}), at threshold {verdict.threshold:.4g}"
        f"{', on a LEAKY split' if verdict.leaky else ''}",
        quiet,
    )


def describe_judgement(title: str, found: Judgement, quiet: bool) -> None:
    """Print the checks of one comparison and the first lesions that changed."""
    rows = [
        (c.name, c.status, _number(c.value), _number(c.limit), _number(c.would_pass_at), c.why) for c in found.checks
    ]
    print_table(title, ("check", "status", "value", "limit", "would pass at", "why"), rows)
    for flip in found.flips[:_FLIPS_SHOWN]:
        lost = "LOST " if flip.melanoma_lost else ""
        note(
            f"  {lost}{flip.image_id} ({flip.label}): {flip.float_class} -> {flip.exported_class}, "
            f"score {flip.float_score:.4f} -> {flip.exported_score:.4f}",
            quiet,
        )
    if len(found.flips) > _FLIPS_SHOWN:
        note(f"  and {len(found.flips) - _FLIPS_SHOWN} more; --json lists all", quiet)


def describe_predictions(answers: Sequence[Prediction]) -> None:
    """Print one row per photo, and each warning once with the number of photos it is about.

    Warnings are part of the answer, so --quiet keeps them.
    """
    rows = []
    for answer in answers:
        best = max(answer.probabilities, key=answer.probabilities.__getitem__)
        threshold = f"{answer.threshold:.4f}{' (site)' if answer.recalibration else ''}"
        rows.append((answer.image, answer.decision, f"{answer.target_score:.4f}", threshold, best))
    print_table("Decisions", ("image", "decision", "score", "threshold", "most probable"), rows)
    for text, count in Counter(text for answer in answers for text in answer.warnings).items():
        note(f"Warning: {text} ({count} images)")


def describe_groups(groups: Sequence[GroupPrediction]) -> None:
    """Print one row per lesion seen on several photos, and what each was warned of."""
    rows = []
    for group in groups:
        best = max(group.probabilities, key=group.probabilities.__getitem__) if group.probabilities else ""
        counted = f"{len(group.images)} of {len(group.images) + len(group.left_out)}"
        score = "" if group.target_score is None else f"{group.target_score:.4f}"
        rows.append((group.group, counted, group.decision, score, f"{group.threshold:.4f}", best))
    columns = ("group", "images counted", "decision", "mean score", "threshold", "most probable")
    print_table("Decisions by group", columns, rows)
    for group in groups:
        for text in group.warnings:
            note(f"Warning: {group.group}: {text}")


def _number(value: float | int | None) -> str:
    return "" if value is None else f"{value:.4g}"
