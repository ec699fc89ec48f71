"""A teacher: a trained run whose answers another training learns from, beside the labels."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from melanoma_edge.data.catalog import Catalog, CatalogRow
from melanoma_edge.errors import MelanomaEdgeError, UsageError, named
from melanoma_edge.training.run import Run, relative

_HIDDEN = {"validation": ("train",), "test": ("train", "validation")}
"""Splits of a pupil, each with the splits of its teacher that must share no image or group with it."""
_OTHER = "choose a teacher trained on the same data with the same --seed"


@dataclass(frozen=True, eq=False)
class Teacher:
    """Name the run to learn from, and how.

    The teacher sees the very crops that the pupil sees (Beyer et al. 2022, "Knowledge distillation: a good teacher is
    patient and consistent"), at its own size.

    Attributes:
        run: the teacher.
        temperature: by which both answers are softened.
        share: of the teacher's answers in the loss, 0 to 1; the labels have the rest.
    """

    run: Run
    temperature: float = 2.0
    share: float = 0.5

    @property
    def settings(self) -> dict[str, Any]:
        """What of the teacher decides the result."""
        digest = self.run.record.weights_sha256
        return {"weights_sha256": digest, "temperature": self.temperature, "share": self.share}

    def record(self, out: Path) -> dict[str, Any]:
        """Return what the pupil's run, in ``out``, keeps of its teacher."""
        catalog = self.run.contract.provenance.catalog_sha256
        return {"path": relative(self.run.path, out), "catalog_sha256": catalog, **self.settings}


def check_teacher(teacher: Teacher, image_size: int, parent: Run | None = None) -> None:
    """Raise ``UsageError`` for a teacher that looks at another image size, or that was taught by other images.

    What a teacher learned from its own teacher stays in whatever is made from it, so every run that it was made from
    is asked, and must be there. A parent that teaches its child tells nothing new: the child has its weights and split.

    Args:
        teacher: the teacher.
        image_size: of the pupil.
        parent: the run that the pupil is made from, if any.
    """
    run, where = teacher.run, str(teacher.run.path)
    if run.contract.input_size != image_size:
        what = f"the teacher looks at {run.contract.input_size} pixels a side, this run at {image_size}"
        raise UsageError(what, where=where, fix=f"train with --image-size {run.contract.input_size}")
    if parent and run.path.resolve() == parent.path.resolve():
        return
    for one in _lineage(run):
        before = one.record.training.get("teacher")
        if before and before.get("catalog_sha256") != one.contract.provenance.catalog_sha256:
            what = "the teacher itself learned from a teacher of other images, which may be those of this run's test"
            raise UsageError(what, where=str(one.path), fix=_OTHER)


def _lineage(run: Run) -> Iterator[Run]:
    """Yield a run and all that it was made from; raises ``UsageError`` when one of them is missing or another."""
    yield run
    while parent := run.record.parent:
        path = (run.path / parent.path).resolve()
        what = "who taught this teacher cannot be told without the run that it was made from"
        fix = "restore that run where it was, or choose another teacher"
        try:
            found = Run.open(path)
        except MelanomaEdgeError as error:
            raise UsageError(f"{what}: {error.what}", where=str(path), fix=fix) from error
        if found.record.weights_sha256 != parent.weights_sha256:
            raise UsageError(f"{what}: another stands there", where=str(path), fix=fix)
        run = found
        yield run


def check_pupil(teacher: Teacher, catalog: Catalog) -> None:
    """Raise ``UsageError`` unless a teacher knows a pupil's classes and none of what the pupil is judged by.

    Args:
        teacher: the teacher.
        catalog: the pupil's, already split.
    """
    where = str(teacher.run.path)
    if teacher.run.contract.provenance.leaky and not catalog.leaky:
        raise UsageError("the teacher's split is LEAKY", where=where, fix="choose a teacher split by group")
    if teacher.run.contract.classes != catalog.classes:
        what = f"the teacher's classes are {named(teacher.run.contract.classes)}, not {named(catalog.classes)}"
        raise UsageError(what, where=where, fix="choose a teacher trained on the same classes")
    for split, hidden in _HIDDEN.items():
        leaked = _shared(catalog.part(split), [row for row in teacher.run.catalog.rows if row.split in hidden])
        if leaked:
            what = f"leak: the teacher saw {len(leaked)} images of this run's {split} split, or of their groups"
            raise UsageError(f"{what}: {named(leaked)}", where=where, fix=_OTHER)


def _shared(rows: tuple[CatalogRow, ...], seen: list[CatalogRow]) -> list[str]:
    """Name the images that, or whose groups, are among those seen."""
    images, groups = {row.sha256 for row in seen}, {row.group for row in seen}
    return [row.image_id for row in rows if row.sha256 in images or row.group in groups]
