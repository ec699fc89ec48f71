"""The explanations document: what was found of activation maps, and the lesions that are got wrong."""

from __future__ import annotations

from dataclasses import dataclass

from melanoma_edge.evaluation.intervals import Estimate
from melanoma_edge.evidence.side_by_side import FileNote, Header

SCHEMA = "melanoma-edge/explanations/1"


@dataclass(frozen=True)
class Walk:
    """Hold areas under the score's curve while places go or come: in the map's order, and by chance.

    ``gain`` is the mean difference that the map's order makes, with its 95 % interval over images: below 0 for
    deletion and above 0 for insertion where the map finds what the score rests on.
    """

    by_map: float
    by_chance: float
    gain: Estimate | None


@dataclass(frozen=True)
class Randomised:
    """Hold how alike maps remain when weights of some layers are shuffled: 1 would say that they show no model."""

    layers: str
    rank_correlation: float | None


@dataclass(frozen=True)
class Mapped:
    """Hold what was found of one model's maps.

    ``like_float`` is the rank correlation with the float model's maps, None for that itself. ``centre`` is the share
    of a map in the central square, of which an even map has ``centre_of_even``.
    """

    name: str
    artifact: FileNote | None
    grid: tuple[int, int]
    like_float: float | None
    centre: Estimate | None
    centre_of_even: float
    deletion: Walk
    insertion: Walk


@dataclass(frozen=True)
class Case:
    """Show one lesion by the image that speaks most clearly; scores of the lesion are in the order of ``models``."""

    image_id: str
    group: str
    label: str
    scores: tuple[float, ...]
    picture: str | None


@dataclass(frozen=True)
class Explanations(Header):
    """Hold ``report/explanations.json``.

    ``missed`` are all lesions of the target that some model does not refer, ``alarms`` the others that the last model
    is most sure of. ``randomised`` is of the float model.
    """

    mapped_images: int
    models: tuple[Mapped, ...]
    randomised: tuple[Randomised, ...]
    missed: tuple[Case, ...]
    alarms: tuple[Case, ...]
