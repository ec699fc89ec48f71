"""Whether one may train on these images, after which steps, and the command that takes them."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from melanoma_edge.audit.confounding import ALL, Confounding
from melanoma_edge.audit.files import Files
from melanoma_edge.audit.pairs import Copies
from melanoma_edge.audit.power import ClassCount, Proof
from melanoma_edge.data.catalog import SPLITS
from melanoma_edge.data.labels import target_of
from melanoma_edge.data.reading import Reading
from melanoma_edge.errors import DataError, named

_ALONE = 0.9


class Answer(StrEnum):
    """Answer whether images can be trained on."""

    USABLE = "usable"
    AFTER_STEPS = "usable after these steps"
    NOT_USABLE = "not usable"


@dataclass(frozen=True)
class Step:
    """Say what is wrong, what is done about it, and the option of ``train`` that does it."""

    finding: str
    remedy: str
    option: str


@dataclass(frozen=True)
class Verdict:
    """Hold the answer.

    Attributes:
        answer: the answer.
        obstacles: what no step mends.
        steps: what has to be done.
        warnings: what remains true whatever is done, for whoever reads the numbers.
        command: the command that takes the steps; empty when nothing can be trained.
    """

    answer: Answer
    obstacles: tuple[str, ...]
    steps: tuple[Step, ...]
    warnings: tuple[str, ...]
    command: str


def judge(
    paths: Sequence[Path],
    reading: Reading,
    files: Files,
    copies: Copies,
    confounding: Confounding,
    classes: Sequence[ClassCount],
    proof: Proof,
) -> Verdict:
    """Draw the conclusion from everything found."""
    obstacles, steps = _obstacles(classes), _steps(files, copies)
    answer = Answer.NOT_USABLE if obstacles else Answer.AFTER_STEPS if steps else Answer.USABLE
    command = "" if obstacles else _command(paths, reading, steps)
    warnings = (*_alike(copies), *_warnings(files, confounding, classes, proof))
    return Verdict(answer, obstacles, steps, warnings, command)


def _obstacles(classes: Sequence[ClassCount]) -> tuple[str, ...]:
    left = [one.label for one in classes if one.groups >= len(SPLITS)]
    try:
        target_of(left)
    except DataError as error:
        few = [f"{one.label} has {one.groups}" for one in classes if one.groups < len(SPLITS)]
        why = f" (classes of fewer than {len(SPLITS)} groups do not count: {named(few)})" if few else ""
        return (f"{error.what}{why}; {error.fix}",)
    return ()


def _steps(files: Files, copies: Copies) -> tuple[Step, ...]:
    found = []
    if files.undecodable:
        what = f"{len(files.undecodable):,} files cannot be decoded"
        found.append(Step(what, "leave them out, recorded", "--skip-bad-images"))
    if copies.conflicting_images:
        labels = named((f"{' and '.join(one.labels)} {one.images:,}" for one in copies.conflicts), 3)
        what = f"{copies.conflicting_images:,} images stand under two labels ({labels})"
        remedy = "leave all their files out, or give the right labels with --on-conflict prefer FILE"
        found.append(Step(what, remedy, "--on-conflict drop"))
    equal = sum(copies.by_kind[kind] for kind in ("equal bytes", "equal pixels", "one ISIC number"))
    if equal:
        found.append(
            Step(f"{equal:,} files are copies of others", "keep the first of each", "--on-duplicate keep-first")
        )
    near = copies.by_kind["near-duplicate"] + copies.by_kind["cutting"]
    leaked = [leak for leak in copies.leaks if leak.images or leak.alike or leak.group]
    if leaked:
        what = "; ".join(
            f"{leak.images + leak.alike + leak.group:,} images of {leak.parts[0]} stand in {leak.parts[1]} too, as the "
            f"same image or lesion ({leak.other_label:,} under another label)"
            for leak in leaked
        )
        found.append(Step(what, "pool the folders and split anew by group", "--test-folder pool"))
    if near:
        what = f"{near:,} pairs of different files show the same picture or a part of it"
        found.append(Step(what, "keep each pair on one side of the split", "--split-policy grouped"))
    return tuple(found)


def _alike(copies: Copies) -> tuple[str, ...]:
    """Point out alike pictures under different labels, which no option settles."""
    count = copies.alike_conflicts
    return (f"{count:,} pairs of alike pictures stand under different labels; look at them",) if count else ()


def _warnings(files: Files, confounding: Confounding, classes: Sequence[ClassCount], proof: Proof) -> tuple[str, ...]:
    found = [
        f"{one.name} alone tells the class: macro AUC {one.macro_auc.value:.2f} ({one.macro_auc.low:.2f}-"
        f"{one.macro_auc.high:.2f}, chance 0.50), so a high score need not come from the lesion"
        for one in confounding.confounders
        if one.suspicious and one.name != ALL
    ]
    found += _one_origin(confounding)
    few = [one for one in classes if one.groups < len(SPLITS)]
    found += [f"class {one.label} falls out: {one.groups} groups are left" for one in few]
    found += [files.thumbnails] if files.thumbnails else []
    if files.misnamed:
        found.append(
            f"{len(files.misnamed):,} files are another format than their names say; they are read all the same"
        )
    validation, test = proof.groups[SPLITS[1]], proof.groups[SPLITS[2]]
    if validation < proof.validation_needed:
        found.append(
            f"validation would have {validation} {proof.target} lesions: too few to certify a sensitivity of 95 % "
            f"({proof.validation_needed} are needed); at most {proof.certified:.1%} can be, without one miss"
        )
    if test < proof.test_needed:
        found.append(
            f"test would have {test} {proof.target} lesions: too few to exclude a loss of 5 points by an export "
            f"({proof.test_needed} are needed); without one lost, {proof.loss_bound:.1%} can be"
        )
    return tuple(found)


def _one_origin(confounding: Confounding) -> list[str]:
    """Say which classes come from one origin each, where there are several origins."""
    alone: dict[str, list[str]] = {}
    for label, row in confounding.origins.items():
        origin, count = max(row.items(), key=lambda item: item[1])
        if count >= _ALONE * sum(row.values()):
            alone.setdefault(origin, []).append(label)
    if len(alone) < 2:
        return []
    parts = "; ".join(f"{', '.join(labels)} from {origin}" for origin, labels in sorted(alone.items()))
    return [f"class is origin: at least {_ALONE:.0%} of {parts}"]


def _command(paths: Sequence[Path], reading: Reading, steps: Sequence[Step]) -> str:
    words = ["melanoma-edge", "train"]
    for path in paths:
        words += ["--data", str(path)]
    words += _layout(reading)
    for step in steps:
        words += step.option.split()
    return shlex.join([*words, "--out", "runs/audited"])


def _layout(reading: Reading) -> list[str]:
    """Return the options by which the audit itself was told how to read."""
    columns = reading.columns
    given = {
        "--source": reading.source if reading.source != "auto" else None,
        "--path-column": columns.path if columns else None,
        "--label-column": columns.label if columns else None,
        "--group-column": columns.group if columns else None,
        "--image-type": reading.image_type,
    }
    words = [word for name, value in given.items() if value for word in (name, value)]
    words += ["--skip-missing-images"] if reading.skip_missing else []
    return words + (["--skip-unknown-labels"] if reading.skip_unknown else [])
