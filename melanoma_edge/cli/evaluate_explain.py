"""``melanoma-edge evaluate --explain``: whether activation maps can be believed, and which lesions are got wrong."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from melanoma_edge.cli.console import estimate, print_table
from melanoma_edge.cli.extra import Extra, Own
from melanoma_edge.progress import Progress

if TYPE_CHECKING:
    from melanoma_edge.evidence.explanations_document import Case, Explanations, Walk
    from melanoma_edge.evidence.side_by_side import SideBySide

_PICTURES = "explanations"
_SHOWN = 10


def _plan(subject: SideBySide, folder: Path, no_images: bool) -> Mapping[str, Any]:
    from melanoma_edge.evidence.explanations import MAPPED, check_maps

    check_maps(subject)
    cost = f"each model answers test once, and up to {MAPPED} images four times without each of their places"
    return {"cost": cost, "pictures": "" if no_images else str(folder / _PICTURES)}


def _measure(subject: SideBySide, folder: Path, no_images: bool, seed: int, progress: Progress) -> Explanations:
    from melanoma_edge.evidence.explanations import check_maps, explain, forget_pictures

    check_maps(subject)
    pictures = folder / _PICTURES
    forget_pictures(pictures)
    return explain(subject, None if no_images else pictures, seed=seed, progress=progress)


def _describe(found: Explanations, _: bool) -> None:
    rows = [
        (
            one.name,
            "" if one.like_float is None else f"{one.like_float:.3f}",
            f"{estimate(vars(one.centre) if one.centre else None)} of {one.centre_of_even:.2f}",
            _walk(one.deletion),
            _walk(one.insertion),
        )
        for one in found.models
    ]
    columns = ("model", "ranks as float's", "in the middle, of an even map", "deletion: map, chance", "insertion")
    print_table("Activation maps", columns, rows)
    changed = [
        (one.layers, "not defined" if one.rank_correlation is None else f"{one.rank_correlation:.3f}")
        for one in found.randomised
    ]
    print_table("Maps of the float model with shuffled weights", ("shuffled", "ranks as before"), changed)
    _list(f"{found.target} lesions missed by some model", found.missed, found)
    _list("Surest false alarms", found.alarms[:_SHOWN], found)


def _walk(walk: Walk) -> str:
    gain = walk.gain
    spread = f" ({gain.low:+.3f} to {gain.high:+.3f})" if gain else ""
    return f"{walk.by_map:.3f}, {walk.by_chance:.3f}{spread}"


def _list(title: str, cases: tuple[Case, ...], found: Explanations) -> None:
    columns = ("image", "group", "label", *(one.name for one in found.models))
    rows = [(one.image_id, one.group, one.label, *(f"{score:.4f}" for score in one.scores)) for one in cases]
    print_table(f"{title}; threshold {found.threshold:.4g}", columns, rows)


_NO_IMAGES = {"is_flag": True, "help": "With --explain: draw no pictures of lesions."}
EXTRA = Extra(
    name="explain",
    help="Check activation maps instead, and list the lesions that are got wrong.",
    own=Own("--no-images", _NO_IMAGES),
    document="explanations.json",
    plan=_plan,
    measure=_measure,
    describe=_describe,
)
