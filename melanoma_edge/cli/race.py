"""``melanoma-edge race``."""

from __future__ import annotations

from typing import Any

import click

from melanoma_edge.cli.console import note, print_json, print_table, reporting
from melanoma_edge.cli.data_options import DataCommand, data_options
from melanoma_edge.cli.options import batch_size_option, dry_run_option, output_options, seed_option
from melanoma_edge.cli.results import PLAN_SCHEMA, print_plan


@click.command("race", cls=DataCommand)
@data_options
@click.option("--backbone", type=click.Choice(["mobilenet_v2", "mobilenet_v1"]), help="Network.")
@click.option("--width", type=float, help="Channel multiplier.")
@click.option("--image-size", type=int, help="Pixels per side, a multiple of 32.")
@click.option("--init", default="none", show_default=True, help="ImageNet weights: as of train.")
@click.option("--epochs", type=int, default=6, show_default=True, help="Of each.")
@batch_size_option
@click.option("--learning-rate", type=float, help="At its peak; the recipes keep it throughout.")
@click.option("--recipe", "recipes", multiple=True, help="plain or careful; default: both.")
@seed_option
@dry_run_option
@output_options
def command(recipes: tuple[str, ...], dry_run: bool, as_json: bool, quiet: bool, **options: Any) -> None:
    """Measure our training against the plain Keras recipe on the same images and epochs.

    The plain recipe is that of Keras' guides: image_dataset_from_directory with prefetching, a network of
    keras.applications, Adam, fit. The careful one also keeps decoded images in memory and freezes batch norm.
    Each trains in a process of its own, in turns of one epoch, from images that nobody has decoded. Ratios are ours to
    theirs: of images a second, and of the time to the best validation macro AUC that they reach.

    \b
    Example:
      melanoma-edge race --data HAM10000/ --epochs 1 --recipe plain
      melanoma-edge race --data HAM10000/ --dry-run
    """
    from melanoma_edge.errors import UsageError
    from melanoma_edge.strictjson import to_plain
    from melanoma_edge.training.config import configured
    from melanoma_edge.training.plain import RECIPES
    from melanoma_edge.training.race import check_race, race

    data = tuple(str(path) for path in options.pop("data"))
    if not data:
        raise UsageError("no images to train on", fix="add --data FOLDER")
    config, chosen = configured("phone", data=data, **options), recipes or tuple(RECIPES)
    check_race(config, chosen)
    if dry_run:
        print_plan({"schema": PLAN_SCHEMA, "recipes": list(chosen), **to_plain(config)}, as_json)
        return
    with reporting(quiet) as reporter:
        found = race(config, chosen, reporter.progress).to_document()
    print_json(found) if as_json else _print(found, quiet)


def _print(document: dict[str, Any], quiet: bool) -> None:
    counts = document["images"]
    ratios = {one["to"]: one for one in document["ratios"]}
    rows = [_row(one, ratios.get(one["name"])) for one in document["contestants"]]
    columns = (
        "training",
        "images/s",
        "per CPU s",
        "best macro AUC",
        "ours: speed",
        "CPU speed",
        "time to it",
        "CPU time",
    )
    print_table(f"{counts['train']} training and {counts['validation']} validation images", columns, rows)
    note(document["note"], quiet)


def _row(one: dict[str, Any], ratio: dict[str, Any] | None) -> tuple[object, ...]:
    cells = (f"{one['images_per_second']:.1f}", f"{one['images_per_cpu_second']:.1f}", f"{one['best_macro_auc']:.3f}")
    if ratio is None:
        return (one["name"], *cells, *[""] * 4)
    speeds = [f"{ratio[name]:.2f}" for name in ("images_per_second", "images_per_cpu_second")]
    times = ["never" if ratio[name] is None else f"{ratio[name]:.2f}" for name in ("time_ratio", "cpu_time_ratio")]
    return (one["name"], *cells, *speeds, *times)
