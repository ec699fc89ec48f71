"""Which lesions an exported file answers otherwise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from melanoma_edge.evaluation.lesions import Lesions
from melanoma_edge.evaluation.metrics import Cases
from melanoma_edge.parity.verdict import Flip


def flips_of(
    before: Cases, after: Cases, unit: Lesions, image_ids: Sequence[str], classes: Sequence[str]
) -> tuple[Flip, ...]:
    """List the lesions whose class or decision changed: melanomas lost first, then by image id.

    Where each lesion of ``after`` has its own threshold, its flip bears it.
    """
    changed = (before.predicted != after.predicted) | (before.referred != after.referred)
    lost = before.is_target & before.referred & ~after.referred
    first = unit.first_images(image_ids)
    own = after.threshold if isinstance(after.threshold, np.ndarray) else None
    flips = (
        Flip(
            image_id=first[i],
            group=str(unit.groups[i]),
            label=classes[unit.labels[i]],
            float_class=classes[before.predicted[i]],
            exported_class=classes[after.predicted[i]],
            float_score=float(before.scores[i]),
            exported_score=float(after.scores[i]),
            melanoma_lost=bool(lost[i]),
            threshold=None if own is None else float(own[i]),
        )
        for i in np.flatnonzero(changed).tolist()
    )
    return tuple(sorted(flips, key=lambda flip: (not flip.melanoma_lost, flip.image_id)))
