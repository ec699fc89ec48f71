"""Write the synthetic set as a folder that the HAM10000 source reads."""

from __future__ import annotations

import csv
import glob
import hashlib
import io
import json
import os
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from melanoma_edge.data.synthetic.picture import render
from melanoma_edge.data.synthetic.spec import Stream, SyntheticSpec, View, generator, plan
from melanoma_edge.data.workers import spread
from melanoma_edge.errors import DataError, UsageError, machine_errors, named
from melanoma_edge.files import locked, to_json
from melanoma_edge.progress import Progress, silent
from melanoma_edge.strictjson import to_plain

SCHEMA = "melanoma-edge/synthetic/1"
MARKER = "synthetic.json"
GENERATOR = 1
"""Raised whenever the same spec would give other pictures."""

_TASK = "render synthetic images"
_QUALITY = 92
_CHUNK = 32
_DX = {"AK": "akiec", "BCC": "bcc", "BKL": "bkl", "DF": "df", "MEL": "mel", "NV": "nv", "VASC": "vasc"}
_COLUMNS = ("lesion_id", "image_id", "dx", "dx_type", "age", "sex", "localization")
_SITES = ("back", "lower extremity", "trunk", "upper extremity", "abdomen", "face", "chest", "foot", "neck", "scalp")


def write_synthetic(folder: Path, spec: SyntheticSpec, progress: Progress = silent, workers: int | None = None) -> None:
    """Write ``images/<image_id>.jpg``, ``metadata.csv`` and the marker ``synthetic.json`` into ``folder``.

    The folder appears as a whole or not at all. A complete folder of the same spec is left as it is.

    Args:
        folder: where to write; its parent is made when missing.
        spec: what to draw.
        progress: told how many images are done.
        workers: processes to draw with; all allowed cores when not given.

    Raises:
        UsageError: when ``folder`` holds something else, or ``workers`` is below 1.
        DataError: when ``folder`` holds this set but no longer all of it.
        MachineError: when the disk is full, read-only or not permitted, or a drawing process is killed.
    """
    count = len(os.sched_getaffinity(0)) if workers is None else workers
    if count < 1:
        raise UsageError(f"cannot draw with {count} processes", fix="give 1 or more")
    folder = folder.resolve()
    lock = folder.with_name(f".{folder.name}.lock")
    with locked(lock, wait=True, waiting=lambda: progress("waiting for another run that draws the same images", 0, 0)):
        if not _complete(folder, spec):
            with _whole(folder) as part:
                _fill(part, spec, progress, count)


def _complete(folder: Path, spec: SyntheticSpec) -> bool:
    """Say whether ``folder`` already holds the set; an absent or empty one does not."""
    if not folder.exists() or (folder.is_dir() and not any(folder.iterdir())):
        return False
    views = plan(spec)
    found = _read_marker(folder)
    if found != _marker(spec, views):
        what = "folder holds a synthetic set of another spec" if found else "folder holds something else"
        raise UsageError(what, where=str(folder), fix="choose another folder, or delete this one")
    present = {path.name for path in (folder / "images").iterdir()} if (folder / "images").is_dir() else set()
    missing = [f"{view.image_id}.jpg" for view in views if f"{view.image_id}.jpg" not in present]
    table = folder / "metadata.csv"
    if not table.is_file() or table.read_text("utf-8") != _metadata(spec, views):
        missing.append(table.name)
    if missing:
        what = f"synthetic set is damaged: {named(missing)} missing or changed"
        raise DataError(what, where=str(folder), fix="delete the folder and write the set again")
    return True


def _read_marker(folder: Path) -> Any:
    try:
        return json.loads((folder / MARKER).read_text("utf-8"))
    except (OSError, ValueError):
        return None


def _marker(spec: SyntheticSpec, views: Sequence[View]) -> dict[str, Any]:
    table = hashlib.sha256(_metadata(spec, views).encode()).hexdigest()
    return {"schema": SCHEMA, "generator": GENERATOR, **to_plain(spec), "images": len(views), "metadata_sha256": table}


@contextmanager
def _whole(folder: Path) -> Iterator[Path]:
    """Give an empty sibling to fill, and rename it to ``folder`` when the block ends well."""
    part = folder.with_name(f".{folder.name}.{os.getpid()}.part")
    with machine_errors(f"writing {folder.name}"):
        # The lock is held, so what lies here was left by a process that was killed.
        for stale in folder.parent.glob(f".{glob.escape(folder.name)}.*.part"):
            shutil.rmtree(stale, ignore_errors=True)
        try:
            (part / "images").mkdir(parents=True)
            yield part
            part.replace(folder)
        finally:
            shutil.rmtree(part, ignore_errors=True)


def _fill(part: Path, spec: SyntheticSpec, progress: Progress, workers: int) -> None:
    views = plan(spec)
    chunks = [views[start : start + _CHUNK] for start in range(0, len(views), _CHUNK)]
    done = 0
    progress(_TASK, 0, len(views))
    # Closed at once when the loop is left early: nothing may draw into a folder that is being removed.
    with closing(spread(partial(_draw_chunk, part / "images", spec), chunks, min(workers, len(chunks)))) as steps:
        for drawn in steps:
            done += drawn
            progress(_TASK, done, len(views))
    (part / "metadata.csv").write_text(_metadata(spec, views), "utf-8")
    (part / MARKER).write_text(to_json(_marker(spec, views)), "utf-8")


def _draw_chunk(images: Path, spec: SyntheticSpec, views: Sequence[View]) -> int:
    for view in views:
        Image.fromarray(render(spec, view)).save(images / f"{view.image_id}.jpg", "JPEG", quality=_QUALITY)
    return len(views)


def _metadata(spec: SyntheticSpec, views: Sequence[View]) -> str:
    """Return the table in the columns of HAM10000; age, sex and site say nothing about the class."""
    stream = io.StringIO()
    table = csv.writer(stream, lineterminator="\n")
    table.writerow(_COLUMNS)
    for view in views:
        patient = _patient(generator(spec.seed, Stream.PATIENT, view.lesion, 1))
        table.writerow((view.lesion_id, view.image_id, _DX[view.label], "synthetic", *patient))
    return stream.getvalue()


def _patient(random: np.random.Generator) -> tuple[str, str, str]:
    age = f"{5 * int(random.integers(4, 18))}.0" if random.random() < 0.98 else ""
    sex = ("male", "female")[int(random.integers(2))] if random.random() < 0.98 else "unknown"
    return age, sex, _SITES[int(random.integers(len(_SITES)))]
