"""``melanoma-edge predict``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from melanoma_edge.cli.console import note, print_table
from melanoma_edge.cli.options import PATH, output_options


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

    rows, bad, warnings = [], 0, dict[str, int]()
    for answer in predict(model, images, threads):
        if as_json:
            click.echo(json.dumps(answer.to_document(), ensure_ascii=False, allow_nan=False))
        elif isinstance(answer, Prediction):
            best = max(answer.probabilities, key=answer.probabilities.__getitem__)
            score = f"{answer.target_score:.4f}"
            rows.append((answer.image, answer.decision, score, f"{answer.threshold:.4f}", best))
            for text in answer.warnings:
                warnings[text] = warnings.get(text, 0) + 1
        if not isinstance(answer, Prediction):
            bad += 1
            note(f"Error: {answer.error}")
    if rows:
        print_table("Decisions", ("image", "decision", "score", "threshold", "most probable"), rows)
    for text, count in warnings.items():
        note(f"Warning: {text} ({count} images)", quiet)
    return 3 if bad else 0
