"""``melanoma-edge train``."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click

from melanoma_edge.cli.console import note, reporting
from melanoma_edge.cli.data_options import DataCommand, data_options
from melanoma_edge.cli.options import (
    PATH,
    batch_size_option,
    device_option,
    dry_run_option,
    force_option,
    output_options,
    resume_option,
    seed_option,
)
from melanoma_edge.cli.results import describe_run, describe_worker, plan_training


@click.command("train", cls=DataCommand)
@data_options
@click.option("--out", type=PATH, required=True, help="The run's directory.")
@click.option(
    "--preset",
    type=click.Choice(["tiny", "phone", "accurate", "tutorial"]),
    help="Default: tutorial with --backbone tutorial-cnn, else phone with --data, tiny without.",
)
@click.option(
    "--backbone",
    type=click.Choice(["mobilenet_v2", "mobilenet_v1", "tutorial-cnn"]),
    help="Network; tutorial-cnn for comparison with published numbers.",
)
@click.option("--width", type=float, help="Channel multiplier.")
@click.option("--image-size", type=int, help="Pixels per side, a multiple of 32; of tutorial-cnn, of 4.")
@click.option("--init", help="ImageNet weights: imagenet (downloads), none, or a keras.applications file without top.")
@click.option("--epochs", type=int, help="Passes over the training split, at most.")
@batch_size_option
@click.option("--learning-rate", type=float, help="At its peak.")
@click.option("--patience", type=int, help="Epochs without progress on validation before training stops.")
@click.option("--folds", type=int, help="Parts for cross-validation; the same for every --fold of a seed.")
@click.option("--fold", type=int, help="The part to test on, from 1.")
@click.option("--prune", type=float, help="Share of the 1x1 convolutions' weights to set to zero on the way.")
@click.option("--teacher", type=PATH, help="A run whose answers are learned from beside the labels (distillation).")
@click.option(
    "--source-balance/--no-source-balance",
    default=None,
    help="Learn nothing from which data set an image is of; by default so, of matter with several.",
)
@click.option("--target-sensitivity", type=float, help="Of the operating point chosen on validation; 0.95 by default.")
@click.option(
    "--outlier-limits/--no-outlier-limits",
    default=None,
    help="Whether apps refuse pictures unlike those trained on; on by default. Files then also answer the embedding.",
)
@click.option(
    "--uncertain", type=float, help="Share of validation lesions, next below the threshold, referred out of doubt."
)
@device_option
@click.option(
    "--mixed-precision/--no-mixed-precision", default=None, help="float16 arithmetic; default: on a GPU only."
)
@resume_option
@force_option
@seed_option
@dry_run_option
@output_options
def command(
    out: Path,
    preset: str | None,
    teacher: Path | None,
    resume: bool,
    force: bool,
    dry_run: bool,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Train a classifier on skin-lesion images and leave a run.

    The images are split 70/15/15 by lesion, patient and copy, or by --folds. What their labels mean, and which layouts
    are recognised, is in the README. Temperature and operating threshold are chosen on the validation split
    only; the test split is measured once, at the end. A --teacher must know the same classes and image size, and
    none of the images that this run is judged by. With TF_CONFIG set, the same command on several machines trains one
    network; the chief leaves the run.

    \b
    Example:
      melanoma-edge train --data HAM10000/ --out runs/ham --init imagenet
      melanoma-edge train --data HAM10000/ --out runs/fold-2 --folds 5 --fold 2 --dry-run
      melanoma-edge train --out runs/try --epochs 2 --dry-run
    """
    from melanoma_edge.compression.prune import shaper_of
    from melanoma_edge.training.cluster import cluster_of
    from melanoma_edge.training.config import configured
    from melanoma_edge.training.run import Run
    from melanoma_edge.training.teacher import Teacher
    from melanoma_edge.training.trainer import assist, check, train

    cluster = cluster_of(os.environ)
    data = tuple(str(path) for path in options.pop("data"))
    usual = "tutorial" if options["backbone"] == "tutorial-cnn" else "phone" if data else "tiny"
    config = configured(preset or usual, data=data, **options)
    means: Any = {"shaper": shaper_of(config), "teacher": Teacher(Run.open(teacher)) if teacher else None}
    note(_first_line(data), quiet)
    if cluster:
        note(f"{cluster}; training starts when all processes are there.", quiet)
    with reporting(quiet) as reporter:
        if cluster and not cluster.chief and not dry_run:
            assist(config, cluster, **means, progress=reporter.progress)
            describe_worker(cluster, as_json, quiet)
            return
        if dry_run:
            check(config, out, **means, resume=resume, force=force, cluster=cluster)
            plan_training(config, out, as_json, reporter.progress, means["teacher"])
            return
        run = train(config, out, **means, resume=resume, force=force, progress=reporter.progress, cluster=cluster)
    describe_run(run, as_json, quiet)


def _first_line(data: tuple[str, ...]) -> str:
    return (
        f"Training on {', '.join(data)}"
        if data
        else "Training on the built-in synthetic set: its numbers say nothing about people."
    )
