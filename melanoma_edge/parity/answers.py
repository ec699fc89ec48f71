"""What a float model and a file made of it answered to each image: the table that a verdict is made of.

It lies beside the file as text that any program reads: ``image_id``, then the probability of each class by the float
model (``float:MEL``) and by the file (``exported:MEL``), one row per image in the order of the split. The numbers are
the float32 values themselves, in the fewest digits that give them back.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from melanoma_edge.errors import TrustError, machine_errors
from melanoma_edge.files import write_text

ENDING = ".answers.csv"
_ID = "image_id"
_SIDES = ("float", "exported")
_MOST = 2.0
"""What rounded probabilities stay far below; whether they are sound is judged with all else."""


@dataclass(frozen=True, eq=False)
class PairedAnswers:
    """Hold what two models answered to the same images: ids ``[n]``, probabilities float32 ``[n, classes]``."""

    image_ids: Sequence[str]
    classes: Sequence[str]
    reference: NDArray[np.float32]
    exported: NDArray[np.float32]


def answers_path(artifact: Path) -> Path:
    """Return where the answers stand that the verdict on an artifact was made of."""
    return artifact.with_name(f"{artifact.name}{ENDING}")


def judged_anew(artifact: Path) -> str:
    """Return the command that writes an artifact's verdict and answers again."""
    return f"melanoma-edge parity {artifact.parent.parent} {artifact}"


def write_answers(artifact: Path, answers: PairedAnswers) -> None:
    """Write the answers beside an artifact, in place of older ones."""
    write_text(answers_path(artifact), _table(answers))


def forget_answers(artifact: Path) -> None:
    """Remove the answers beside an artifact, if there are any."""
    with machine_errors(f"removing {answers_path(artifact).name}"):
        answers_path(artifact).unlink(missing_ok=True)


def read_answers(artifact: Path, image_ids: Sequence[str], classes: Sequence[str]) -> PairedAnswers | None:
    """Read the answers beside an artifact.

    Args:
        artifact: whose.
        image_ids: of the split, in its order.
        classes: of the contract, in its order.

    Returns:
        None when there are none.

    Raises:
        TrustError: for other columns, other images, what is no probability, and for text that is not as
            ``write_answers`` writes it; row and column are named.
    """
    path = answers_path(artifact)
    if not path.is_file():
        return None
    with machine_errors(f"reading {path.name}"):
        data = path.read_bytes()
    try:
        text = data.decode()
        header, *rows = csv.reader(io.StringIO(text, newline=""), strict=True)
        _check_names("column", header, _columns(classes))
        _check_names("image", [row[0] if row else "" for row in rows], image_ids)
        values = np.array([_numbers(row, header) for row in rows], np.float32).reshape(len(rows), 2, len(classes))
        answers = PairedAnswers(image_ids, classes, values[:, 0], values[:, 1])
        if _table(answers) != text:
            raise ValueError("it was written otherwise than parity writes it")
    except (ValueError, csv.Error) as error:
        raise TrustError(f"answers are damaged: {error}", where=str(path), fix=judged_anew(artifact)) from error
    return answers


def _columns(classes: Sequence[str]) -> list[str]:
    return [_ID, *(f"{side}:{name}" for side in _SIDES for name in classes)]


def _table(answers: PairedAnswers) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(_columns(answers.classes))
    both = np.concatenate([answers.reference, answers.exported], axis=1, dtype=np.float32)
    writer.writerows([name, *map(str, row)] for name, row in zip(answers.image_ids, both, strict=True))
    return stream.getvalue()


def _check_names(what: str, found: Sequence[str], wanted: Sequence[str]) -> None:
    for place, (one, other) in enumerate(zip_longest(found, wanted), 1):
        if one != other:
            raise ValueError(f"{what} {place} is {one or 'missing'}, wanted {other or 'none'}")


def _numbers(row: Sequence[str], header: Sequence[str]) -> list[float]:
    found = []
    for name, text in zip_longest(header[1:], row[1:]):
        try:
            value = float(text)
        except (TypeError, ValueError):
            value = math.nan
        if name is None or not abs(value) <= _MOST:
            raise ValueError(f"image {row[0]}, column {name or 'too many'}: {text!r} is no probability")
        found.append(value)
    return found
