"""How much an int8 model depends on which images its ranges were measured on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from exporters.answers import answers
from exporters.material import Material
from exporters.plan import Plan
from exporters.precision import Precision
from melanoma_edge.compression import calibration
from melanoma_edge.compression.ranges import Ranges


@dataclass(frozen=True)
class Stability:
    """Compare the model with one whose ranges come from other images, of other groups.

    Attributes:
        images: of both calibration sets; the second is smaller where training images run out.
        largest_range_change: by how much the width of a tensor's range differs, at most, as a share of the file's.
        tensor: where.
        mean_range_change: the mean over all tensors.
        split: where the models' answers are compared, image by image.
        class_agreement: share of images with one predicted class.
        decision_agreement: share of images with one decision.
        mean_score_change: mean size of the difference of the target score.
    """

    images: tuple[int, int]
    largest_range_change: float
    tensor: str
    mean_range_change: float
    split: str
    class_agreement: float
    decision_agreement: float
    mean_score_change: float


def stability(material: Material, precision: Precision) -> Stability | None:
    """Measure ranges a second time on disjoint groups, quantize with them, and compare on validation.

    Returns:
        None when no training group is left for a second set, or the precision has no ranges.
    """
    if not precision.calibrated:
        return None
    plan = material.planned(precision)
    if precision is Precision.INT8_FULL:
        precision = Precision.INT8  # the same numbers behind another input
    key = precision, tuple(plan)
    if key not in material.stabilities:
        second = calibration.further_images(material.run, material.chosen, material.progress)
        material.stabilities[key] = _compared(material, precision, plan, second) if second else None
    return material.stabilities[key]


def _compared(material: Material, precision: Precision, plan: Plan, second: calibration.CalibrationSet) -> Stability:
    progress = material.progress
    measured = calibration.collect_ranges(material.on_grid, second.pixels, progress)
    pair = [seen.ranges(precision.bits) for seen in (material.measured, measured)]
    changes = range_changes(*pair)
    worst = max(changes, key=lambda name: changes[name])
    validation = material.run.images("validation", progress)
    models = [material.mixed(precision, ranges, plan) for ranges in pair]
    one, other = (answers(model, validation.pixels, progress, "checking calibration") for model in models)
    return Stability(
        images=(len(material.chosen.image_ids), len(second.image_ids)),
        largest_range_change=changes[worst],
        tensor=worst,
        mean_range_change=float(np.mean(list(changes.values()))),
        split="validation",
        **material.run.contract.agreement(one, other),
    )


def range_changes(one: Ranges, other: Ranges) -> dict[str, float]:
    """Return how far both ends of each tensor's range lie apart, summed, as a share of the first range's width.

    Tensors that never change, such as constants, are left out.
    """
    found = {}
    for name in one.keys() & other.keys():
        (low, high), (other_low, other_high) = one[name], other[name]
        if high > low:
            found[name] = (abs(low - other_low) + abs(high - other_high)) / (high - low)
    return dict(sorted(found.items()))
