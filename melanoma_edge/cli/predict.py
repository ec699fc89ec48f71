"""``melanoma-edge predict``."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from melanoma_edge.cli.console import note
from melanoma_edge.cli.options import PATH, output_options
from melanoma_edge.cli.results import describe_predictions
from melanoma_edge.errors import UsageError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from melanoma_edge.prediction import Show
    from melanoma_edge.runtime import Pixels


@click.command("predict")
@click.argument("model", type=PATH)
@click.argument("images", type=PATH, nargs=-1, required=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the runtime.")
@click.option(
    "--cam", type=PATH, help="New folder for pictures of where the target class was seen (export --with-cam)."
)
@output_options
def command(
    model: Path, images: tuple[Path, ...], threads: int | None, cam: Path | None, as_json: bool, quiet: bool
) -> int:
    """Decide on photos with a run, a .tflite, an .onnx or an .ort file, or a bundle; folders are walked.

    A bundle is checked first, and its TFLite model decides.

    With --json, one JSON object a line. An image that cannot be read gives a line with "error" and exit code 3 at
    the end; the others are still answered.

    \b
    Example:
      melanoma-edge predict runs/ham/artifacts/model-int8.tflite photo.jpg
      melanoma-edge predict runs/ham photo.jpg --cam maps
      melanoma-edge predict ham-bundle.zip photo.jpg
    """
    from melanoma_edge.prediction import Prediction, predict

    answered, bad = [], 0
    show = _into(cam) if cam else None
    for answer in predict(model, images, threads, show):
        if as_json:
            click.echo(json.dumps(answer.to_document(), ensure_ascii=False, allow_nan=False))
        if isinstance(answer, Prediction):
            answered.append(answer)
        else:
            bad += 1
            note(f"Error: {answer.error}")
    if answered and not as_json:
        describe_predictions(answered, quiet)
    return 3 if bad else 0


def _into(folder: Path) -> Show:
    """Return what writes the picture of every image into a new folder, numbered in the order of the answers.

    Raises:
        UsageError: when the folder exists.
    """
    from melanoma_edge.files import write_bytes
    from melanoma_edge.report.overlay import overlay

    if folder.exists():
        raise UsageError("refusing to overwrite", where=str(folder), fix="give a folder that does not exist yet")
    number = itertools.count(1)

    def show(file: Path, pixels: Pixels, scores: NDArray[np.float64]) -> None:
        write_bytes(folder / f"{next(number):04}-{file.stem}.png", overlay(pixels, scores))

    return show
