"""``melanoma-edge evaluate --rejection``: what is not answered, and where the melanomas go meanwhile."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import estimate, note, print_json, print_table, reporting
from melanoma_edge.cli.options import PATH
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    from melanoma_edge.evaluation.intervals import Estimate
    from melanoma_edge.evidence.models import Model
    from melanoma_edge.evidence.rejection_document import ModelRejection, QualityFound, Rejection

PLACE = "rejection.json"


def options(function: Callable[..., Any]) -> Callable[..., Any]:
    """Add ``--rejection`` and ``--other``."""
    function = click.option(
        "--other",
        "others",
        type=PATH,
        multiple=True,
        help="With --rejection: a folder of pictures that are no lesions.",
    )(function)
    return click.option(
        "--rejection", is_flag=True, help="Measure instead what is not answered: bad photos, strange pictures, doubt."
    )(function)


def wanted(options: Mapping[str, Any]) -> bool:
    """Tell whether it was asked for; refuse its option without it."""
    if options["others"] and not options["rejection"]:
        raise UsageError("--other is for --rejection", fix="add --rejection")
    return bool(options["rejection"])


def run_extra(
    models: list[Model],
    options: Mapping[str, Any],
    seed: int,
    as_json: bool,
    quiet: bool,
    dry_run: bool,
) -> int:
    """Measure, write ``RUN/report/rejection.json`` (an older one is replaced) and print."""
    from melanoma_edge.evidence.rejection import reject
    from melanoma_edge.evidence.side_by_side import side_by_side
    from melanoma_edge.evidence.strange import folder_pictures
    from melanoma_edge.files import to_json, write_text
    from melanoma_edge.strictjson import to_plain

    subject = side_by_side(models)
    others = {str(folder): folder_pictures(folder).count for folder in options["others"]}
    place = subject.run.path / "report" / PLACE
    if dry_run:
        names = [str(model.path) for model in subject.models]
        cost = "each model answers validation, test and other pictures once; photos of test are decoded twice"
        plan = {"schema": PLAN_SCHEMA, "models": names, "other pictures": others, "cost": cost}
        print_plan({**plan, "document": str(place)}, as_json)
        return 0
    with reporting(quiet) as reporter:
        found = reject(subject, options["others"], seed=seed, progress=reporter.progress)
    document = to_plain(found)
    write_text(place, to_json(document))
    print_json(document) if as_json else _describe(found, quiet)
    note(f"Rejection: {place}", quiet)
    return 0


def _describe(found: Rejection, quiet: bool) -> None:
    _describe_quality(found.quality)
    for model in found.models:
        _describe_model(model, found)
    note(f"{found.images:,} images of {found.lesions:,} test lesions. {found.counted}", quiet)
    note(f"Sets: {found.models[0].conformal.caveat}", quiet)


def _describe_quality(found: QualityFound) -> None:
    rows = [(f"{one.name} split", one.images, _share(one.share)) for one in found.splits]
    rows += [(f"test with {one.name}", one.images, _share(one.share)) for one in found.faults]
    rows += [(one.name, one.images, _share(one.share)) for one in found.others]
    print_table("Refused by the gate on photo quality", ("photos", "images", "share (95 % interval)"), rows)


def _describe_model(model: ModelRejection, found: Rejection) -> None:
    if model.outlier:
        rows: list[tuple[object, ...]] = [
            (name, one.images, _share(one.share), "", "")
            for what, group in (("", model.outlier.accepted), ("test, ", model.outlier.per_class))
            for one in group
            for name in (f"accepted: {what}{one.name}",)
        ]
        rows += [
            (
                f"refused: {one.name}",
                one.images,
                _share(one.refused),
                f"{one.distance.auroc:.3f} / {one.distance.fpr95:.2f}",
                f"{one.energy.auroc:.3f} / {one.energy.fpr95:.2f}",
            )
            for one in model.outlier.others
        ]
        columns = ("pictures", "images", "share (95 % interval)", "distance: AUROC / FPR95", "energy: AUROC / FPR95")
        print_table(f"{model.name}: limit of strangeness, {found.limits.outlier_from}", columns, rows)
    flow = [(state.replace("_", " "), count.images, count.targets) for state, count in model.flow.items()]
    print_table(f"{model.name}: photos of test", ("told", "images", f"images of {found.target}"), flow)
    answers = [
        (one.name, one.images, one.retake, one.not_assessable, one.refer + one.refer_uncertain, one.no_sign)
        for one in model.answers
    ]
    kinds = ("pictures", "images", "retake", "not assessable", "refer", "no sign")
    print_table(f"{model.name}: pictures that are no lesions of its kind", kinds, answers)
    sets = model.conformal
    covered = [(one.name, one.calibration, one.test, _share(one.coverage)) for one in sets.classes]
    title = f"{model.name}: sets that hold {1 - sets.alpha:.0%} of each class, {sets.mean_size:.2f} classes on average"
    print_table(title, ("class", "calibrated on lesions", "tested on", "covered (95 % interval)"), covered)


def _share(value: Estimate | None) -> str:
    return estimate(vars(value) if value else None)
