"""``melanoma-edge evaluate --rejection``: what is not answered, and where the melanomas go meanwhile."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import estimate, note, print_table
from melanoma_edge.cli.extra import Extra, Own
from melanoma_edge.cli.options import PATH
from melanoma_edge.progress import Progress

if TYPE_CHECKING:
    from melanoma_edge.evaluation.intervals import Estimate
    from melanoma_edge.evidence.rejection_document import ModelRejection, QualityFound, Rejection
    from melanoma_edge.evidence.side_by_side import SideBySide


def _plan(_: SideBySide, __: Path, others: tuple[Path, ...]) -> Mapping[str, Any]:
    from melanoma_edge.evidence.strange import folder_pictures

    cost = "each model answers validation, test and other pictures once; photos of test are decoded twice"
    return {"other pictures": {str(folder): folder_pictures(folder).count for folder in others}, "cost": cost}


def _measure(subject: SideBySide, _: Path, others: tuple[Path, ...], seed: int, progress: Progress) -> Rejection:
    from melanoma_edge.evidence.rejection import reject

    return reject(subject, others, seed=seed, progress=progress)


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


_OTHER = {"type": PATH, "multiple": True, "help": "With --rejection: a folder of pictures that are no lesions."}
EXTRA = Extra(
    name="rejection",
    help="Measure instead what is not answered: bad photos, strange pictures, doubt.",
    own=Own("--other", _OTHER),
    document="rejection.json",
    plan=_plan,
    measure=_measure,
    describe=_describe,
)
