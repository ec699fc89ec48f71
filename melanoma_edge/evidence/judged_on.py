"""The lesions that files were judged on, as the run's catalog has them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from melanoma_edge.contract import ModelContract
from melanoma_edge.data.catalog import Catalog
from melanoma_edge.evaluation.lesions import lesions

TEST = "test"


@dataclass(frozen=True)
class JudgedOn:
    """Hold how many images, lesions and lesions of the target there are; each lesion by first image, group and label.

    ``groups`` counts lesions, as parity records do.
    """

    images: int
    groups: int
    melanomas: int
    lesions: frozenset[tuple[str, str, str]]

    @classmethod
    def of(cls, catalog: Catalog, contract: ModelContract, split: str | None) -> Self:
        """Return the lesions of a split; of all images where ``split`` is None."""
        rows = catalog.rows if split is None else catalog.part(split)
        labels = np.array([catalog.classes.index(row.label) for row in rows], np.int64)
        unit = lesions([row.group for row in rows], labels)
        named = {
            (image_id, str(unit.groups[place]), catalog.classes[unit.labels[place]])
            for place, image_id in unit.first_images([row.image_id for row in rows]).items()
        }
        melanomas = int(np.isin(unit.labels, contract.target_columns).sum())
        return cls(len(rows), len(unit), melanomas, frozenset(named))

    def miscounted(self, counted: Mapping[str, Any]) -> Iterator[str]:
        """Yield the names of the numbers of a record or matrix that are others."""
        for name in ("images", "groups", "melanomas"):
            if counted[name] != getattr(self, name):
                yield name

    def knows(self, flips: Sequence[Mapping[str, Any]]) -> bool:
        """Tell whether every lesion that changed is one of these, and none is named twice."""
        named = [(flip["image_id"], flip["group"], flip["label"]) for flip in flips]
        return len(set(named)) == len(named) and self.lesions.issuperset(named)
