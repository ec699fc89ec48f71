"""Can these images be trained on? Copies, contradictions, leaks, broken files, confounders, and a verdict."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from melanoma_edge.audit.confounding import Confounding, check_confounding
from melanoma_edge.audit.files import Files, check_files
from melanoma_edge.audit.material import gather
from melanoma_edge.audit.pairs import Copies, find_pairs, remaining
from melanoma_edge.audit.power import ClassCount, Proof, count_classes, prove
from melanoma_edge.audit.verdict import Answer, Verdict, judge
from melanoma_edge.data.reading import Reading
from melanoma_edge.progress import Progress, silent

__all__ = ["SCHEMA", "Answer", "Audit", "audit"]

SCHEMA = "melanoma-edge/audit/1"


@dataclass(frozen=True)
class Audit:
    """Hold everything that was found, and the conclusion."""

    schema: str
    paths: tuple[str, ...]
    notes: tuple[str, ...]
    verdict: Verdict
    classes: tuple[ClassCount, ...]
    proof: Proof
    copies: Copies
    confounding: Confounding
    files: Files


def audit(
    paths: Sequence[Path],
    reading: Reading | None = None,
    folder: Path | None = None,
    progress: Progress = silent,
    workers: int | None = None,
    seed: int = 0,
) -> Audit:
    """Look at folders of images before anything is trained on them.

    Every file is decoded once, and what was seen of it is kept: an audit that was stopped continues where it was, and
    a second one looks only at files that are new or changed.

    Args:
        paths: folders, each in a layout that a source knows.
        reading: which source and which columns.
        folder: where what was seen is kept; in the cache folder when not given.
        progress: told of the work.
        workers: processes; as many as there are cores when not given.
        seed: of the folds that measure confounders.

    Raises:
        UsageError: for what ``reading`` or ``workers`` cannot mean.
        DataError: for missing folders, unknown layouts and unknown labels.
        MachineError: when the disk is full.
    """
    reading = reading or Reading()
    material = gather(paths, reading, folder, progress, workers)
    files = check_files(list({look.path: look for look in material.looks}.values()))
    copies = find_pairs(material)
    classes = count_classes(material, remaining(material))
    confounding, proof = check_confounding(material, seed, progress), prove(classes)
    verdict = judge(paths, reading, files, copies, confounding, classes, proof)
    names = tuple(str(path) for path in paths)
    return Audit(SCHEMA, names, material.notes, verdict, classes, proof, copies, confounding, files)
