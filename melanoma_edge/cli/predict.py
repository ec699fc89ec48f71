"""``melanoma-edge predict``."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from melanoma_edge.cli.console import note
from melanoma_edge.cli.options import PATH, output_options
from melanoma_edge.cli.results import describe_groups, describe_predictions
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
@click.option(
    "--group-by",
    metavar="folder|COLUMN",
    help="Decide also on each lesion, by the mean over its images: those of a folder, or alike in a column of --table.",
)
@click.option("--table", type=PATH, metavar="FILE.csv", help="Table of images for --group-by.")
@click.option("--image-column", help="Of --table: the images' file names. Default: image.")
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
    group_by: str | None,
    table: Path | None,
    image_column: str | None,
    recalibration: Path | None,
    recalibration_key: Path | None,
    as_json: bool,
    quiet: bool,
) -> int:
    """Decide on photos with a run, a .tflite, an .onnx or an .ort file, or a bundle; folders are walked.

    A bundle is checked first, and its TFLite model decides.

    With --json, one JSON object a line. An image that cannot be read gives a line with "error" and exit code 3 at
    the end; the others are still answered.

    With --group-by, each lesion gets a line of its own after the images. Images to be retaken, not assessable or
    unreadable are left out of its mean, and named. A group is one lesion: do not group by patient.

    \b
    Example:
      melanoma-edge predict runs/ham/artifacts/model-int8.tflite photo.jpg
      melanoma-edge predict runs/ham photo.jpg --cam maps
      melanoma-edge predict ham-bundle.zip photo.jpg
      melanoma-edge predict ham-bundle.zip HAM10000/ --group-by folder
    """
    from melanoma_edge.predicted import GroupPrediction, Prediction, Unreadable
    from melanoma_edge.prediction import predict, predict_groups

    answered: list[Prediction] = []
    groups: list[GroupPrediction] = []
    bad = 0
    how: Any = {"threads": threads, "show": _into(cam) if cam else None, "key": _public(key, model) if key else None}
    how["recalibration"] = _applied(recalibration, recalibration_key)
    together = _groups(images, group_by, table, image_column)
    for answer in predict(model, images, **how) if together is None else predict_groups(model, together, **how):
        if as_json:
            click.echo(json.dumps(answer.to_document(), ensure_ascii=False, allow_nan=False))
        if isinstance(answer, Unreadable):
            bad += 1
            note(f"Error: {answer.error}")
        elif isinstance(answer, GroupPrediction):
            groups.append(answer)
        else:
            answered.append(answer)
    if answered and not as_json:
        describe_predictions(answered)
    if groups and not as_json:
        describe_groups(groups)
    return 3 if bad else 0


def _groups(
    images: tuple[Path, ...], group_by: str | None, table: Path | None, image_column: str | None
) -> dict[Path, str] | None:
    """Return the group of each image, or None where nothing is to be grouped.

    Raises:
        UsageError: for a table without --group-by, or a column without a table.
        DataError: as ``photos`` and ``by_table``.
    """
    from melanoma_edge.grouping import by_folder, by_table
    from melanoma_edge.prediction import photos

    if table and group_by:
        return by_table(list(photos(images)), table, image_column or "image", group_by)
    if table:
        raise UsageError("--table is for --group-by", where=str(table), fix="add --group-by COLUMN")
    if image_column:
        raise UsageError(f"--image-column {image_column} is a column of no table", fix="add --table FILE.csv")
    if group_by not in (None, "folder"):
        raise UsageError(f"--group-by {group_by} is a column of no table", fix="add --table FILE.csv, or say folder")
    return by_folder(list(photos(images))) if group_by else None


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
