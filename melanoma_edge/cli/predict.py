"""``melanoma-edge predict``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from melanoma_edge.cli.console import note
from melanoma_edge.cli.options import PATH, output_options
from melanoma_edge.cli.results import describe_predictions


@click.command("predict")
@click.argument("model", type=PATH)
@click.argument("images", type=PATH, nargs=-1, required=True)
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the runtime.")
@output_options
def command(model: Path, images: tuple[Path, ...], threads: int | None, as_json: bool, quiet: bool) -> int:
    """Decide on photos with a run, a .tflite or an .onnx file; folders are walked.

    With --json, one JSON object a line. An image that cannot be read gives a line with "error" and exit code 3 at
    the end; the others are still answered.

    \b
    Example:
      melanoma-edge predict runs/ham/artifacts/model-int8.tflite photo.jpg
    """
    from melanoma_edge.prediction import Prediction, predict

    answered, bad = [], 0
    for answer in predict(model, images, threads):
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
