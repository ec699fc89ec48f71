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
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
    from numpy.typing import NDArray

    from melanoma_edge.prediction import Show
    from melanoma_edge.recalibration import Applied
    from melanoma_edge.runtime import Pixels


@click.command("predict")
@click.argument("model", type=PATH)
@click.argument("images", type=PATH, nargs=-1, required=True)
@click.option("--key", type=PATH, metavar="PUB.pem", help="Refuse a bundle that the holder of this key did not sign.")
@click.option("--threads", type=click.IntRange(min=1), help="CPU threads of the runtime.")
@click.option(
    "--cam", type=PATH, help="New folder for pictures of where the target class was seen (export --with-cam)."
)
@click.option("--recalibration", type=PATH, metavar="FILE", help="Decide at a site's threshold; see `recalibrate`.")
@click.option(
    "--recalibration-key", type=PATH, metavar="PUB.pem", help="Refuse a FILE that the holder of this key did not sign."
)
@output_options
def command(
    model: Path,
    images: tuple[Path, ...],
    key: Path | None,
    threads: int | None,
    cam: Path | None,
    recalibration: Path | None,
    recalibration_key: Path | None,
    as_json: bool,
    quiet: bool,
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
    applied = _applied(recalibration, recalibration_key)
    for answer in predict(model, images, threads, show, _public(key, model) if key else None, applied):
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


def _applied(file: Path | None, key: Path | None) -> Applied | None:
    """Return the recalibration to apply, if one was given.

    Raises:
        UsageError: for a key without one.
        TrustError: when it, its signature or the key is missing or not what it must be.
    """
    from melanoma_edge.bundle.signing import read_public
    from melanoma_edge.recalibration import read_recalibration

    if file is None:
        if key:
            raise UsageError("--recalibration-key without --recalibration", fix="give both, or leave it out")
        return None
    return read_recalibration(file, read_public(key) if key else None)


def _public(key: Path, model: Path) -> EllipticCurvePublicKey:
    """Return the key that must have signed a bundle.

    Raises:
        UsageError: when the model is no bundle.
        TrustError: when the key is missing or none.
    """
    from melanoma_edge.bundle import is_bundle
    from melanoma_edge.bundle.signing import read_public

    if not is_bundle(model):
        raise UsageError("--key is for a bundle", where=str(model), fix="give a bundle, or leave --key out")
    return read_public(key)


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
